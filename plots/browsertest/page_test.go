// Package browsertest opens the report page in a real browser. It is a module
// of its own so that nobody who only uses the suite downloads a browser's
// protocol. It needs chromium or google-chrome on the path; a machine that has
// none fails it, because a page that nobody looked at is not tested.
//
// Run it with -count=1: the go command does not see that the page, which comes
// from another module, has changed, and would repeat an old answer.
//
//	cd plots/browsertest && SCREENSHOTS=/tmp/shots go test -count=1 .
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// root is the module that has the page.
const root = "../.."

// fixture is a page of made-up data that has everything a page can have, published
// that of the published set.
var fixture, published string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	fixture = reportPage(folder, "fixture", "plots/testdata/full.txt", "--probe", "plots/testdata/probe.json", "--embed")
	published = reportPage(folder, "published", publishedFiles()...)
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// reportPage writes a page.
func reportPage(folder, name string, args ...string) string {
	path := filepath.Join(folder, name+".html")
	cmd := exec.Command("go", append([]string{"run", "./cmd/tlsbench", "report", "-o", path}, args...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", cmd.Args, err, out)
		os.Exit(1)
	}
	return path
}

// publishedFiles are those of the newest set, as report takes them.
func publishedFiles() (args []string) {
	files, _ := filepath.Glob(root + "/results/data/*/*.txt")
	if len(files) == 0 {
		fmt.Fprintln(os.Stderr, "no published set in results/data")
		os.Exit(1)
	}
	set := filepath.Dir(files[len(files)-1])
	for _, file := range files {
		name, _ := filepath.Rel(root, file)
		if filepath.Dir(file) == set {
			args = append(args, name)
		}
	}
	probe, _ := filepath.Rel(root, filepath.Join(set, "probe.json"))
	return append(args, "--probe", probe)
}

// view is an open page, and what went wrong on it.
type view struct {
	ctx  context.Context
	t    *testing.T
	page string

	mu       sync.Mutex
	requests []string
	errors   []string
}

// open loads a page in a window of a width.
func open(t *testing.T, page string, width int64, scripts bool, scheme string) *view {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	v := &view{ctx: ctx, t: t, page: page}
	chromedp.ListenTarget(ctx, v.listen)
	v.run(network.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(width, 900, 1, width < 500),
		emulation.SetScriptExecutionDisabled(!scripts),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate("file://"+page), chromedp.WaitVisible("#data"))
	return v
}

func (v *view) listen(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "data:") && u != "file://"+v.page {
			v.requests = append(v.requests, u)
		}
	case *runtime.EventConsoleAPICalled:
		v.errors = append(v.errors, fmt.Sprintf("console: %s", e.Type))
	case *runtime.EventExceptionThrown:
		v.errors = append(v.errors, e.ExceptionDetails.Error())
	}
}

func (v *view) run(actions ...chromedp.Action) {
	v.t.Helper()
	if err := chromedp.Run(v.ctx, actions...); err != nil {
		v.t.Fatal(err)
	}
}

// ask evaluates an expression. It works with scripts off too: only the page's
// own scripts are.
func ask[T any](v *view, script string) T {
	v.t.Helper()
	var answer T
	v.run(chromedp.Evaluate(script, &answer))
	return answer
}

// shots keeps a picture of each section, for a person to look at, if
// SCREENSHOTS names a folder.
func (v *view) shots(name string) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	for _, id := range []string{"answer", "verdicts", "figures", "handshakes", "forks", "sweeps", "workers", "shared", "damage", "survival", "keys", "noise", "drift", "details", "limits", "repeat", "data"} {
		var picture []byte
		v.run(chromedp.Evaluate(fmt.Sprintf(`document.getElementById(%q).scrollIntoView()`, id), nil), chromedp.CaptureScreenshot(&picture))
		if err := os.WriteFile(filepath.Join(folder, name+"-"+id+".png"), picture, 0o644); err != nil {
			v.t.Fatal(err)
		}
	}
}

func (v *view) clean() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.requests) > 0 {
		v.t.Errorf("requests: %v", v.requests)
	}
	if len(v.errors) > 0 {
		v.t.Errorf("console: %v", v.errors)
	}
}

