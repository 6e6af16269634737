package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload/keeper/keepertest"
)

// shorter is a program that asks tlsbench for the shortest form of what it is asked
// for. What goes on is asked for as it is: a file knows its plan.
const shorter = `#!/bin/sh
case " $* " in
*" --resume "*) exec tlsbench "$@" ;;
*" --measure duet "*) set -- "$@" --duet-pairs 1 ;;
esac
before= n=$#
while [ $n -gt 0 ]; do
	arg=$1
	shift
	n=$((n - 1))
	case "$before $arg" in
	"--openssl system,"*) arg=system,4.0 ;;
	"--hazard all") arg=plain,foreign-before:n=40 ;;
	"--hazard plain,"*) arg=plain,provider-state ;;
	"--rounds "*) arg=1 ;;
	"--duration "*) arg=300ms ;;
	"--fork-pairs "*) arg=4 ;;
	"--duet-pairs "*) arg=2 ;;
	esac
	set -- "$@" "$arg"
	before=$arg
done
exec tlsbench "$@"
`

// weakDaemons finds what measure.sh says of a file of daemons whose controls failed.
var weakDaemons = regexp.MustCompile(`(?m)^measure\.sh: .*/field-[^/]*\.txt: exit status 1$`)

// TestMeasure measures a whole set by the script that measured the published one, with
// everything in it short, and interrupts it as a user's Ctrl-C does. The same command
// goes on until all plans are finished; then a page can be made of the set.
func TestMeasure(t *testing.T) {
	if os.Getenv("TLSBENCH_LINES") == "" {
		t.Skip("takes about ten minutes: make test-long LONG=field")
	}
	bin, set := asTlsbench(t), filepath.Join(t.TempDir(), "set")
	program := filepath.Join(bin, "shorter")
	if err := os.WriteFile(program, []byte(shorter), 0o755); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	// measure lets the script work until some time after it has begun a file, or to its
	// end where none is named, and gives what it has said.
	measure := func(file string, after time.Duration) (string, error) {
		log, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		said := func() string {
			text, _ := os.ReadFile(log.Name())
			return string(text)
		}
		cmd := exec.Command("sh", ".ci/measure.sh", set)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TLSBENCH="+program)
		cmd.Stdout, cmd.Stderr = log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for file != "" && !strings.Contains(said(), file) {
			select {
			case err := <-ended:
				return said(), err
			case <-time.After(50 * time.Millisecond):
			}
		}
		if file != "" {
			time.Sleep(after)
			syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		}
		err = <-ended
		return said(), err
	}
	for _, file := range []string{"duets.txt", "fork-memory.txt", "sharing-1.txt", "hazards-2.txt", "field-1.txt"} {
		after := time.Duration(random.Int64N(int64(5 * time.Second)))
		log, err := measure(file, after)
		t.Logf("%s interrupted after %v: %v", file, after, err)
		if err == nil {
			t.Errorf("measure.sh ended well at an interrupt:\n%s", log)
		}
		if left := keepertest.Marked(set); len(left) > 0 {
			t.Errorf("after the interrupt these are left: %v", left)
		}
	}
	// Daemons in one short life each may lack the damage that a control needs; nothing
	// else may fail.
	log, err := measure("", 0)
	failed, weak := strings.Count(log, ": exit status "), len(weakDaemons.FindAllString(log, -1))
	if failed > weak || failed > strings.Count(log, "controls failed") || err != nil && failed == 0 {
		t.Fatalf("%v\n%s", err, log)
	}
	checkSet(t, set)
}

// checkSet wants all files of a set, each finished, and a page of them.
func checkSet(t *testing.T, set string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(set, "*.txt"))
	if len(files) < 15 {
		t.Fatalf("only %d files: %v", len(files), files)
	}
	kind := func(file string) string { // duets of a strategy with itself, daemons, all others
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		return map[string]string{"aa": name, "field": name}[name]
	}
	for _, together := range results.Group(files, kind) {
		c, err := results.Summarize(results.Options{}, together...)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range c.Unfinished() {
			if !strings.HasPrefix(text, "duets of ") { // they have as many pairs as were asked for, and no more
				t.Error(text)
			}
		}
	}
	var out bytes.Buffer
	args := append([]string{"report", "--probe", filepath.Join(set, "probe.json"), "-o", filepath.Join(set, "page.html")}, files...)
	if code := run(t.Context(), args, nil, &out, &out); code != 0 {
		t.Errorf("report: exit code %d: %s", code, &out)
	}
}
