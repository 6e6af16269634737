package bench

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// freeMemory is what processes can still have, in bytes, and of what: of the
// machine, or of a control group around this process that has less. It is all
// there can be if neither is told.
func freeMemory() (free uint64, of string) {
	free, of = math.MaxUint64, "this machine"
	if info, err := meminfo(); err == nil && info.MemAvailableBytes != nil {
		free = *info.MemAvailableBytes
	}
	self, err := procfs.Self()
	if err != nil {
		return free, of
	}
	groups, err := self.Cgroups()
	if err != nil {
		return free, of
	}
	mounts, err := self.MountInfo()
	if err != nil {
		return free, of
	}
	for _, dir := range memoryGroups(mounts, groups) {
		if f, limited := groupFree(dir); limited && f < free {
			free, of = f, "control group "+dir
		}
	}
	return free, of
}

// memoryGroups lists the folders of the control groups that can limit a process's
// memory: its own, and all around it, in either version of the kernel's interface.
func memoryGroups(mounts []*procfs.MountInfo, groups []procfs.Cgroup) []string {
	var list []string
	for _, g := range groups {
		for _, m := range mounts {
			_, memory := m.SuperOptions["memory"]
			one := m.FSType == "cgroup" && memory && slices.Contains(g.Controllers, "memory")
			two := m.FSType == "cgroup2" && g.HierarchyID == 0
			inside, err := filepath.Rel(m.Root, g.Path)
			if !one && !two || err != nil || !filepath.IsLocal(inside) {
				continue
			}
			for ; inside != "."; inside = filepath.Dir(inside) {
				list = append(list, filepath.Join(m.MountPoint, inside))
			}
			list = append(list, m.MountPoint)
		}
	}
	return list
}

// groupFree is what a control group's limit leaves, if it has one. File pages that
// nobody used lately count as free: the kernel takes them back first.
func groupFree(dir string) (free uint64, limited bool) {
	for _, names := range [][3]string{
		{"memory.max", "memory.current", "inactive_file"},
		{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
	} {
		limit, err := readNumber(dir, names[0])
		if err != nil { // "max", or the other version's group
			continue
		}
		used, err := readNumber(dir, names[1])
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
		for line := range strings.Lines(string(stat)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == names[2] {
				idle, _ := strconv.ParseUint(f[1], 10, 64)
				used -= min(used, idle)
			}
		}
		return limit - min(limit, used), true
	}
	return 0, false
}

func readNumber(dir, name string) (uint64, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}
