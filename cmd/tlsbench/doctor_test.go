package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"tlsbench/workload/fetch/fetchtest"
)

func TestAdvice(t *testing.T) {
	all := []fact{{Name: "C compiler", Value: "cc"}, {Name: "apt-get", Value: "a"}, {Name: "dpkg", Value: "d"}, {Name: "dpkg-deb", Value: "d"}}
	without := func(names ...string) []fact {
		list := append([]fact(nil), all...)
		for i := range list {
			for _, n := range names {
				if list[i].Name == n {
					list[i].Value = ""
				}
			}
		}
		return list
	}
	two := []listedBuild{{Name: "system"}, {Name: "3.5"}}
	tests := []struct {
		name   string
		tools  []fact
		builds []listedBuild
		runs   bool
		want   []string
	}{
		{"nothing missing", all, two, true, nil},
		{"no other build", all, two[:1], true, []string{"to get more OpenSSL builds: tlsbench openssl fetch"}},
		{"no OpenSSL", all, two, false, []string{"no OpenSSL that the rig can use: apt-get install openssl"}},
		{"no compiler", without("C compiler"), two, true, []string{"no C compiler: apt-get install gcc libc6-dev"}},
		{"no dpkg-deb", without("dpkg-deb"), two, true, []string{"tlsbench openssl fetch lacks programs: apt-get install dpkg"}},
		{"another system", without("apt-get", "dpkg", "C compiler"), two, true,
			[]string{"no C compiler: install with this system's package manager: a C compiler with the C library's headers",
				"tlsbench openssl fetch needs Debian or Ubuntu; name other builds with --openssl DIR"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := diagnosis{Tools: test.tools, OpenSSL: test.builds}
			d.advise(test.runs)
			if diff := cmp.Diff(test.want, d.Advice); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if f := limitFact("open files", unix.RLIMIT_NOFILE, l.Cur, "-n"); f.Note != "" {
		t.Errorf("just enough: %+v", f)
	}
	if f := limitFact("open files", unix.RLIMIT_NOFILE, l.Cur+1, "-n"); !strings.Contains(f.Note, "ulimit -n") && l.Cur != unix.RLIM_INFINITY {
		t.Errorf("one too few: %+v", f)
	}
}

// command runs one in this process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

// Without any program on the path the doctor still tells what it sees, and the
// rig still runs.
func TestDoctorWithoutPrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, stdout, stderr := command(t, "doctor", "--openssl-dir", t.TempDir())
	if code != exitDone || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"C compiler  ! not found", "apt-get     ! not found", "no C compiler: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

func TestFetchWithoutArchive(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, stdout, stderr := command(t, "openssl", "fetch", "3.5", "--dir", filepath.Join(t.TempDir(), "cache"))
	if code != exitFailed || stdout != "" {
		t.Errorf("exit code %d, want %d; stdout %q", code, exitFailed, stdout)
	}
	if !strings.HasPrefix(stderr, "tlsbench: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "--openssl DIR") {
		t.Errorf("stderr is %q, want one line that names --openssl DIR", stderr)
	}
}

// A line that its release does not have is one line on stderr and exit code 1.
func TestFetchLineThatIsGone(t *testing.T) {
	fetchtest.New(t, "Debian")
	code, _, stderr := command(t, "openssl", "fetch", "3.5", "--dir", filepath.Join(t.TempDir(), "cache"))
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if last := lines[len(lines)-1]; code != exitFailed || !strings.HasPrefix(last, "tlsbench: fetch openssl 3.5: ") {
		t.Errorf("exit code %d, want %d; stderr %q", code, exitFailed, stderr)
	}
}

func TestFetchIntoAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "openssl", "fetch", "3.5", "--dir", file); code != exitRefused {
		t.Errorf("exit code %d, want %d; stderr %q", code, exitRefused, stderr)
	}
}
