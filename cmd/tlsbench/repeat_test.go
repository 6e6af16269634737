package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// parseRun reads the arguments of "tlsbench run" without running anything.
func parseRun(t *testing.T, args []string) *runCommand { return &parseCommand(t, args).Run }

func parseCommand(t *testing.T, args []string) *grammar {
	t.Helper()
	g := new(grammar)
	parser, err := kong.New(g, choiceVars())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return g
}

// planOf makes the plan of a command on builds that are given.
func planOf(t *testing.T, c *runCommand, builds []bench.Build) *bench.Plan {
	t.Helper()
	spec, err := c.spec(nil)
	if err != nil {
		t.Fatal(err)
	}
	spec.Builds = builds
	shard, err := bench.ParseShard(c.Shard)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := bench.NewPlan(spec, shard)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// sameCommand prints the command of a results file, reads it back, and wants
// the plan of the file.
func sameCommand(t *testing.T, path string) {
	t.Helper()
	if _, daemons, _ := results.Sorted([]string{path}); len(daemons) > 0 {
		sameFieldCommand(t, path)
		return
	}
	line, end, _ := strings.Cut(commandOf(t, path), "\n") // the second ends the plan
	plan, err := bench.ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	c := parseRun(t, strings.Fields(line)[1:])
	var names []string
	for _, b := range plan.Spec.Builds {
		names = append(names, b.Build.Name)
	}
	if asked := strings.Join(c.Openssl, ","); asked != strings.Join(names, ",") && !(asked == "" && strings.Join(names, ",") == "system") {
		t.Errorf("%s asks for builds %q, the file has %v", line, asked, names)
	}
	again := planOf(t, c, plan.Spec.Builds)
	if end != "" {
		if again, err = again.Change(int(parseRun(t, strings.Fields(end)[1:]).Rounds)); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(plan.Spec.Measures, []results.Measure{results.Fork}) {
		// A trial of forks ends by their number. The lengths of other trials are the
		// preset's, which may have changed since.
		for _, p := range []*bench.Plan{plan, again} {
			p.Spec.HandshakeTime, p.Spec.CorruptionTime = 0, 0
		}
	}
	if plan.Spec.Sequential && plan.Spec.Rounds == 0 {
		plan.Spec.Extended = nil // it was ended and went on: the trials are those of a plan that never was
	}
	if diff := cmp.Diff(asJSON(t, plan), asJSON(t, again)); diff != "" {
		t.Errorf("%s\nmakes another plan (-file +command):\n%s", line, diff)
	}
}

// commandOf is the command that a reader is told to repeat a file with.
func commandOf(t *testing.T, path string) string {
	t.Helper()
	c, err := results.Summarize(results.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	return page.Commands(c)[0]
}

// sameFieldCommand does so for a file of daemons. What is found on a machine is no
// part of its command: versions of packages and builds.
func sameFieldCommand(t *testing.T, path string) {
	t.Helper()
	set, err := results.ReadFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Spec bench.Spec }
	if err := json.Unmarshal(set.Files[0].Header.Plan, &file); err != nil {
		t.Fatal(err)
	}
	line := commandOf(t, path)
	again := fieldPlan(t, strings.Fields(line)[1:]).Spec
	for _, s := range []*bench.Spec{&file.Spec, &again} {
		s.Builds, s.HandshakeTime = nil, 0
		for i := range s.Daemon.List {
			s.Daemon.List[i].Package, s.Daemon.List[i].OpenSSL = "", ""
		}
	}
	if diff := cmp.Diff(file.Spec, again); diff != "" {
		t.Errorf("%s\nmakes another plan (-file +command):\n%s", line, diff)
	}
}

// fieldPlan makes the plan of "tlsbench field" without daemons.
func fieldPlan(t *testing.T, args []string) *bench.Plan {
	t.Helper()
	c := &parseCommand(t, args).Field
	var flags []string
	for _, arg := range args {
		if flag, is := strings.CutPrefix(arg, "--"); is {
			flags = append(flags, flag)
		}
	}
	if err := c.checkTrace(flags); err != nil {
		t.Fatal(err)
	}
	spec, err := c.spec()
	if err != nil {
		t.Fatal(err)
	}
	shard, err := bench.ParseShard(c.Shard)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := bench.NewPlan(spec, shard)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func asJSON(t *testing.T, p *bench.Plan) string {
	t.Helper()
	text, err := json.MarshalIndent(struct {
		Spec  bench.Spec
		Shard bench.Shard
	}{p.Spec, p.Shard}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPublishedCommands: what the README prints to repeat each published file
// makes exactly its plan.
func TestPublishedCommands(t *testing.T) {
	files, err := filepath.Glob("../../results/data/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d published files (%v)", len(files), err)
	}
	for _, path := range files {
		sameCommand(t, path)
	}
}

// TestCommands does so for every flag that a plan is made of.
func TestCommands(t *testing.T) {
	system, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	system[0].Version = "3.0.0"
	builds, err := bench.NewBuilds(system)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"--seed 1",
		"--preset quick --seed 2",
		"--preset full --hazard plain,python:before=1 --rounds 3 --seed 3",
		"--strategy hwm,clear-0-15:n=32,key-owner --workers 1,8 --load memory,tcp --heap scalable --seed 4",
		"--tls 1.2,1.3 --key rsa-2048 --rand method --locks kamailio --heap-safety abort --heap-size 512 --seed 5",
		"--measure corruption,handshake --bad 0.35 --check-rate 0 --duration 300ms --no-controls --seed 6",
		"--measure fork --fork-memory 16,64 --fork-keys 0,8 --huge-pages on,off --fork-pairs 20 --rounds 2 --seed 7",
		"--rounds 5 --seed 8 --shard 2/3",
		"--measure duet --seed 9",
		"--measure duet --strategy hwm,key-owner --against key-owner,clear-0-15:n=32 --duet-pairs 25 --tls 1.2 --seed 10",
		"--measure handshake,duet --workers 2 --load tcp,memory --rounds 3 --seed 11",
	} {
		sameCommand(t, cancelled(t, planOf(t, parseRun(t, append([]string{"run"}, strings.Fields(args)...)), builds)))
	}
	for _, args := range []string{
		"--seed 1",
		"--daemon 6.0,5.6 --strategy hwm,clear-0-15:n=32 --mem-safety 1 --hazard python,plain --readers 3 --tls 1.2 --seed 2",
		"--bad 10% --rounds 3 --control-rounds 0 --duration 3s --rig-time 0s --seed 3",
		"--rig-time 700ms --seed 4 --shard 2/3",
		"--trace --seed 5",
		"--trace --rig-time 0s --seed 6",
	} {
		sameCommand(t, cancelled(t, fieldPlan(t, append([]string{"field"}, strings.Fields(args)...))))
	}
}

// cancelled gives the file of a plan, without a trial.
func cancelled(t *testing.T, plan *bench.Plan) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.txt")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &bench.Runner{Plan: plan, Machine: bench.ThisMachine(), Execute: func(context.Context, workload.Config) (*workload.Outcome, error) {
		return nil, context.Canceled
	}}
	if _, err := r.Run(ctx, path); err == nil {
		t.Fatal("a cancelled run ended without an error")
	}
	return path
}

