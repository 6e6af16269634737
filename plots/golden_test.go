package plots

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
)

// goldenDPI is small, to keep the repository small. Text stays readable.
const goldenDPI = 72

// golden says which figures of which fixture are kept as pictures: those that
// the fixture makes different.
var golden = map[string][]string{
	"full":         {"verdicts", "corruption", "survival", "throughput", "scaling", "fork", "later", "keys", "drift"},
	"workers":      {"scaling", "survival"},
	"no-events":    {"corruption", "survival", "verdicts"},
	"one-strategy": {"throughput", "scaling", "corruption", "verdicts", "drift", "fork"},
	"one-run":      {"throughput", "scaling", "fork", "later", "corruption", "drift", "survival"},
	"all-crashed":  {"verdicts", "corruption", "survival", "throughput", "drift"},
	"six-decades":  {"corruption", "throughput", "scaling", "fork", "later"},
	"empty":        {"verdicts", "keys"},
	"lines":        {"verdicts", "throughput", "fork"},
	"sweeps":       {"fork", "later"},
	"only-forks":   {"fork", "later", "verdicts"},
}

// TestGolden draws every figure from every fixture: none panics, none is
// blank, and those listed look as they did.
func TestGolden(t *testing.T) {
	for name := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, f := range Figures(load(t, name)) {
				if (f.Empty == "") != (len(f.Panels) > 0) {
					t.Errorf("%s: %d panels, and says %q", f.ID, len(f.Panels), f.Empty)
				}
				for _, sheet := range f.sheets() {
					var b bytes.Buffer
					check(t, sheet.writePNG(&b, goldenDPI))
					if share := inked(t, b.Bytes()); share < 0.005 {
						t.Errorf("%s: %.2f %% of the picture is drawn on, as if it were blank", sheet.ID, 100*share)
					}
					if slices.Contains(golden[name], f.ID) && (name == "lines" || name == "sweeps" || sheet.ID == f.ID) {
						compareGolden(t, filepath.Join("testdata", "golden", name+"-"+sheet.ID+".png"), b.Bytes())
					}
				}
			}
		})
	}
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		check(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	check(t, err)
	same, err := cmpimg.EqualApprox("png", got, want, 0.1)
	check(t, err)
	if !same {
		fresh := filepath.Join(os.TempDir(), "got-"+filepath.Base(path))
		check(t, os.WriteFile(fresh, got, 0o644))
		t.Errorf("%s looks different now, see %s; refresh with -update", path, fresh)
	}
}

// inked is the share of pixels that are not paper.
func inked(t *testing.T, picture []byte) float64 {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	check(t, err)
	n, box := 0, img.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); r+g+b < 3*0xF000 {
				n++
			}
		}
	}
	return float64(n) / float64(box.Dx()*box.Dy())
}

// TestSVG checks that each figure is well-formed XML with its letters, a title
// and a text alternative, needs nothing from elsewhere, and is the same when
// drawn again.
func TestSVG(t *testing.T) {
	d := load(t, "full")
	again := Figures(d)
	for i, f := range Figures(d) {
		var b, c bytes.Buffer
		check(t, f.WriteSVG(&b))
		check(t, again[i].WriteSVG(&c))
		if !bytes.Equal(b.Bytes(), c.Bytes()) {
			t.Errorf("%s: drawn twice, and not the same", f.ID)
		}
		if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
			t.Errorf("%s: %v", f.ID, err)
		}
		for _, want := range []string{"<title", "<desc", `font-family:"Liberation Sans",Arial,Helvetica,sans-serif`} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %s", f.ID, want)
			}
		}
		text := strings.ReplaceAll(b.String(), "http://www.w3.org/", "")
		if strings.Contains(text, "http://") || strings.Contains(text, "https://") {
			t.Errorf("%s refers to something elsewhere", f.ID)
		}
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: a coordinate is no number", f.ID)
		}
	}
}

// TestPromises checks what holds for every figure: caption with the number of
// trials and the baseline, alternative text with every strategy, marks.
func TestPromises(t *testing.T) {
	d := load(t, "full")
	for _, f := range Figures(d) {
		if !strings.Contains(f.Caption, "key-owner") {
			t.Errorf("%s: the caption does not name the baseline: %s", f.ID, f.Caption)
		}
		if !strings.ContainsAny(f.Caption, "0123456789") || !strings.Contains(f.Caption, "interval") && !strings.Contains(f.Caption, "bound") {
			t.Errorf("%s: the caption has no counts or says nothing of intervals: %s", f.ID, f.Caption)
		}
		if !strings.Contains(f.Caption, "/usr/lib/libcrypto.so.3") {
			t.Errorf("%s: the caption does not name the library", f.ID)
		}
		for _, p := range f.Panels {
			if p.Alt == "" || p.Title == "" || p.Sub == "" {
				t.Errorf("%s: a panel without words: %+v", f.ID, p)
			}
		}
	}
}

func TestControlsFailed(t *testing.T) {
	// Nothing fires under none in this one.
	for _, f := range Figures(load(t, "no-events")) {
		for _, p := range f.Panels {
			if !strings.Contains(p.Mark, "CONTROLS FAILED") {
				t.Errorf("%s: %s has no mark that the controls failed", f.ID, p.Title)
			}
		}
	}
}
