package outfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slowly names the file that this program, started again by a test, writes
// without end.
const slowly = "OUTFILE_TEST_SLOWLY"

func TestMain(m *testing.M) {
	if path := os.Getenv(slowly); path != "" {
		Write(path, func(w io.Writer) error {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
				fmt.Println("some")
				time.Sleep(time.Millisecond)
			}
		})
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func put0(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// check wants a file's content, and nothing else in its folder.
func check(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %.40q (%v), want %q", path, got, err, want)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("files %v, want one", entries)
	}
}

func TestWriteReplacesAndCloses(t *testing.T) {
	path := put0(t, filepath.Join(t.TempDir(), "page.html"), "<html>old #plan Benchmark\n#trial x\n")
	if err := Write(path, text("new")); err != nil {
		t.Fatal(err)
	}
	check(t, path, "new")
	if st, _ := os.Stat(path); st.Mode() != 0o600 {
		t.Errorf("mode %v of a file that was open, want 0600", st.Mode())
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	put0(t, in("plan.txt"), "#plan {}\n")
	put0(t, in("bench.txt"), "goos: linux\nBenchmarkHandshake/x 1 2 ns/op\n")
	put0(t, in("noted.txt"), "# a note on top\n\n#plan {}\n")
	put0(t, in("probe.json"), "{}\n")
	os.Symlink("elsewhere.html", in("link.html"))
	os.Symlink("plan.txt", in("link.txt"))
	os.Mkdir(in("folder"), 0o755)
	unix.Mkfifo(in("pipe"), 0o600)
	for _, tc := range []struct{ path, why string }{
		{in("plan.txt"), "it is a results file"},
		{in("bench.txt"), "it is a results file"},
		{in("noted.txt"), "it is a results file"},
		{in("probe.json"), "one of the files that are read"},
		{in("link.html"), "it is a link"},
		{in("link.txt"), "it is a link"},
		{in("folder"), "it is a folder"},
		{in("pipe"), "not a plain file"},
		{in("none/page.html"), "no such file or directory"},
		{in("plan.txt/page.html"), "not a folder"},
	} {
		err := Write(tc.path, func(io.Writer) error { t.Errorf("%s: written to", tc.path); return nil }, in("probe.json"))
		var refusal *RefusalError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v, want %q", tc.path, err, tc.why)
		}
	}
	if _, err := os.Stat(in("elsewhere.html")); err == nil {
		t.Error("a link was followed")
	}
	if err := New(in("probe.json"), text("x")); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("New on a file that is there: %v", err)
	}
	if err := New(in("new.txt"), text("x")); err != nil {
		t.Error(err)
	}
}

// A folder that nothing can be written into is told before any work is done.
func TestClosedFolder(t *testing.T) {
	dir := t.TempDir()
	err := os.Chmod(dir, 0o500)
	if os.Geteuid() == 0 { // to whom modes are nothing
		err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY, "")
		t.Cleanup(func() { unix.Unmount(dir, 0) })
	}
	if err != nil {
		t.Skipf("no folder can be closed here: %v", err)
	}
	path := filepath.Join(dir, "page.html")
	for _, err := range []error{Check(path), Absent(path)} {
		var refusal *RefusalError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "folder "+dir+": ") {
			t.Errorf("%v, want a refusal of the folder", err)
		}
	}
}

// In a folder for all, such as /tmp, neither another user's file is replaced nor
// his link followed on the way.
func TestOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	theirs := put0(t, filepath.Join(dir, "page.html"), "<html>")
	own := filepath.Join(dir, "own")
	os.Mkdir(own, 0o700)
	way := filepath.Join(dir, "way")
	os.Symlink("own", way)
	const someone = 12345
	for _, path := range []string{theirs, way} {
		if err := os.Lchown(path, someone, someone); err != nil {
			t.Fatal(err)
		}
	}
	for path, why := range map[string]string{theirs: "belongs to another user (12345)", filepath.Join(way, "p.html"): "link of another user (12345)"} {
		if err := Write(path, text("x")); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", path, err, why)
		}
	}
	if err := Write(filepath.Join(own, "p.html"), text("x")); err != nil {
		t.Error(err)
	}
}

// A disk that gets full, here the limit of a file's size, leaves what was there.
func TestFullDisk(t *testing.T) {
	path := put0(t, filepath.Join(t.TempDir(), "page.html"), "old")
	signal.Ignore(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error { _, err := w.Write(make([]byte, 4<<20)); return err })
	late := Write(path, text(strings.Repeat("x", 1<<20)+"x")) // is noticed when the last of it is flushed
	unix.Setrlimit(unix.RLIMIT_FSIZE, &before)
	for _, err := range []error{err, late} {
		if !errors.Is(err, unix.EFBIG) {
			t.Errorf("written past the limit: %v", err)
		}
	}
	check(t, path, "old")
	if err := Write(path, func(w io.Writer) error { io.WriteString(w, "half"); return io.ErrClosedPipe }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the writer's own error: %v", err)
	}
	check(t, path, "old")
}

func TestKilledInTheMiddle(t *testing.T) {
	path := put0(t, filepath.Join(t.TempDir(), "page.html"), "old")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), slowly+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // whatever happens
	if _, err := io.ReadFull(out, make([]byte, len("some\n")*5)); err != nil {
		t.Errorf("nothing was being written: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	check(t, path, "old")
}
