package bench

/*
// The C compiler that built this package built the rig too.
static const char *cc_version(void)
{
#ifdef __clang__
	return __VERSION__;
#else
	return "gcc " __VERSION__;
#endif
}
*/
import "C"

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/procfs"
	"golang.org/x/perf/benchfmt"
	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/workload/sharedlib"
)

// Machine is what is worth knowing about where trials ran. A fact that the
// system does not tell is "unknown".
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	// Memory is in whole GiB: what the kernel keeps for itself at boot differs
	// by some pages between machines that are the same.
	Memory string `json:"memory"`

	Libc       string `json:"libc"`
	Governor   string `json:"governor"` // of CPU frequency
	THP        string `json:"thp"`      // transparent huge pages
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	CC         string `json:"cc"`
}

const unknown = "unknown"

// ThisMachine looks around.
func ThisMachine() Machine {
	return Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), Kernel: kernel(), Memory: memory(),
		Libc: libcVersion(), Governor: governor(), THP: hugePages("/sys/kernel/mm/transparent_hugepage/enabled"),
		GOMAXPROCS: runtime.GOMAXPROCS(0), Go: runtime.Version(), CC: C.GoString(C.cc_version()),
	}
}

// Kind names the sort of machine: processors, kernel and memory. Trials of one kind
// may appear in one sample. Results files are published, so no host has its name there.
func (m Machine) Kind() string {
	return fmt.Sprintf("%d x %s, %s, %s", m.Cores, m.CPU, m.Kernel, m.Memory)
}

// config gives the facts as file configuration. goos, goarch and cpu are the
// keys that package testing writes.
func (m Machine) config() []benchfmt.Config {
	return config(
		"goos", runtime.GOOS, "goarch", runtime.GOARCH, "cpu", m.CPU,
		"machine", m.Kind(), "cores", fmt.Sprint(m.Cores), "gomaxprocs", fmt.Sprint(m.GOMAXPROCS),
		"kernel", m.Kernel, "memory", m.Memory, "libc", m.Libc,
		"governor", m.Governor, "thp", m.THP, "go", m.Go, "cc", m.CC,
	)
}

// config makes file configuration from keys and values in turn.
func config(pairs ...string) []benchfmt.Config {
	var list []benchfmt.Config
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, benchfmt.Config{Key: pairs[i], Value: []byte(tidy(pairs[i+1])), File: true})
	}
	return list
}

// tidy makes a fact fit on a configuration line: one line, no space around.
func tidy(s string) string {
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return unknown
	}
	return s
}

func cpuModel() string {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return unknown
	}
	cpus, err := fs.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return unknown
	}
	c := cpus[0]
	if c.ModelName != "" {
		return tidy(c.ModelName)
	}
	// ARM kernels give numbers instead of a name.
	return tidy(strings.Join([]string{runtime.GOARCH, c.VendorID, c.CPUFamily, c.Model}, " "))
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return unknown
	}
	return tidy(unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]))
}

func memory() string {
	info, err := meminfo()
	if err != nil || info.MemTotalBytes == nil {
		return unknown
	}
	return gibibytes(*info.MemTotalBytes)
}

func meminfo() (procfs.Meminfo, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return procfs.Meminfo{}, err
	}
	return fs.Meminfo()
}

// gibibytes rounds to the nearest GiB, and below 1 GiB to the nearest MiB.
func gibibytes(bytes uint64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", (bytes+1<<19)>>20)
	}
	return fmt.Sprintf("%d GiB", (bytes+1<<29)>>30)
}

// governor lists the frequency governors in use. Virtual machines have none.
func governor() string {
	files, err := filepath.Glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
	if err != nil {
		return unknown
	}
	var names []string
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil {
			names = append(names, strings.TrimSpace(string(text)))
		}
	}
	slices.Sort(names)
	return tidy(strings.Join(slices.Compact(names), " "))
}

var bracketed = regexp.MustCompile(`\[(\w+)\]`)

// hugePages reads the word in brackets: "always [madvise] never".
func hugePages(path string) string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return unknown
	}
	if m := bracketed.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return unknown
}

// libcVersion is that of the system's C library. A build that brings its own is
// named by its files.
func libcVersion() string {
	if v := sharedlib.GlibcRelease(sharedlib.System().Lookup("libc.so.6")); v != "" {
		return "glibc " + v
	}
	return unknown
}

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
	for _, dir := range memoryGroups(groups) {
		if f, limited := groupFree(dir); limited && f < free {
			free, of = f, "control group "+dir
		}
	}
	return free, of
}

// memoryGroups lists the folders of the control groups that can limit a process's
// memory: its own, and all around it, in either version of the kernel's interface. In a
// container the root is its own group, and the folders below may not be there.
func memoryGroups(groups []procfs.Cgroup) []string {
	var list []string
	for _, g := range groups {
		root := "/sys/fs/cgroup"
		if slices.Contains(g.Controllers, "memory") {
			root += "/memory"
		} else if g.HierarchyID != 0 {
			continue
		}
		for dir := filepath.Join(root, g.Path); strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
			list = append(list, dir)
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

// Version is the version of this program: that of its module, which for a
// build from a checkout names the commit, and says so if files were changed.
// Two programs of such a version need not be the same: the digest of their
// files tells them apart.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return exactVersion("")
	}
	return exactVersion(info.Main.Version)
})

// exactVersion adds the digest of this program to a version that stands for
// more than one.
func exactVersion(version string) string {
	if version == "" {
		version = "(devel)"
	}
	if version != "(devel)" && !strings.HasSuffix(version, "+dirty") {
		return version
	}
	digest, err := sharedlib.Digest("/proc/self/exe")
	if err != nil {
		return version
	}
	return version + " " + results.ShortDigest(digest)
}
