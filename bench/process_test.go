package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/workload"
)

// These tests run a plan in a process of its own, which is this test binary
// again, and do to it what a test cannot do to itself.

// envHelper makes the test binary a helper: it says what to do before the run.
const envHelper = "TLSBENCH_TEST_HELPER"

func init() {
	if mode, ok := os.LookupEnv(envHelper); ok {
		os.Exit(helper(mode, os.Args[1]))
	}
}

// helper runs the small plan to the file, tells on stdout what happens, and
// leaves as tlsbench run would.
func helper(mode, path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	plan, err := NewPlan(smallSpec(), whole)
	r := newRunner(plan)
	r.Observer = teller{}
	r.Execute = busyExecute
	do := r.Run
	for verb := range strings.SplitSeq(mode, ",") {
		switch verb {
		case "resume":
			do = r.Resume
		case "merge":
			do = func(context.Context, string) (Summary, error) { return Summary{}, mergeBeside(path) }
		default:
			err = errors.Join(err, prepare(verb, r))
		}
	}
	if err == nil {
		_, err = do(ctx, path)
	}
	if err != nil {
		fmt.Println("error", err)
	}
	var refused *RefusalError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refused):
		return 2
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}

// mergeBeside merges all other results files of the folder.
func mergeBeside(path string) error {
	parts, err := filepath.Glob(filepath.Join(filepath.Dir(path), "part*.txt"))
	if err == nil {
		_, err = Merge(path, parts...)
	}
	return err
}

// prepare reads a mode, several of which are joined by commas: "run", "hang=N" for an N-th trial that never ends,
// "limit=N" for a disk that is full after N bytes, "forks" for a plan of fork
// trials, "nobody" for a user who may write nowhere. "resume" and "merge" are
// done instead of a run.
func prepare(mode string, r *Runner) error {
	verb, arg, _ := strings.Cut(mode, "=")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "hang":
		r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
			if n--; n == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return fakeExecute(ctx, c)
		}
	case "limit":
		// The kernel writes what fits, as a full disk does, and then says
		// EFBIG where that would say ENOSPC.
		signal.Ignore(syscall.SIGXFSZ)
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)})
	case "forks":
		r.Plan, r.Execute = manyForks(), busyForks
	case "nobody":
		if os.Getuid() == 0 {
			return syscall.Setuid(65534)
		}
	}
	return nil
}

// busyExecute takes about half a millisecond.
func busyExecute(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
	for end := time.Now().Add(500 * time.Microsecond); time.Now().Before(end); {
		math.Sqrt(2)
	}
	return fakeExecute(ctx, c)
}

// teller writes one line to stdout for each step, unbuffered.
type teller struct{}

func (teller) Resumed(Resumption)                    {}
func (teller) Started(p Progress)                    { fmt.Println("started", p.Task.ID) }
func (teller) Finished(_ Progress, t *results.Trial) { fmt.Println("finished", t.ID) }

// process is a helper that runs.
type process struct {
	cmd *exec.Cmd
	out *bufio.Scanner
	// finished are the trials it said were on the disk.
	finished []int
	started  int
	said     []string // everything else
}

func startHelper(t *testing.T, mode, path string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(exe, path)}
	p.cmd.Env = append(os.Environ(), envHelper+"="+mode)
	p.cmd.Stderr = os.Stderr
	pipe, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(pipe)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// read takes the next line, and reports whether there was one.
func (p *process) read() bool {
	if !p.out.Scan() {
		return false
	}
	what, rest, _ := strings.Cut(p.out.Text(), " ")
	id, _ := strconv.Atoi(rest)
	switch what {
	case "started":
		p.started++
	case "finished":
		p.finished = append(p.finished, id)
	default:
		p.said = append(p.said, p.out.Text())
	}
	return true
}

// wait reads what is left and returns the exit code, -1 after a signal.
func (p *process) wait() int {
	for p.read() {
	}
	_ = p.cmd.Wait() // the code says it
	return p.cmd.ProcessState.ExitCode()
}

// TestKilled kills the run with SIGKILL at 100 random moments, from before it
// has opened its file to after its last trial, and resumes it each time.
func TestKilled(t *testing.T) {
	rng := newRand(t)
	plan := mustPlan(t, smallSpec(), whole)
	torn, nothing := 0, 0
	for i := range 100 {
		path := filepath.Join(t.TempDir(), "r.txt")
		p := startHelper(t, "run", path)
		killAtRandom(rng, p, plan.Len())
		p.wait()
		found, cut := checkKilled(t, path, plan, p)
		if found == 0 {
			nothing++
		}
		if cut > 0 {
			torn++
		}
		if t.Failed() {
			t.Fatalf("in kill %d, after %d trials were started and %d finished", i, p.started, len(p.finished))
		}
	}
	t.Logf("%d of 100 had nothing done, %d a torn end", nothing, torn)
}

// killAtRandom waits for a random number of trials to start, and then for up
// to 2 ms more. A spin, because a sleep that short is no use.
func killAtRandom(rng *rand.Rand, p *process, trials int) {
	target := rng.IntN(trials + 1)
	for p.started < target && p.read() {
	}
	delay := time.Duration(rng.Int64N(int64(2 * time.Millisecond)))
	if target == 0 {
		delay *= 10 // the process has yet to load
	}
	for end := time.Now().Add(delay); time.Now().Before(end); {
		math.Sqrt(2)
	}
	_ = p.cmd.Process.Kill() // it may be done already
}

