package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/workload/openssl"
)

// finished writes a whole results file and returns its text.
func finished(t *testing.T, r *Runner, path string) []byte {
	t.Helper()
	if _, err := r.Run(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestResumeAfterCut ends the file where a crash could leave it, and resumes
// it: around the end of every line behind the header, and at 100 random places.
func TestResumeAfterCut(t *testing.T) {
	spec := smallSpec()
	spec.Rounds = 1
	r := newRunner(mustPlan(t, spec, whole))
	path := resultsPath(t)
	text := finished(t, r, path)
	records := bytes.Split(text, []byte("#trial "))
	ends := []int{len(records[0])} // of the header, then of each trial
	for _, rec := range records[1:] {
		ends = append(ends, ends[len(ends)-1]+len("#trial ")+len(rec))
	}
	want := planned(r.Plan)
	for _, cut := range cuts(newRand(t), text) {
		if cut < ends[0] { // the header is there as a whole, or no file is
			continue
		}
		if err := os.WriteFile(path, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		good := 0 // bytes that must not change
		done := 0
		for i, end := range ends {
			if end <= cut {
				good, done = end, i
			}
		}
		var seen diary
		r.Observer = &seen
		sum, err := r.Resume(t.Context(), path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if sum.Ran != 5-done {
			t.Errorf("cut at %d: %d trials were run, want %d", cut, sum.Ran, 5-done)
		}
		if said := fmt.Sprintf("resumed %d cut %d", done, cut-good); seen[0] != said {
			t.Errorf("cut at %d: said %q, want %q", cut, seen[0], said)
		}
		now, _ := os.ReadFile(path)
		if !bytes.HasPrefix(now, text[:good]) {
			t.Fatalf("cut at %d: what was good of the file has changed", cut)
		}
		if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
			t.Fatalf("cut at %d: %s", cut, diff)
		}
	}
}

// TestResumeIsPrivate: a file that was open to others is closed to them, and a link
// is not followed.
func TestResumeIsPrivate(t *testing.T) {
	path := resultsPath(t)
	interrupted(t, path)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	r := newRunner(mustPlan(t, smallSpec(), whole))
	_, err := r.Resume(t.Context(), link)
	checkRefusal(t, err, link+" is a link, and links are not followed: name the file itself")
	if _, err := r.Resume(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v after resuming, want 0600: %v", info.Mode(), err)
	}
}

// TestOthersLink: in a folder for all, such as /tmp, no run goes where another
// user's link leads to.
func TestOthersLink(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make links of other users")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	own, way := t.TempDir(), filepath.Join(dir, "way")
	const someone = 12345
	if err := errors.Join(os.Symlink(own, way), os.Lchown(way, someone, someone)); err != nil {
		t.Fatal(err)
	}
	r := newRunner(mustPlan(t, smallSpec(), whole))
	path := filepath.Join(way, "r.txt")
	_, err := r.Run(t.Context(), path)
	checkRefusal(t, err, "link of another user (12345)")
	interrupted(t, filepath.Join(own, "r.txt"))
	_, err = r.Resume(t.Context(), path)
	checkRefusal(t, err, "link of another user (12345)")
}

func cuts(rng *rand.Rand, text []byte) []int {
	list := []int{0, len(text)}
	for i, c := range text {
		if c == '\n' {
			list = append(list, i, i+1)
		}
	}
	for range 100 {
		list = append(list, rng.IntN(len(text)))
	}
	return list
}

// TestResumeKeepsTheOrder: what is left runs in the order of the plan.
func TestResumeKeepsTheOrder(t *testing.T) {
	r := newRunner(mustPlan(t, smallSpec(), whole))
	path := resultsPath(t)
	text := finished(t, r, path)
	half := bytes.Index(text, []byte(`"round":3`))
	if err := os.WriteFile(path, text[:half], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resume(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	trials := readTrials(t, path)
	i := 0
	for task := range r.Plan.Tasks() {
		if trials[i].ID != task.ID {
			t.Fatalf("trial %d of the file is number %d, the plan says %d", i, trials[i].ID, task.ID)
		}
		i++
	}
}

// TestResumeRefuses: each difference is named, and the file is left as it was.
func TestResumeRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Runner, *Spec, *Shard)
		edit   [2]string // in the file
		want   string
	}{
		{name: "rounds", change: func(_ *Runner, s *Spec, _ *Shard) { s.Rounds = 8 }, want: "it belongs to another run: rounds: 4 in the file, 8 here"},
		{name: "seed", change: func(_ *Runner, s *Spec, _ *Shard) { s.Seed = 8 }, want: "it belongs to another run: seed: 7 in the file, 8 here"},
		{name: "strategies", change: func(_ *Runner, s *Spec, _ *Shard) { s.Strategies = choose("hwm", "thread-stop") },
			want: "strategies: [hwm] in the file, [hwm thread-stop] here"},
		{name: "two things", change: func(_ *Runner, s *Spec, _ *Shard) { s.Workers, s.Heaps = []int{8}, []string{"scalable"} },
			want: "workers: [4] in the file, [8] here; heaps: [global] in the file, [scalable] here"},
		{name: "bad peers", change: func(_ *Runner, s *Spec, _ *Shard) { s.Bad = new(float64) }, want: "bad: default in the file, 0 here"},
		{name: "build", change: func(_ *Runner, s *Spec, _ *Shard) {
			s.Builds = []Build{fakeBuild("3.0.20")}
			s.Builds[0].Digest = "0123456789abcdef"
		}, want: "no such file"}, // the digest is held against the files first
		{name: "library elsewhere", change: func(_ *Runner, s *Spec, _ *Shard) {
			s.Builds = []Build{fakeBuild("3.0.20")}
			s.Builds[0].Build.Libssl = "/opt/libssl.so"
		}, want: "openssl-3.0.20-libssl: /lib/3.0.20/libssl.so in the file, /opt/libssl.so here"},
		{name: "shard", change: func(_ *Runner, _ *Spec, s *Shard) { *s = Shard{2, 16} }, want: "shard: 1/1 in the file, 2/16 here"},
		{name: "processor", change: func(r *Runner, _ *Spec, _ *Shard) { r.Machine.CPU = "Other" }, want: "cpu: Fake 3000 in the file, Other here"},
		{name: "kernel", change: func(r *Runner, _ *Spec, _ *Shard) { r.Machine.Kernel = "Linux 2" }, want: "kernel: Linux 1.2.3 in the file, Linux 2 here"},
		{name: "governor", change: func(r *Runner, _ *Spec, _ *Shard) { r.Machine.Governor = "powersave" }, want: "governor: none in the file, powersave here"},
		{name: "version", edit: [2]string{`"tlsbench":"` + Version() + `"`, `"tlsbench":"v1.2.3"`}, want: "tlsbench: version v1.2.3 in the file, " + Version() + " here"},
		{name: "format", edit: [2]string{`"format":1`, `"format":2`}, want: "plan of format 2: this version reads formats up to 1"},
		{name: "no plan", edit: [2]string{`#plan `, `# plan `}, want: "the file has no #plan line"},
		{name: "other cell", edit: [2]string{"strategy=key-owner/workers=4\",", "strategy=key-owner/workers=5\","}, want: "line "},
		{name: "strange trial", edit: [2]string{`"id":20,`, `"id":21,`}, want: "trial 21 of round 4 is where the plan has trial 20 of round 4"},
		{name: "number of another trial", edit: [2]string{`"id":20,`, `"id":19,`}, want: "trial 19 "},
		{name: "other seed of a trial", edit: [2]string{`"round":1,"seed":11398`, `"round":1,"seed":11399`}, want: "in the plan"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := resultsPath(t)
			text := finished(t, newRunner(mustPlan(t, smallSpec(), whole)), path)
			if test.edit[0] != "" {
				edited := bytes.Replace(text, []byte(test.edit[0]), []byte(test.edit[1]), 1)
				if bytes.Equal(edited, text) {
					t.Fatalf("%q is not in the file", test.edit[0])
				}
				text = edited
			}
			text = append(text, "torn"...) // must not be cut off either
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			spec, shard := smallSpec(), whole
			r := newRunner(nil)
			if test.change != nil {
				test.change(r, &spec, &shard)
			}
			r.Plan = mustPlan(t, spec, shard)
			_, err := r.Resume(t.Context(), path)
			checkRefusal(t, err, test.want)
			if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
				t.Error("the file has changed")
			}
		})
	}
}

