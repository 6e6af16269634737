package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"

	"tlsbench/results"
	"tlsbench/results/outfile"
)

func mergeSpec() Spec {
	spec := smallSpec()
	spec.Builds = []Build{fakeBuild("3.0.20"), fakeBuild("3.5.7")}
	spec.Hazards = []string{results.Plain, "python", "foreign:n=14"}
	spec.Strategies = choose("hwm", "thread-stop")
	spec.Workers = []int{2, 4}
	return spec
}

// runShards runs every shard, on a machine of its own if there are any, and returns
// the files.
func runShards(t *testing.T, spec Spec, n int, machines ...Machine) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i := 1; i <= n; i++ {
		r := newRunner(mustPlan(t, spec, Shard{i, n}))
		if len(machines) > 0 {
			r.Machine = machines[i-1]
		}
		path := filepath.Join(dir, fmt.Sprintf("r%d.txt", i))
		if _, err := r.Run(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestMergedShardsEqualTheWhole runs a plan in one piece, and in 16 shards
// that are merged in any order.
func TestMergedShardsEqualTheWhole(t *testing.T) {
	spec := mergeSpec()
	one := resultsPath(t)
	if _, err := newRunner(mustPlan(t, spec, whole)).Run(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	parts := runShards(t, spec, 16)
	newRand(t).Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	merged := resultsPath(t)
	m, err := Merge(merged, parts...)
	if err != nil {
		t.Fatal(err)
	}
	want := readTrials(t, one)
	got := readTrials(t, merged)
	if diff := cmp.Diff(identities(want), identities(got)); diff != "" {
		t.Error(diff)
	}
	// Cell for cell, values and all; only the times differ.
	if diff := cmp.Diff(byID(want), byID(got)); diff != "" {
		t.Error(diff)
	}
	if m.Trials != len(want) || m.Shards != 16 {
		t.Errorf("%+v: want %d trials of 16 shards", m, len(want))
	}
	_, err = ReadPlan(merged)
	checkRefusal(t, err, "it is a merged file, and these are complete")
	_, err = newRunner(mustPlan(t, spec, whole)).Resume(t.Context(), merged)
	checkRefusal(t, err, "it is a merged file, and these are complete")
}

func byID(list []*results.Trial) map[int]results.Trial {
	out := make(map[int]results.Trial)
	for _, t := range list {
		c := *t
		c.Start, c.File = list[0].Start, ""
		out[t.ID] = c
	}
	for id, c := range out {
		c.Start = out[1].Start.Truncate(1 << 62)
		out[id] = c
	}
	return out
}

func TestMergeRefuses(t *testing.T) {
	spec := mergeSpec()
	parts := runShards(t, spec, 3)
	spec.Seed++
	foreign := runShards(t, spec, 3)
	spec.Seed--
	four := runShards(t, spec, 4)
	odd := fakeMachine
	odd.CPU = "Other 9000"
	mixed := runShards(t, spec, 3, fakeMachine, odd, fakeMachine)
	text, err := os.ReadFile(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	edited := func(name string, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	half := edited("half.txt", string(text[:strings.LastIndex(string(text), "#trial ")]))
	torn := edited("torn.txt", string(text[:len(text)-1]))
	first, second := bytes.Index(text, []byte("#trial ")), secondTrial(text)
	twice := edited("twice.txt", string(text[:second])+string(text[first:]))
	swapped := edited("swapped.txt", string(text[:first])+string(text[second:])+string(text[first:second]))
	seed := regexp.MustCompile(`("round":1,"seed":)[0-9]+`)
	other := edited("other.txt", seed.ReplaceAllString(string(text), "${1}5"))
	newer := edited("newer.txt", strings.Replace(string(text), `"tlsbench":"`+Version()+`"`, `"tlsbench":"v9"`, 1))
	merged := resultsPath(t)
	if _, err := Merge(merged, parts...); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		parts []string
		want  string
	}{
		{"nothing", nil, "no results files given"},
		{"gap", []string{parts[0], parts[2]}, "no file has shard 2/3"},
		{"gaps", four[1:2], "no file has shard 1/4, 3/4, 4/4"},
		{"overlap", []string{parts[0], parts[1], parts[1], parts[2]}, parts[1] + " are both shard 2/3"},
		{"interrupted", []string{parts[0], half, parts[2]}, "half.txt (shard 2/3): has 111 of its 112 trials: resume it first"},
		{"torn", []string{parts[0], torn, parts[2]}, "torn.txt (shard 2/3): has 111 of its 112 trials"},
		{"a trial twice", []string{parts[0], twice, parts[2]}, "twice.txt (shard 2/3): trial "},
		{"out of order", []string{parts[0], swapped, parts[2]}, " is where the plan has trial "},
		{"a trial of another seed", []string{parts[0], other, parts[2]}, " with seed 5 in the file, "},
		{"other seed", []string{parts[0], foreign[1], parts[2]}, "belong to different plans: seed: 7 in " + parts[0] + ", 8 in " + foreign[1]},
		{"other machine", mixed, " ran on different machines: cpu: " + fakeMachine.CPU + " in " + mixed[0] + ", Other 9000 in " + mixed[1]},
		{"other number of shards", []string{parts[0], four[1]}, "number of shards: 3 in " + parts[0] + ", 4 in " + four[1]},
		{"other version", []string{parts[0], newer}, "tlsbench: version " + Version() + " in " + parts[0] + ", v9 in "},
		{"merged again", []string{merged}, "it is a merged file, and these are complete"},
		{"no file", []string{merged + "x"}, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := resultsPath(t)
			_, err := Merge(out, test.parts...)
			checkRefusal(t, err, test.want)
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a file was written all the same: %v", err)
			}
		})
	}
	var taken *outfile.RefusalError
	if _, err = Merge(merged, parts...); !errors.As(err, &taken) || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("merged into a file that is there: %v", err)
	}
}

// secondTrial is where the second trial of a file begins.
func secondTrial(text []byte) int {
	const mark = "\n#trial "
	first := bytes.Index(text, []byte(mark)) + 1
	return first + bytes.Index(text[first:], []byte(mark)) + 1
}

// BenchmarkMerge joins 16 shards of 200,000 trials in all, and gives the most
// memory that this process ever had: it does not grow with the trials.
func BenchmarkMerge(b *testing.B) {
	spec := mergeSpec()
	spec.Rounds = 200_000 / len(mustPlan(b, spec, whole).cells)
	parts := make([]string, 16)
	for i := range parts {
		parts[i] = writePart(b, mustPlan(b, spec, Shard{i + 1, 16}))
	}
	trials := 0
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "merged.txt")
		m, err := Merge(path, parts...)
		if err != nil {
			b.Fatal(err)
		}
		trials += m.Trials
	}
	b.ReportMetric(float64(trials)/b.Elapsed().Seconds(), "trials/s")
	status, err := procfs.Self()
	if err != nil {
		b.Fatal(err)
	}
	s, err := status.NewStatus()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.VmHWM)/1e6, "peak-MB")
}

// writePart writes what a run of the plan would have, without waiting for the
// disk after each trial.
func writePart(b *testing.B, p *Plan) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "part.txt")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(f)
	w := results.NewWriter(out)
	header, err := newDocument(p, fakeMachine).header()
	if err == nil {
		err = w.Header(header)
	}
	for task := range p.Tasks() {
		o, execErr := fakeExecute(b.Context(), task.config(p.Spec))
		trial, trialErr := task.trial(time.Unix(int64(task.ID), 0), o, execErr)
		err = errors.Join(err, trialErr, w.Trial(trial))
	}
	if err = errors.Join(err, out.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return path
}

// TestMergeOfResumedShard: interruption and merge together lose nothing.
func TestMergeOfResumedShard(t *testing.T) {
	spec := mergeSpec()
	parts := runShards(t, spec, 2)
	text, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(parts[0], text[:len(text)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := ReadPlan(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRunner(plan).Resume(t.Context(), parts[0]); err != nil {
		t.Fatal(err)
	}
	out := resultsPath(t)
	if _, err := Merge(out, parts...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned(mustPlan(t, spec, whole)), identities(readTrials(t, out))); diff != "" {
		t.Error(diff)
	}
}