// A results file names a user's own object by its base name and content alone, and
// goes on with it wherever it lies: next to the file, in the working folder, or
// where --strategy says.
func TestResumeOwnObject(t *testing.T) {
	home, elsewhere := t.TempDir(), t.TempDir()
	t.Chdir(home)
	object := filepath.Join(home, "my_fix.so")
	cc := exec.Command("cc", "-std=c11", "-shared", "-fPIC", "-o", object, "-I", sourceFolder(t, "strategies"),
		filepath.Join(sourceFolder(t, "workload/testdata"), "drop_shared.c"))
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	call := func(args ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		return run(t.Context(), append([]string{"run", "--quiet"}, args...), nil, &stdout, &stderr), stderr.String()
	}
	if code, said := call("--strategy", "./my_fix.so", "--no-controls", "--measure", "corruption", "--load", "memory",
		"--duration", "200ms", "--rounds", "1", "-o", "r.txt"); code != 0 {
		t.Fatal(said)
	}
	text, err := os.ReadFile("r.txt")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(home)) || !bytes.Contains(text, []byte(`"Path":"my_fix.so"`)) {
		t.Errorf("the file names the folder %s, or not the object", home)
	}
	cut := filepath.Join(elsewhere, "cut.txt")
	tear := func() {
		if err := os.WriteFile(cut, text[:len(text)-9], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tear()
	if code, said := call("--resume", cut); code != 0 { // in the working folder
		t.Error(said)
	}
	t.Chdir(elsewhere)
	tear()
	if code, said := call("--resume", "cut.txt"); code != exitRefused || !strings.Contains(said, "no my_fix.so next to the results file") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if code, said := call("--resume", "cut.txt", "--strategy", object); code != 0 {
		t.Error(said)
	}
	if err := os.Rename(object, filepath.Join(elsewhere, "my_fix.so")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(home)
	tear()
	if code, said := call("--resume", cut); code != 0 { // next to the file
		t.Error(said)
	}
}

// sourceFolder is a folder of the project, wherever a test runs.
func sourceFolder(t *testing.T, name string) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../..", name)
}
