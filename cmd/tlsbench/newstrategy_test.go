package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newStrategy runs the command and gives its output.
func newStrategy(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"new-strategy"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// The skeleton compiles without a warning, and the object is a strategy that
// the rig runs.
func TestNewStrategyIsRun(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := newStrategy(t, "my-2nd-fix")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	// What fixes do most: the file has all that a walk over the keys needs.
	const file = "my_2nd_fix/my_2nd_fix.c"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.Replace(string(source), "(void)ctx; /* FILL IN */", `
	for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
		char *value = pthread_getspecific(key);

		if (value >= (char *)ctx->heap_from && value < (char *)ctx->heap_to)
			pthread_setspecific(key, NULL);
	}`, 1)
	if filled == string(source) {
		t.Error("the file has no place for what the child does")
	}
	if err := os.WriteFile(file, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	object := "./" + filepath.Join("my_2nd_fix", "my_2nd_fix.so")
	if !strings.Contains(stdout, "make -C my_2nd_fix\n") || !strings.Contains(stdout, object) {
		t.Errorf("it does not say what comes next:\n%s", stdout)
	}
	if out, err := exec.Command("make", "-C", "my_2nd_fix", "CFLAGS=-Wall -Wextra -Werror").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"probe", "--strategy", object}, nil, &out, &errs); code != exitDone {
		t.Fatalf("probe: exit code %d: %s", code, errs.String())
	}
	if !strings.Contains(out.String(), "my-2nd-fix") {
		t.Errorf("the probe does not name the strategy:\n%s", out.String())
	}
}

// Nothing that is there is overwritten, and no name is taken that would be
// misread.
func TestNewStrategyIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("Makefile", []byte("all:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ args, want string }{
		{"hwm", "the suite already has a strategy of that name"},
		{"fix-15", "no bare number after a hyphen"},
		{"Fix", "want lower-case letters"},
		{"../fix", "want lower-case letters"},
		{"my-fix --dir .", "Makefile: it already exists"},
		{"my-fix --dir Makefile", "not a directory"},
	} {
		code, _, stderr := newStrategy(t, strings.Fields(tc.args)...)
		if code != exitRefused || !strings.Contains(stderr, tc.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("new-strategy %s: exit code %d, %q; want %d and one line with %q", tc.args, code, stderr, exitRefused, tc.want)
		}
	}
	if text, err := os.ReadFile("Makefile"); err != nil || string(text) != "all:\n" {
		t.Errorf("the Makefile that was there is now %q (%v)", text, err)
	}
}
