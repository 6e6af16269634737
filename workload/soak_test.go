package workload

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload/rig"
)

// soakEnv is how long each shared heap is soaked, as Go writes durations. A
// short soak without it only shows that this test itself works; growth can be
// told from warm-up from growthFrom on.
const (
	soakEnv    = "TLSBENCH_SOAK"
	soakShort  = 3 * time.Second
	growthFrom = 2 * time.Minute
)

// The negative control for long: no event, and nothing grows. Four fifths of
// the time are one life of the rig, the rest is many short ones from this one
// process.
func TestSoak(t *testing.T) {
	length := soakShort
	if text := os.Getenv(soakEnv); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakEnv, err)
		}
	}
	for _, heap := range []string{"global", "scalable"} {
		t.Run(heap+"/one-life", func(t *testing.T) { soakOne(t, heap, length*4/5) })
		t.Run(heap+"/many-lives", func(t *testing.T) { soakMany(t, heap, length/5) })
	}
}

func soaked(t *testing.T, heap string, length time.Duration) Config {
	cfg := corruption(t, catalogue.NegativeControl, "tcp")
	cfg.Heap, cfg.Duration = heap, length
	return cfg
}

func soakOne(t *testing.T, heap string, length time.Duration) {
	var samples []sample
	every := min(10*time.Second, length/30)
	out, err := serve(context.Background(), watching(&trial{cfg: soaked(t, heap, length)}, func(rank0 int, b *rig.Block) func() {
		return sampling(t, every, length-every, rank0, b, &samples)
	}))
	if err != nil {
		t.Fatal(err)
	}
	checkUndamaged(t, heap, out)
	if len(samples) == 0 {
		t.Fatal("no sample was taken")
	}
	first, last := samples[0], samples[len(samples)-1]
	t.Logf("%v, %d handshakes, %d checks, %d draws; from %+v to %+v in %d samples",
		length, out.Handshakes, out.Checks, out.Draws, first, last, len(samples))
	// The last samples may be late, and some processes gone by then.
	if n := most(samples, func(s sample) uint64 { return s.processes }); n != 5 {
		t.Errorf("%d processes, want rank 0 and 4 workers", n)
	}
	if length < growthFrom*4/5 {
		return
	}
	if err := growth(samples); err != nil {
		t.Error(err)
	}
}

// sampling takes samples at regular times for so long, or until the returned
// function is called. At the end of a trial its processes go one by one.
func sampling(t *testing.T, every, long time.Duration, rank0 int, b *rig.Block, into *[]sample) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	end := time.Now().Add(long)
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if time.Now().After(end) {
				return
			}
			s, err := sampleRig(rank0, b)
			if err != nil {
				t.Error(err)
				return
			}
			*into = append(*into, s)
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// life is what one process, the harness, has after a number of trials.
type life struct {
	descriptors, children int
	heap                  uint64 // bytes in use of Go's
}

func soakMany(t *testing.T, heap string, length time.Duration) {
	trial := max(300*time.Millisecond, min(5*time.Second, length/6))
	var before life
	var running goleak.Option
	handshakes := uint64(0)
	n := 0
	for began := time.Now(); n < 4 || time.Since(began) < length; n++ {
		out := undamaged(t, fmt.Sprintf("%s, trial %d", heap, n), soaked(t, heap, trial))
		handshakes += out.Handshakes
		if n == 1 { // what is made once has been made
			before, running = alive(t), goleak.IgnoreCurrent()
		}
	}
	goleak.VerifyNone(t, running)
	after := alive(t)
	t.Logf("%d trials of %v, %d handshakes; from %+v to %+v", n, trial, handshakes, before, after)
	if after.descriptors > before.descriptors || after.children > before.children {
		t.Errorf("after %d trials %+v, after 2 %+v: descriptors and children must not grow", n, after, before)
	}
	if limit := before.heap + before.heap/10 + 1<<20; after.heap > limit {
		t.Errorf("after %d trials Go's heap is %d bytes, more than %d: after 2 it was %d", n, after.heap, limit, before.heap)
	}
}

func alive(t *testing.T) life {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return life{openFiles(t), len(children(os.Getpid())), m.HeapAlloc}
}
