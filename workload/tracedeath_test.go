package workload

import (
	"context"
	"syscall"
	"testing"
	"time"

	"tlsbench/results/event"
	"tlsbench/workload/rig"
)

// killSecond kills the second worker from outside when the first has served: it
// waits for its turn then.
func killSecond(_ int, block *rig.Block) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 6000 {
			if w := block.Workers(); w[0].Handshakes > 0 {
				_ = syscall.Kill(w[1].PID, syscall.SIGKILL)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return func() { <-done }
}

// Under the tracer a worker's death or hang is an event as it is without: the
// workers wait for each other's turns, and the trial must not end as a quiet one.
func TestTraceOfADyingWorker(t *testing.T) {
	for _, test := range []struct{ fault, want string }{
		{"crash", event.Crash}, {"exit", event.Crash}, {"hang", event.Hang}, {"", event.Crash},
	} {
		cfg := corruption(t, "key-owner", "memory")
		cfg.Heap, cfg.Handshakes, cfg.Duration = "traced", 20, 0
		cfg.Fault, cfg.FaultWorker = test.fault, 1
		var server Server = &trial{cfg: cfg}
		if test.fault == "" {
			server = watching(&trial{cfg: cfg}, killSecond)
		}
		out, err := serve(context.Background(), server)
		if err != nil || out.Events[test.want] == 0 {
			t.Errorf("fault %q: %v, %v; want the event %s", test.fault, err, out, test.want)
		}
	}
}
