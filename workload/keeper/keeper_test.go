package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/workload/keeper/keepertest"
)

// harness names the folder of the server that this program, started again by a
// test, starts as a harness would.
const harness = "KEEPER_TEST_DIR"

// helper names the folder of a program that this one, started again by a test, runs as
// a helper.
const helper = "KEEPER_TEST_HELPER"

// server has a process of its own, writes without end, and takes a while to end.
const server = `trap 'sleep 0.1; exit 0' INT; sleep 1000 & while :; do echo some >>file; sleep 0.01; done`

func TestMain(m *testing.M) {
	if dir := os.Getenv(helper); dir != "" {
		Run(exec.Command("sh", "-c", "echo >"+dir+"/there; exec sleep 1000"))
		os.Exit(1)
	}
	if dir := os.Getenv(harness); dir != "" {
		p, err := Start(Server{Dir: dir, Stop: os.Getenv("KEEPER_TEST_STOP"), Args: []string{"sh", "-c", server, dir}}, func() error {
			for _, name := range []string{"key.pem", "cert.pem"} {
				time.Sleep(10 * time.Millisecond)
				if err := os.WriteFile(filepath.Join(dir, name), []byte("text"), 0o600); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			<-p.Gone
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// left lists the processes of a server.
func left(dir string) []string {
	var list []string
	for _, p := range keepertest.Marked(dir) {
		argv, _ := p.CmdLine()
		list = append(list, fmt.Sprint(p.PID, " ", strings.Join(argv, " ")))
	}
	return list
}

func gone(t *testing.T, dir string) {
	t.Helper()
	var err error
	var procs []string
	for began := time.Now(); time.Since(began) < keepertest.Patience(); time.Sleep(10 * time.Millisecond) {
		_, err = os.Lstat(dir)
		if procs = left(dir); errors.Is(err, fs.ErrNotExist) && len(procs) == 0 {
			return
		}
	}
	t.Errorf("after %v: folder: %v; processes: %q", keepertest.Patience(), err, procs)
}

// The grandchild, which only its environment tells, is seen while it runs.
func TestLeftSeesGrandchildren(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "server")
	p, err := Start(Server{Dir: dir, Stop: "KILL", Args: []string{"sh", "-c", server}, Env: append(os.Environ(), harness+"="+dir)}, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for began := time.Now(); time.Since(began) < keepertest.Patience(); time.Sleep(10 * time.Millisecond) {
		if slices.ContainsFunc(left(dir), func(text string) bool { return strings.HasSuffix(text, " sleep 1000") }) {
			return
		}
	}
	t.Errorf("seen: %q; want a sleep 1000", left(dir))
}

// TestKilled ends harnesses at random moments, from before the folder is made
// until the server runs, by every signal that ends a program.
func TestKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const kills = 20
	window := 2 * startTime(t)
	ran := 0
	// A machine that gets busy, or is no longer, needs another window.
	for i := 0; i < kills || i < 5*kills && (ran == 0 || ran == i); i++ {
		switch {
		case i < kills:
		case ran == 0:
			window *= 2
		default:
			window /= 2
		}
		cmd, dir := startHarness(t, i)
		time.Sleep(time.Duration(rng.Int64N(int64(window))))
		if serves(dir) {
			ran++
		}
		signal := keepertest.Signal(i)
		if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil { // as a terminal does
			t.Error(err)
		}
		cmd.Wait()
		gone(t, dir)
		if i+1 >= kills && ran > 0 && ran <= i {
			return
		}
	}
	t.Errorf("%d servers ran before their harness was killed: want some, and some in the middle of set-up", ran)
}

// startHarness starts this program as a harness of a server that is asked to end, or not.
func startHarness(t *testing.T, i int) (cmd *exec.Cmd, dir string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "server")
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), harness+"="+dir, "KEEPER_TEST_STOP="+[]string{"INT", "KILL"}[i%2])
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, dir
}

func serves(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "file"))
	return err == nil
}

// startTime is how long it takes here until a server runs.
func startTime(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	cmd, dir := startHarness(t, 1)
	for ; !serves(dir) && time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
	}
	took := time.Since(began)
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	cmd.Wait()
	gone(t, dir)
	return took
}

// A helper ends with the program that runs it, however that ends.
func TestHelperEnds(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), helper+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "there")); err == nil {
			break
		}
	}
	if n := len(left(dir)); n != 2 {
		t.Errorf("%d processes run, want the program and its helper", n)
	}
	cmd.Process.Kill()
	cmd.Wait()
	os.RemoveAll(dir)
	gone(t, dir)
}

// A folder with a relative name, as below a relative TMPDIR, goes as any other.
func TestRelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("tmp", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "tmp")
	if dir, err := Temp("server"); err != nil || !filepath.IsAbs(dir) {
		t.Errorf("the folder of a server would be %s, %v", dir, err)
	}
	for _, dir := range []string{"one", "./two", "tmp/three"} {
		p, err := Folder(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
		p.Close()
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left after Close: %v", dir, err)
		}
	}
}

// What is wrong with TMPDIR is said of it, not of a program that could not be
// started there.
func TestTempWithoutFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/nowhere", file} {
		t.Setenv("TMPDIR", dir)
		if _, err := Temp("server"); err == nil || !strings.Contains(err.Error(), "(TMPDIR): stat "+dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestStart(t *testing.T) {
	nothing := func() error { return nil }
	dir := filepath.Join(t.TempDir(), "server")
	start := func(stop string, fill func() error, args ...string) (*Process, error) {
		return Start(Server{Dir: dir, Stop: stop, Args: args, Env: append(os.Environ(), harness+"="+dir)}, fill)
	}
	for _, stop := range []string{"INT", "KILL"} {
		p, err := start(stop, nothing, "sh", "-c", server, dir)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("the folder: %v, %v", st, err)
		}
		p.Close()
		if _, err := os.Stat(dir); err == nil || len(left(dir)) > 0 {
			t.Errorf("%s: left after Close: %v, %q", stop, err, left(dir))
		}
	}
	p, err := start("INT", nothing, "true")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Gone // by itself; its folder is there to be read until Close
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	p.Close()
	if _, err := start("INT", func() error { return fs.ErrInvalid }, "true"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("an error of fill became %v", err)
	}
	gone(t, dir)
	os.Mkdir(dir, 0o700)
	if _, err := start("INT", nothing, "true"); err == nil || !strings.Contains(err.Error(), "make the server's folder "+dir) {
		t.Errorf("a folder that is there: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("another's folder was removed: %v", err)
	}
}
