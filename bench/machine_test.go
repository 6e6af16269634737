package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
)

func TestGibibytes(t *testing.T) {
	for _, test := range []struct {
		bytes uint64
		want  string
	}{
		{24<<30 - 600<<20, "23 GiB"},
		{24<<30 - 400<<20, "24 GiB"},
		{24 << 30, "24 GiB"},
		{512<<20 - 1000, "512 MiB"},
		{1 << 30, "1 GiB"},
	} {
		if got := gibibytes(test.bytes); got != test.want {
			t.Errorf("%d bytes: %s, want %s", test.bytes, got, test.want)
		}
	}
}

func TestHugePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "enabled")
	for text, want := range map[string]string{
		"always [madvise] never\n": "madvise", "[always] madvise never": "always", "": unknown,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := hugePages(path); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := hugePages(path + "x"); got != unknown {
		t.Errorf("no such file: %s", got)
	}
}

func TestKind(t *testing.T) {
	a := fakeMachine
	for _, test := range []struct {
		change func(*Machine)
		same   bool
	}{
		{func(m *Machine) { m.Governor = "powersave" }, true},
		{func(m *Machine) { m.CPU = "Other" }, false},
		{func(m *Machine) { m.Cores = 64 }, false},
		{func(m *Machine) { m.Kernel = "Linux 2" }, false},
		{func(m *Machine) { m.Memory = "16 GiB" }, false},
	} {
		b := a
		test.change(&b)
		if got := a.Kind() == b.Kind(); got != test.same {
			t.Errorf("%q and %q: same %v, want %v", a.Kind(), b.Kind(), got, test.same)
		}
	}
}

// TestThisMachine holds the facts against other sources of the same: the
// kernel's own files. What every Linux tells must not be unknown, and a second
// look must see the same, or no run could be resumed.
func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	if diff := cmp.Diff(m, ThisMachine()); diff != "" {
		t.Errorf("a second look differs: %s", diff)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Linux " + strings.TrimSpace(string(release)); m.Kernel != want {
		t.Errorf("kernel %q, want %q", m.Kernel, want)
	}
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	if m.CPU == unknown || runtime.GOARCH == "amd64" && !strings.Contains(strings.Join(strings.Fields(string(cpuinfo)), " "), m.CPU) {
		t.Errorf("cpu %q is not in /proc/cpuinfo", m.CPU)
	}
	if m.Go != runtime.Version() || m.Cores != runtime.NumCPU() {
		t.Errorf("%s on %d cores, want %s on %d", m.Go, m.Cores, runtime.Version(), runtime.NumCPU())
	}
	if !strings.HasSuffix(m.Memory, "iB") || m.CC == "" || m.CC == unknown {
		t.Errorf("memory %q, compiler %q", m.Memory, m.CC)
	}
}

// TestHeaderIsReadBack: the facts of this very machine fit into a results
// file, and no key is there twice.
func TestHeaderIsReadBack(t *testing.T) {
	spec := smallSpec()
	spec.Builds = append(spec.Builds, fakeBuild("MyLib:x"))
	r := &Runner{Plan: mustPlan(t, spec, whole), Machine: ThisMachine()}
	text, err := r.header()
	if err != nil {
		t.Fatal(err)
	}
	in := results.NewReader(bytes.NewReader(text), "header")
	if in.Scan() || in.Err() != nil {
		t.Fatalf("error %v, want a header alone", in.Err())
	}
	got := map[string]string{}
	for _, c := range in.Header().Config {
		if _, twice := got[c.Key]; twice {
			t.Errorf("%s is there twice", c.Key)
		}
		got[c.Key] = string(c.Value)
	}
	for key, want := range map[string]string{
		"cpu": r.Machine.CPU, "machine": r.Machine.Kind(), "thp": r.Machine.THP, "goos": "linux",
		"openssl-3.0.20-libcrypto": "/lib/3.0.20/libcrypto.so", "openssl-mylib-x-libssl": "/lib/MyLib:x/libssl.so",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
}
