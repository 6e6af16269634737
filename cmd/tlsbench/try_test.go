package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tlsbench/bench"
	"tlsbench/results"
)

// TestTry has a fix that does nothing, in a file of another name, screened under
// two hazards.
func TestTry(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, stderr := newStrategy(t, "useless"); code != exitDone {
		t.Fatal(stderr)
	}
	if out, err := exec.Command("make", "-C", "useless").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	if err := os.Rename("useless/useless.so", "version_2.so"); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := 0
	// A control that shows no damage in time, on a busy machine, says nothing: the next is longer.
	for duration := 700 * time.Millisecond; duration < 20*time.Second; duration *= 2 {
		out.Reset()
		errs.Reset()
		os.Remove("r.txt")
		args := []string{"try", "./version_2.so", "--hazard", "plain,handoff", "--duration", duration.String(), "-o", "r.txt"}
		if code = run(context.Background(), args, nil, &out, &errs); code == exitDone && strings.Contains(out.String(), "first: hazard ") {
			break
		}
	}
	for _, want := range []string{
		"handoff", "controls passed", "useless", "The first event of each kind under useless", "first: hazard ", "use it when",
		sharingRun + "./version_2.so\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Count(out.String(), "version_2") != 1 {
		t.Error("the name of the file is taken for the fix's, which is in its struct")
	}
	if t.Failed() || code != exitDone {
		t.Errorf("exit code %d\n%s\n%s", code, out.String(), errs.String())
	}
	if line := commands("  " + sharingRun + "hwm"); len(line) != 1 {
		t.Errorf("what it advises is read as %q", line)
	} else if parser, err := new(session).parser(new(bool)); err != nil {
		t.Error(err)
	} else if _, err := parser.Parse(line[0]); err != nil {
		t.Errorf("what it advises: %v", err)
	}
	if _, err := results.ReadFiles("r.txt"); err != nil {
		t.Error(err)
	}
	if _, err := bench.ReadPlan("r.txt"); err != nil { // run --resume goes on with it
		t.Error(err)
	}
}

// All hazards that say anything about a fix are tried, in a minute and a half.
func TestTryIsShort(t *testing.T) {
	c := tryCommand{Fix: "hwm", Rounds: 1, Duration: 500 * time.Millisecond}
	r, left, err := c.screening()
	if err != nil {
		t.Fatal(err)
	}
	if all := len(results.AllHazards()); len(r.Hazard)+len(left) != all || len(left) == 0 || len(left) > all/5 {
		t.Errorf("%d hazards of %d are tried, %q left out", len(r.Hazard), all, left)
	}
	plan, err := r.job(&session{ctx: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	if d := plan.plan.Estimate(); d < 45*time.Second || d > 110*time.Second {
		t.Errorf("the plan takes %v, want about a minute and a half", d)
	}
}
