package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"tlsbench com":                      "compare completion",
		"tlsbench run --hea":                "--heap --heap-safety --heap-size",
		"tlsbench run --hazard pos":         "postgres",
		"tlsbench run --strategy cl":        "clear-0-15",
		"tlsbench run --strategy hwm,cl":    "hwm,clear-0-15",
		"tlsbench run --strategy hwm,none,": "hwm,none,clear-0-15 hwm,none,key-owner hwm,none,pointer-match hwm,none,shm-match hwm,none,temp-thread hwm,none,thread-stop",
		"tlsbench probe --openssl=1.":       "1.1.1",
		"tlsbench openssl fetch 1":          "1.1.1",
		"tlsbench trace --load ":            "memory tcp",
		"tlsbench run --measure cor":        "corruption",
		"tlsbench selftest --fault double":  "double-free",
		"tlsbench try thr":                  "thread-stop",
		"tlsbench help own-":                "own-fix own-openssl",
		"tlsbench compare r":                "", // files are the shell's own business
	} {
		t.Setenv("COMP_LINE", line)
		var out, errs bytes.Buffer
		code := run(context.Background(), nil, nil, &out, &errs)
		got := strings.Fields(out.String())
		slices.Sort(got)
		if strings.Join(got, " ") != want || code != exitDone || errs.Len() > 0 {
			t.Errorf("%q is completed by %q (exit code %d, %s), want %q", line, got, code, errs.String(), want)
		}
	}
}

// What is printed for a shell is something that the shell takes.
func TestCompletionIsTakenByBash(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"completion", "--code", "bash"}, nil, &out, &errs); code != exitDone || errs.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("bash", "-c", out.String()+"\ncomplete -p tlsbench").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "-C '"+exe+"' tlsbench") && !strings.Contains(string(text), "-C "+exe+" tlsbench") {
		t.Errorf("bash: %v: %s", err, text)
	}
}
