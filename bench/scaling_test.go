package bench

import (
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

// TestManifestsGiveEveryShard has a shell work out the shard of each task of each
// manifest, with the number that its engine gives it, and wants every shard once.
func TestManifestsGiveEveryShard(t *testing.T) {
	list := manifests(t)
	k8s, slurmJob, github := list[0], list[1], list[2]
	last := number(t, slurmJob, `--array=0-(\d+)\n`)
	matrix := regexp.MustCompile(`shard: \[(.*)\]`).FindStringSubmatch(github)
	if matrix == nil {
		t.Fatal("no matrix in the GitHub manifest")
	}
	var zero []string
	for i := range max(last+1, number(t, k8s, `\n  completions: (\d+)\n`)) {
		zero = append(zero, strconv.Itoa(i))
	}
	for _, engine := range []struct {
		name, manifest, variable string
		numbers                  []string // of the tasks
	}{
		{"kubernetes", k8s, "JOB_COMPLETION_INDEX", zero[:number(t, k8s, `\n  completions: (\d+)\n`)]},
		{"slurm", slurmJob, "SLURM_ARRAY_TASK_ID", zero[:last+1]},
		{"github", strings.ReplaceAll(github, "${{ matrix.shard }}", "$matrix"), "matrix", strings.Split(matrix[1], ", ")},
	} {
		flag := regexp.MustCompile(`--shard (.*?/\d+)`).FindStringSubmatch(engine.manifest)
		if flag == nil || !strings.Contains(engine.manifest, "--seed ") {
			t.Errorf("%s: no --shard or no --seed", engine.name)
			continue
		}
		seen := map[Shard]bool{}
		for _, number := range engine.numbers {
			cmd := exec.Command("sh", "-c", "echo "+flag[1])
			cmd.Env = append(os.Environ(), engine.variable+"="+number)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseShard(strings.TrimSpace(string(out)))
			if err != nil || s.Count != len(engine.numbers) {
				t.Errorf("%s: task %s of %d with --shard %s is %v, %v", engine.name, number, len(engine.numbers), flag[1], s, err)
			}
			seen[s] = true
		}
		if len(seen) != len(engine.numbers) {
			t.Errorf("%s: %d shards in %d tasks", engine.name, len(seen), len(engine.numbers))
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
