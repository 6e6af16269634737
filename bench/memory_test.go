package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"
)

// More memory than there is would have the kernel kill a process, and a strategy blamed.
func TestForkMemoryIsThere(t *testing.T) {
	free, of := freeMemory()
	if free >= maxMemory<<20 {
		t.Skipf("%s has %d bytes free: no plan can ask for more", of, free)
	}
	s := forkSpec()
	s.Fork.Memory = []int{16, maxMemory}
	r := newRunner(mustPlan(t, s, whole))
	path := resultsPath(t)
	_, err := r.Run(t.Context(), path)
	checkRefusal(t, err, "fork memory of 65536 MiB: "+of+" has ")
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made")
	}
}

// The older interface has a folder for each kind of limit.
func TestMemoryGroups(t *testing.T) {
	for name, tc := range map[string]struct {
		groups []procfs.Cgroup
		want   []string
	}{
		"version 2": {[]procfs.Cgroup{{Path: "/user/a"}}, []string{"/sys/fs/cgroup/user/a", "/sys/fs/cgroup/user", "/sys/fs/cgroup"}},
		"version 1": {[]procfs.Cgroup{{HierarchyID: 2, Controllers: []string{"cpu"}, Path: "/x"}, {HierarchyID: 1, Controllers: []string{"memory"}, Path: "/a"}},
			[]string{"/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory"}},
		"a container's own":  {[]procfs.Cgroup{{Path: "/"}}, []string{"/sys/fs/cgroup"}},
		"outside of its own": {[]procfs.Cgroup{{Path: "/../../etc"}}, nil},
	} {
		if diff := cmp.Diff(tc.want, memoryGroups(tc.groups)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestGroupFree(t *testing.T) {
	for name, tc := range map[string]struct {
		files   map[string]string
		free    uint64
		limited bool
	}{
		"version 2": {map[string]string{"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "file 500\ninactive_file 200\n"}, 500, true},
		"version 1": {map[string]string{"memory.limit_in_bytes": "1000\n", "memory.usage_in_bytes": "700\n",
			"memory.stat": "inactive_file 1\ntotal_inactive_file 100\n"}, 400, true},
		"used up":    {map[string]string{"memory.max": "1000\n", "memory.current": "1001\n"}, 0, true},
		"no limit":   {map[string]string{"memory.max": "max\n", "memory.current": "700\n"}, 0, false},
		"the root's": {nil, 0, false},
	} {
		dir := t.TempDir()
		for file, text := range tc.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if free, limited := groupFree(dir); free != tc.free || limited != tc.limited {
			t.Errorf("%s: %d free, limited: %v; want %d, %v", name, free, limited, tc.free, tc.limited)
		}
	}
}
