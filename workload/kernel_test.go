package workload

import (
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// A share, whatever the kernel's counters do.
func TestStolen(t *testing.T) {
	before := procfs.CPUStat{User: 10, Idle: 100, Steal: 5}
	for _, tc := range []struct {
		after procfs.CPUStat
		want  float64
	}{
		{procfs.CPUStat{User: 14, Idle: 105, Steal: 6}, 0.1},
		{procfs.CPUStat{User: 14, Idle: 105, Steal: 4}, 0},
		{procfs.CPUStat{User: 10, Idle: 99, Steal: 7}, 1},
		{procfs.CPUStat{User: 10, Idle: 90, Steal: 6}, 0},
		{before, 0},
	} {
		if got := stolen(before, tc.after); got != tc.want {
			t.Errorf("after %+v a share of %v was stolen, want %v", tc.after, got, tc.want)
		}
	}
}

// A thread that waits at a word is seen to wait at that word; a process that
// waits for something else is not.
func TestFutex(t *testing.T) {
	var word uint32
	thread := make(chan int)
	go func() {
		runtime.LockOSThread()
		thread <- unix.Gettid()
		limit := unix.NsecToTimespec((2 * time.Minute).Nanoseconds())
		for atomic.LoadUint32(&word) == 0 {
			_, _, err := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&word)), 0, 0, // FUTEX_WAIT
				uintptr(unsafe.Pointer(&limit)), 0, 0)
			if err == unix.ETIMEDOUT {
				break
			}
		}
		close(thread)
	}()
	id := <-thread
	want := uintptr(unsafe.Pointer(&word))
	address, ok := futex(id)
	for deadline := time.Now().Add(time.Minute); uint64(want) != address && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		address, ok = futex(id)
	}
	if !ok || uint64(want) != address {
		t.Errorf("the thread waits at %#x (%v), want %#x", address, ok, want)
	}
	atomic.StoreUint32(&word, 1)
	unix.Syscall(unix.SYS_FUTEX, want, 1, 1) // FUTEX_WAKE
	<-thread

	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if address, ok := futex(cmd.Process.Pid); ok {
		t.Errorf("sleep waits at a futex, %#x", address)
	}
}

func TestStateOfProcess(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"sh", "-c", "while :; do :; done"}, running},
		{[]string{"sleep", "60"}, "S"},
		{[]string{"sh", "-c", "kill -STOP $$"}, "T"},
	} {
		cmd := exec.Command(tc.args[0], tc.args[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is running while it starts, too: the state to come is waited for.
		deadline := time.Now().Add(time.Minute)
		got, err := state(cmd.Process.Pid)
		for err == nil && got != tc.want && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
			got, err = state(cmd.Process.Pid)
		}
		if err != nil || got != tc.want {
			t.Errorf("%v: state %s, error %v", tc.args, got, err)
		}
		if stopped := IsStopped(cmd.Process.Pid); stopped != (tc.want == "T") {
			t.Errorf("%v: stopped: %v", tc.args, stopped)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
}