// checkKilled resumes the file and compares it with the plan. It returns how
// many trials were in it, and how many bytes were cut off.
func checkKilled(t *testing.T, path string, plan *Plan, p *process) (found int, cut int64) {
	t.Helper()
	before, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if p.started > 0 {
			t.Errorf("no file, but %d trials were started", p.started)
		}
		_, err = newRunner(plan).Run(t.Context(), path)
		if err != nil {
			t.Error(err)
		}
		return 0, 0
	}
	var seen resumptions
	r := newRunner(plan)
	r.Observer = &seen
	sum, err := r.Resume(t.Context(), path)
	if err != nil || len(seen.list) != 1 {
		t.Errorf("resume: %v, resumed %+v", err, seen.list)
		return 0, 0
	}
	found, cut = seen.list[0].Done, seen.list[0].Cut
	after, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(after, before[:len(before)-int(cut)]) {
		t.Errorf("earlier trials are not intact (%v)", err)
	}
	checkNothingLost(t, readTrials(t, path), p.finished, found)
	if sum.Ran != plan.Len()-found {
		t.Errorf("%d of %d trials were there, %d were run", found, plan.Len(), sum.Ran)
	}
	if diff := cmp.Diff(planned(plan), identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
	return found, cut
}

// checkNothingLost: what was said to be finished was in the file, in order,
// and besides it at most the one that was just being written.
func checkNothingLost(t *testing.T, trials []*results.Trial, finished []int, found int) {
	t.Helper()
	var ids []int
	for _, trial := range trials[:found] {
		ids = append(ids, trial.ID)
	}
	if len(ids) < len(finished) || len(ids) > len(finished)+1 || !slices.Equal(ids[:len(finished)], finished) {
		t.Errorf("in the file: %v, said to be finished: %v", ids, finished)
	}
}

// resumptions keeps what was found.
type resumptions struct{ list []Resumption }

func (r *resumptions) Resumed(found Resumption)          { r.list = append(r.list, found) }
func (r *resumptions) Started(Progress)                  {}
func (r *resumptions) Finished(Progress, *results.Trial) {}

// TestInterrupted sends SIGINT while a trial runs that would never end.
func TestInterrupted(t *testing.T) {
	path := resultsPath(t)
	p := startHelper(t, "hang=8", path)
	for p.started < 8 && p.read() {
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != 130 {
		t.Errorf("exit %d, want 130; it said %q", code, p.said)
	}
	if len(p.finished) != 7 || len(readTrials(t, path)) != 7 {
		t.Errorf("%d trials finished, %d in the file, want 7", len(p.finished), len(readTrials(t, path)))
	}
	plan := mustPlan(t, smallSpec(), whole)
	if found, cut := checkKilled(t, path, plan, p); found != 7 || cut != 0 {
		t.Errorf("resume found %d trials, cut %d bytes", found, cut)
	}
}

// TestDiskFull lets the disk fill up at every point of the file: in its
// header, where no file may be left, and in a trial, which is taken back.
func TestDiskFull(t *testing.T) {
	plan := mustPlan(t, smallSpec(), whole)
	text := finished(t, newRunner(plan), resultsPath(t))
	header := bytes.Index(text, []byte("#trial "))
	for _, limit := range []int{0, 1, header - 1, header, header + 1, header + 900, len(text) / 2, len(text) - 100} {
		path := resultsPath(t)
		p := startHelper(t, fmt.Sprintf("limit=%d", limit), path)
		code := p.wait()
		said := strings.Join(p.said, "\n")
		if !strings.Contains(said, "write "+path+": file too large") || strings.Contains(said, "goroutine") {
			t.Errorf("full after %d bytes: it said %q", limit, said)
		}
		if limit < header {
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || code != 2 {
				t.Errorf("full after %d bytes, in the header: exit %d, file: %v", limit, code, err)
			}
			continue
		}
		if code != 1 {
			t.Errorf("full after %d bytes: exit %d, want 1", limit, code)
		}
		if n := len(readTrials(t, path)); n != len(p.finished) {
			t.Errorf("full after %d bytes: %d trials in the file, %d finished", limit, n, len(p.finished))
		}
		if found, cut := checkKilled(t, path, plan, p); cut != 0 {
			t.Errorf("full after %d bytes: %d trials and a torn end of %d bytes", limit, found, cut)
		}
	}
}

// TestReadOnly: a folder, and a file, that may not be written.
func TestReadOnly(t *testing.T) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("tlsbench-read-only-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o555); err != nil { // not t.TempDir: nobody may not look into that
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	path := filepath.Join(dir, "r.txt")
	p := startHelper(t, "nobody", path)
	if code := p.wait(); code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	if want := []string{"error write " + path + ": folder " + dir + ": permission denied"}; !slices.Equal(p.said, want) {
		t.Errorf("it said %q, want %q", p.said, want)
	}
	if p.started > 0 {
		t.Error("a trial was started before the file was there")
	}
}
