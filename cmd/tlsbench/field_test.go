package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/workload/field"
)

// Nothing is fetched or started for a wrong choice.
func TestFieldIsRefused(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--daemon 4.9", `unknown daemon "4.9": choose from 5.4, 5.6, 6.0, 6.1, all`},
		{"--strategy hwn", `unknown strategy "hwn"`},
		{"--strategy ./missing.so", "missing.so"},
		{"--mem-safety 2", "mem_safety 2: choose from 0, 1"},
		{"--python during", `unknown python "during": choose from no, before, after`},
		{"--readers 0", "1 to 64 readers"},
		{"--port 70000", "port up to 65535"},
		{"--tls 1.1", `unknown tls "1.1"`},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), append([]string{"field", "--dir", t.TempDir()}, strings.Fields(tc.args)...), nil, &out, &errs)
		if code != exitRefused || !strings.Contains(errs.String(), tc.want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("field %s: exit code %d, %q; want %d and one line with %q", tc.args, code, errs.String(), exitRefused, tc.want)
		}
	}
}

// The table has disagreements first, and its summary is a number.
func TestPrintField(t *testing.T) {
	release := field.Releases()[2]
	comparison := func(name string, agree field.Agreement, daemon, rig results.Word, why string) field.Comparison {
		return field.Comparison{
			Case:     field.Case{Daemon: field.Daemon{Release: release, OpenSSL: "3.5.9"}, Strategy: strategies.Choice{Name: name}},
			Outcomes: []*field.Outcome{{Good: 100, Rate: 50, Memory: 20 << 20, First: 30 * time.Millisecond}},
			Daemon:   results.Verdict{Words: []results.Word{daemon}, Trials: 1}, Rig: results.Verdict{Words: []results.Word{rig}, Trials: 1},
			Agree: agree, Why: why,
		}
	}
	var out bytes.Buffer
	s := &session{ctx: context.Background(), stdout: &out, stderr: &out}
	printField(s, field.Sorted([]field.Comparison{
		comparison("none", field.Agrees, results.Crashed, results.Crashed, ""),
		comparison("hwm", field.Disagrees, results.NoDamageSeen, results.Corrupt, "open: the rig looks inside"),
	}))
	got := out.String()
	if strings.Index(got, "hwm") > strings.Index(got, "none") {
		t.Errorf("the disagreement does not come first:\n%s", got)
	}
	for _, want := range []string{"agree in 1 of 2 cases", "kamailio 6.0, hwm, mem_safety 0: open: the rig looks inside."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