// TestLayout looks at both pages on a desk, in half a window and on a telephone, light
// and dark: no errors, no requests, nothing cut, no word broken, nothing on top of
// another, every letter there, and enough contrast everywhere.
func TestLayout(t *testing.T) {
	for name, page := range map[string]string{"fixture": fixture, "published": published} {
		for _, width := range []int64{1280, 1000, 390} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s-%d-%s", name, width, scheme), func(t *testing.T) {
					v := open(t, page, width, true, scheme)
					v.shots(fmt.Sprintf("%s-%d-%s", name, width, scheme))
					for _, check := range []string{layoutProblems, contrastProblems, glyphProblems} {
						for _, problem := range ask[[]string](v, check) {
							t.Error(problem)
						}
					}
					v.clean()
				})
			}
		}
	}
}

// TestOnePageOneAnswer: what a page says in one place it does not deny in another.
func TestOnePageOneAnswer(t *testing.T) {
	for _, page := range []string{fixture, published} {
		v := open(t, page, 1280, true, "light")
		for _, problem := range ask[[]string](v, contradictions) {
			t.Error(problem)
		}
	}
}

// TestChecksCanFail makes sure that the checks above see what they are for.
func TestChecksCanFail(t *testing.T) {
	v := open(t, fixture, 390, true, "light")
	damage := func(style, what, check string) {
		t.Helper()
		ask[bool](v, `(() => { const s = document.createElement("style"); s.id = "damage"; s.textContent = `+"`"+style+"`"+`; document.head.append(s); return true })()`)
		if len(ask[[]string](v, check)) == 0 {
			t.Errorf("%s is not noticed", what)
		}
		ask[bool](v, `(() => { document.getElementById("damage").remove(); return true })()`)
	}
	damage("h1{white-space:nowrap}", "a title wider than the window", layoutProblems)
	damage(".caption{margin-top:-2em}", "text on other text", layoutProblems)
	damage(".caption{height:1em;overflow:hidden}", "text that is cut", layoutProblems)
	damage("svg text{font-size:40px!important}", "labels on other labels", layoutProblems)
	damage(".wide svg{max-width:100%}", "a picture too small to read", layoutProblems)
	damage("td{width:3em;overflow-wrap:anywhere}tr,td{display:table-cell!important;max-width:3em}", "a word broken inside", `(`+layoutProblems+`).filter(p => p.startsWith("is broken inside"))`)
	damage(".caption{color:#aaa!important}", "pale text", contrastProblems)
	damage(`.caption::after{content:"\\378"}`, "a letter that no font has", glyphProblems)
	damage(`.caption::after{content:"\\2800"}`, "a letter that is blank", glyphProblems)
	for what, edit := range map[string]string{
		"a harmless word with damage": `document.querySelectorAll("#details td.verdict").forEach(e => e.className = "verdict w-clean")`,
		"an answer without damage":    `document.querySelectorAll("#answer tbody tr").forEach(e => { e.cells[1].textContent = "clean on all 5"; e.cells[2].textContent = "none of 40 hazards" })`,
	} {
		v := open(t, fixture, 1280, true, "light")
		ask[any](v, edit)
		if len(ask[[]string](v, contradictions)) == 0 {
			t.Errorf("%s is not noticed", what)
		}
	}
}

// TestWithoutScripts: everything is there, nothing offers what it cannot do.
func TestWithoutScripts(t *testing.T) {
	v := open(t, fixture, 1280, false, "light")
	if !ask[bool](v, `document.querySelector(".controls").getClientRects().length === 0`) {
		t.Error("filters are shown that do nothing")
	}
	if n := ask[int](v, `[...document.querySelectorAll("figure, .table, details.scene")].filter(e => e.getClientRects().length === 0 && !e.parentElement.closest("details.scene")).length`); n > 0 {
		t.Errorf("%d parts of the page are hidden", n)
	}
	if n := ask[int](v, `document.querySelectorAll("figure svg").length`); n < 20 {
		t.Errorf("%d panels, want 20 or more", n)
	}
	v.clean()
}

const visible = `[...document.querySelectorAll("figure[data-openssl], tr[data-openssl]")].filter(e => e.getClientRects().length > 0)`

