package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// interrupted writes a run that ended after its second trial, and returns
// what is in the file.
func interrupted(t *testing.T, path string) []byte {
	t.Helper()
	text := finished(t, newRunner(mustPlan(t, smallSpec(), whole)), path)
	end := 0
	for range 3 {
		end += bytes.Index(text[end+1:], []byte("#trial ")) + 1
	}
	if err := os.WriteFile(path, text[:end], 0o600); err != nil {
		t.Fatal(err)
	}
	return text[:end]
}

// TestDiskFullOnResume: the trials of before are as they were, and those that
// still fitted are behind them.
func TestDiskFullOnResume(t *testing.T) {
	path := resultsPath(t)
	before := interrupted(t, path)
	p := startHelper(t, fmt.Sprintf("limit=%d,resume", len(before)+900), path)
	if code := p.wait(); code != 1 || !strings.Contains(strings.Join(p.said, "\n"), "append to results file: write "+path+": file too large") {
		t.Errorf("exit %d, it said %q", code, p.said)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(after, before) {
		t.Errorf("earlier trials are not intact; %v", err)
	}
	if n := len(readTrials(t, path)); n != 2+len(p.finished) || len(p.finished) == 0 {
		t.Errorf("%d trials in the file, 2 before and %d finished", n, len(p.finished))
	}
}

// TestReadOnlyFile: a file that may be read and not written is not resumed,
// and left as it was.
func TestReadOnlyFile(t *testing.T) {
	dir, err := os.MkdirTemp("", "tlsbench-read-only-") // not t.TempDir: nobody may not look into that
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "r.txt")
	before := interrupted(t, path)
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	p := startHelper(t, "nobody,resume", path)
	if code := p.wait(); code != 2 || strings.Join(p.said, "\n") != "error open results file: open "+path+": permission denied" {
		t.Errorf("exit %d, it said %q", code, p.said)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) || p.started > 0 {
		t.Errorf("%d trials started, file changed: %v; %v", p.started, !bytes.Equal(after, before), err)
	}
}

// TestDiskFullOnMerge: no half of a merged file is left, and the parts are as
// they were.
func TestDiskFullOnMerge(t *testing.T) {
	parts := runShards(t, smallSpec(), 2)
	dir := t.TempDir()
	var texts [][]byte
	for i, part := range parts {
		text, err := os.ReadFile(part)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%d.txt", i)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	merged := filepath.Join(dir, "merged.txt")
	for _, limit := range []int{1, len(texts[0])} {
		p := startHelper(t, fmt.Sprintf("limit=%d,merge", limit), merged)
		if code := p.wait(); code != 1 || !strings.Contains(strings.Join(p.said, "\n"), "write "+merged+": file too large") {
			t.Errorf("full after %d bytes: exit %d, it said %q", limit, code, p.said)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != len(parts) {
			t.Errorf("full after %d bytes: %v are there: %v", limit, left, err)
		}
	}
	for i, text := range texts {
		if now, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("part%d.txt", i))); err != nil || !bytes.Equal(now, text) {
			t.Errorf("part %d changed; %v", i, err)
		}
	}
	if p := startHelper(t, "merge", merged); p.wait() != 0 {
		t.Errorf("with room enough it said %q", p.said)
	}
}
