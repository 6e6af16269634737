package bench

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// manifests returns the code blocks of SCALING.md: Kubernetes, Slurm, GitHub.
func manifests(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("SCALING.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?s)```(?:yaml|bash)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		list = append(list, m[1])
	}
	if len(list) != 3 {
		t.Fatalf("%d manifests in SCALING.md, want 3", len(list))
	}
	return list
}

func number(t *testing.T, text, pattern string) int {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %q in the manifest", pattern)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestManifestsGiveEveryShard puts each task of each manifest into the
// environment that its engine makes, and wants every shard once.
func TestManifestsGiveEveryShard(t *testing.T) {
	list := manifests(t)
	k8s, slurmJob, github := list[0], list[1], list[2]
	last := number(t, slurmJob, `--array=0-(\d+)\n`)
	matrix := regexp.MustCompile(`shard: \[(.*)\]`).FindStringSubmatch(github)
	if matrix == nil {
		t.Fatal("no matrix in the GitHub manifest")
	}
	for _, engine := range []struct {
		name, manifest string
		n              int
		env            func(i, n int) string
	}{
		{"kubernetes", k8s, number(t, k8s, `\n  completions: (\d+)\n`), func(i, _ int) string { return fmt.Sprintf("JOB_COMPLETION_INDEX=%d", i) }},
		{"slurm", slurmJob, last + 1, func(i, n int) string { return slurm(i, 0, n-1, 1, n) }},
		{"github", github, len(strings.Split(matrix[1], ",")), func(i, n int) string {
			return fmt.Sprintf("TLSBENCH_SHARD_INDEX=%d TLSBENCH_SHARD_COUNT=%d", i, n)
		}},
	} {
		flag := regexp.MustCompile(`--shard (\S+)`).FindStringSubmatch(engine.manifest)
		if flag == nil || !strings.Contains(engine.manifest, "--seed ") {
			t.Errorf("%s: no --shard or no --seed", engine.name)
			continue
		}
		seen := map[Shard]bool{}
		for i := range engine.n {
			s, err := ParseShard(flag[1], lookupIn(engine.env(i, engine.n)))
			if err != nil || s.Count != engine.n {
				t.Errorf("%s: task %d of %d with --shard %s is %v, %v", engine.name, i, engine.n, flag[1], s, err)
			}
			seen[s] = true
		}
		if len(seen) != engine.n {
			t.Errorf("%s: %d shards in %d tasks", engine.name, len(seen), engine.n)
		}
	}
}

// TestScriptsParse lets the shell read the scripts without running them.
func TestScriptsParse(t *testing.T) {
	list := manifests(t)
	_, script, ok := strings.Cut(list[0], "- |\n")
	if !ok {
		t.Fatal("no script in the Kubernetes manifest")
	}
	script, _, _ = strings.Cut(script, "          #")
	for name, text := range map[string]string{"kubernetes": script, "slurm": list[1]} {
		cmd := exec.Command("bash", "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if !strings.Contains(text, "exec tlsbench run") {
			t.Errorf("%s: the script does not end in tlsbench", name)
		}
	}
}