// TestFilterByMouse picks values as a user does; a select element's menu is
// drawn outside the page, so its value is set and the change sent.
func TestFilterByMouse(t *testing.T) {
	v := open(t, fixture, 1280, true, "light")
	all := ask[int](v, visible+".length")
	choose := func(id, value string) {
		v.run(chromedp.Click("#"+id), chromedp.SetValue("#"+id, value),
			chromedp.Evaluate(fmt.Sprintf(`document.getElementById(%q).dispatchEvent(new Event("change"))`, id), nil))
	}
	choose("filter-openssl", "4.0.3")
	some := ask[int](v, visible+".length")
	if some == 0 || some >= all {
		t.Errorf("%d of %d parts are shown with one OpenSSL", some, all)
	}
	if wrong := ask[int](v, visible+`.filter(e => e.dataset.openssl && e.dataset.openssl !== "4.0.3").length`); wrong > 0 {
		t.Errorf("%d parts of another OpenSSL are shown", wrong)
	}
	choose("filter-hazard", "rank0-client")
	if wrong := ask[int](v, visible+`.filter(e => e.dataset.hazard && e.dataset.hazard !== "rank0-client").length`); wrong > 0 {
		t.Errorf("%d parts of another hazard are shown", wrong)
	}
	choose("filter-openssl", "")
	choose("filter-hazard", "")
	if n := ask[int](v, visible+".length"); n != all {
		t.Errorf("%d parts are shown after the filters were taken off, want %d", n, all)
	}
	v.clean()
}

// TestKeyboard reaches filters and sorting with keys alone.
func TestKeyboard(t *testing.T) {
	v := open(t, fixture, 1280, true, "light")
	all := ask[int](v, visible+".length")
	v.reach("filter-openssl")
	v.run(chromedp.KeyEvent("4")) // the option that begins with it
	if got := ask[string](v, `document.getElementById("filter-openssl").value`); got != "4.0.3" {
		t.Errorf("the key 4 chose %q", got)
	}
	if n := ask[int](v, visible+".length"); n == 0 || n >= all {
		t.Errorf("%d of %d parts are shown after a choice by keyboard", n, all)
	}
	v.reach("theme")
	v.run(chromedp.KeyEvent("d"))
	if got := ask[string](v, `getComputedStyle(document.body).backgroundColor`); got != "rgb(21, 24, 28)" {
		t.Errorf("background %s after choosing dark", got)
	}
	v.clean()
}

// reach presses Tab until an element has the focus, and checks that it shows.
func (v *view) reach(id string) {
	v.t.Helper()
	for range 40 {
		v.run(chromedp.KeyEvent("\t"))
		if ask[string](v, "document.activeElement.id") == id {
			if outline := ask[string](v, "getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
				v.t.Errorf("%s has the focus and does not show it", id)
			}
			return
		}
	}
	v.t.Fatalf("%s is not reached by 40 tabs", id)
}

// TestSort sorts a column both ways by its button; a third click restores the
// order.
func TestSort(t *testing.T) {
	v := open(t, fixture, 1280, true, "light")
	const column = `[...document.querySelector("#details .table table").tBodies[0].rows].map(r => Number(r.cells[1].dataset.sort))`
	const button = `#details .table table thead th:nth-child(2) button`
	before := ask[[]float64](v, column)
	v.run(chromedp.Click(button))
	up := ask[[]float64](v, column)
	if len(up) < 2 || !slices.IsSorted(up) {
		t.Fatalf("not ascending: %v", up)
	}
	v.run(chromedp.Focus(button), chromedp.KeyEvent("\r"))
	down := ask[[]float64](v, column)
	if down[0] <= down[len(down)-1] {
		t.Errorf("not descending: %v", down)
	}
	if got := ask[string](v, `document.querySelector("#details .table table thead th:nth-child(2)").getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("aria-sort is %q", got)
	}
	v.run(chromedp.Focus(button), chromedp.KeyEvent("\r"))
	if got := ask[[]float64](v, column); !slices.Equal(got, before) {
		t.Errorf("the order is %v after three clicks, was %v", got, before)
	}
	v.clean()
}

// TestAlternatives: each picture has a name and a description.
func TestAlternatives(t *testing.T) {
	v := open(t, fixture, 1280, true, "light")
	bad := ask[[]string](v, `[...document.querySelectorAll("svg")].filter(s => {
		const parts = (s.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.textContent || "");
		return s.getAttribute("role") !== "img" || parts.length !== 2 || parts.some(p => p.length < 10);
	}).map(s => s.outerHTML.slice(0, 120))`)
	for _, s := range bad {
		t.Errorf("no text alternative: %s", s)
	}
}