// TestResumeRefusesARepeatedTrial: two files that were put into one.
func TestResumeRefusesARepeatedTrial(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	text := finished(t, r, path)
	text = append(text, text[bytes.LastIndex(text, []byte("#trial ")):]...)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := r.Resume(t.Context(), path)
	checkRefusal(t, err, "comes after the last trial of the plan")
}

// TestResumeByFileAlone takes the plan out of the file.
func TestResumeByFileAlone(t *testing.T) {
	path := resultsPath(t)
	spec := smallSpec()
	bad := 0.5
	spec.Bad, spec.Strategies[0].Params = &bad, map[string]int64{"scan": 64}
	r := newRunner(mustPlan(t, spec, Shard{2, 3}))
	text := finished(t, r, path)
	if err := os.WriteFile(path, text[:len(text)-30], 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := newRunner(plan).Resume(t.Context(), path); err != nil || sum.Ran != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if diff := cmp.Diff(planned(r.Plan), identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
}

func TestResumeWhatIsNoFile(t *testing.T) {
	r := newRunner(mustPlan(t, smallSpec(), whole))
	_, err := r.Resume(t.Context(), "/dev/full")
	checkRefusal(t, err, "/dev/full is not a regular file")
	pipe := resultsPath(t)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, second(ReadPlan(pipe)), "not a regular file")
	checkRefusal(t, second(Merge(resultsPath(t), pipe)), "not a regular file")
	_, err = r.Resume(t.Context(), resultsPath(t))
	checkRefusal(t, err, "no such file")
	path := resultsPath(t)
	if err := os.WriteFile(path, []byte("BenchmarkX 1 2 ns/op\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		second(r.Resume(t.Context(), path)),
		second(ReadPlan(path)),
	} {
		checkRefusal(t, err, "the file has no #plan line: it was not written by tlsbench run")
	}
}

func second[T any](_ T, err error) error { return err }

// TestChangedLibrary: an upgrade of OpenSSL between two halves of a run.
func TestChangedLibrary(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := dir + "/" + name
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lib := fakeBuild("3.0.20").Build
	lib.Version = "3.0.20"
	lib.Libcrypto, lib.Libssl = write("libcrypto.so", "c"), write("libssl.so", "s")
	twin := lib
	twin.Libssl = write("libssl2.so", "t")
	builds, err := NewBuilds([]openssl.Build{lib, twin})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range builds {
		if !strings.HasPrefix(b.Label, "3.0.20-") || b.Label != "3.0.20-"+b.Digest[:4] {
			t.Errorf("two builds of one version: label %q", b.Label)
		}
	}
	if builds, _ = NewBuilds([]openssl.Build{lib}); builds[0].Label != "3.0.20" {
		t.Errorf("label %q, want the version", builds[0].Label)
	}
	spec := smallSpec()
	spec.Builds = builds
	r := newRunner(mustPlan(t, spec, whole))
	path := resultsPath(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, path); err == nil {
		t.Fatal("want interrupted")
	}
	write("libcrypto.so", "d")
	_, err = r.Resume(t.Context(), path)
	checkRefusal(t, err, "has changed since the plan was made: sha256 was ")
	write("libcrypto.so", "c")
	if _, err := r.Resume(t.Context(), path); err != nil {
		t.Error(err)
	}
	if n := len(readTrials(t, path)); n != 20 {
		t.Errorf("%d trials, want 20", n)
	}
}
