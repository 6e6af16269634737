package rig

// #include "block.h"
import "C"

import (
	"fmt"
	"syscall"
	"time"
)

// Fork is the configuration of a fork trial; see struct fork_config in
// forkblock.h. The last worker's place is that of the loop's children, so
// Settings.Workers is one more than there are live workers.
type Fork struct {
	Pairs     int // forks in each arm
	Sustained int // forks in each arm of the sustained loop, which is not paired, or of the yardstick
	// Limit ends both loops, the sustained one after a block of each arm; 0 =
	// when all forks are done.
	Limit time.Duration

	// Memory is what rank 0's resident private memory is brought up to, in
	// bytes; 0 = as much as the set-up took.
	Memory uint64
	// Keys is how many filled keys there are besides OpenSSL's. They are made
	// after OpenSSL's and before the strategy's set-up, so that a strategy
	// that clears all keys up to a bound finds them there.
	Keys int
	// HugePages pins transparent huge pages on for rank 0's memory; else they
	// are pinned off.
	HugePages bool
	// SameArms lets both arms be the strategy: a comparison with itself,
	// which must find no difference.
	SameArms bool
}

// MaxForkKeys is how many filled keys there can be besides OpenSSL's.
const MaxForkKeys = C.MAX_FORK_KEYS

// forkRecords is the room for records: all forks and one to throw away.
func forkRecords(s Settings) uint64 {
	if s.Fork == nil || s.Plain {
		return 0
	}
	return uint64(2*s.Fork.Pairs + 1)
}

// fillFork writes the settings and gives the rig's mode.
func fillFork(c *C.struct_fork_config, s Settings) C.uint32_t {
	f := s.Fork
	c.pairs = C.uint64_t(f.Pairs)
	c.sustained = C.uint64_t(f.Sustained)
	c.limit_ns = C.uint64_t(f.Limit)
	c.memory = C.uint64_t(f.Memory)
	c.keys = C.uint32_t(f.Keys)
	c.huge_pages = flag(f.HugePages, 0, 1)
	c.same_arms = flag(f.SameArms, 0, 1)
	return flag(s.Plain, C.MODE_FORK, C.MODE_FORK_PLAIN)
}

// Handlers are the names of the at-fork handlers, in the order of HandlerTimes.
var Handlers = [C.HANDLERS]string{"prepare", "parent", "child"}

// HandlerTimes are nanoseconds in each handler; 0 where it did not run.
type HandlerTimes [C.HANDLERS]float64

// Sum is the time in all of them.
func (t HandlerTimes) Sum() float64 {
	var sum float64
	for _, v := range t {
		sum += v
	}
	return sum
}

// ForkRecord is one fork, in nanoseconds. A masked fork ran no handler, and its
// child ended at once.
type ForkRecord struct {
	Masked                      bool
	Fork, Ready                 float64
	Cold, Warm                  HandlerTimes // warm ones less the clock's cost
	FirstRandom, FirstHandshake float64
}

// Forks is what a fork trial measured. Where it ended early, this is what was
// measured until then.
type Forks struct {
	Clock     string    // "tsc" or "clock_monotonic"
	ClockCost []float64 // nanoseconds between two readings of it, one right after the other
	Resident  uint64    // rank 0's private memory, in bytes
	Huge      uint64    // of that, in huge pages
	Handlers  []string  // at-fork handlers that the strategy has: prepare, parent, child

	Forks  []ForkRecord // in the order they were made; two each are a pair
	Wanted int          // forks that the pairs asked for are; the limit may leave fewer

	// Sustained and Bare are forks a second, each child's end and its reaping
	// included: under the strategy, and with its handlers masked.
	Sustained, Bare float64

	Stopped error              // why the loop ended before its time: the errno of fork()
	Child   syscall.WaitStatus // of a child that did not end well
}

// ForkProgress changes with each fork that is done: those of both loops, and of the
// warm-up.
func (b *Block) ForkProgress() uint64 {
	n := load64(&b.c.fork.records) + uint64(load32(&b.c.fork._go))
	for i := range b.c.fork.sustained {
		n += load64(&b.c.fork.sustained[i].forks)
	}
	return n
}

// Switches counts the context switches of rank 0 and of all children that it
// reaped. Call it after Gone.
func (p *Process) Switches() uint64 {
	if u, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return uint64(u.Nvcsw + u.Nivcsw)
	}
	return 0
}

// Forks reads what a fork trial measured so far.
func (b *Block) Forks() *Forks {
	s := &b.c.fork
	ns := nanoseconds(s)
	f := &Forks{
		Clock: "clock_monotonic", Resident: uint64(s.private_bytes), Huge: uint64(s.huge_bytes),
		Wanted: 2 * int(b.c.config.fork.pairs), Child: syscall.WaitStatus(s.child_status),
	}
	// Else it ended before anybody could tell how long a tick is.
	timed := s.end.ticks > s.begin.ticks
	if s.clock == C.FORK_CLOCK_TSC {
		f.Clock = "tsc"
	} else {
		timed = true
	}
	for i, name := range Handlers {
		if s.handlers&(1<<i) != 0 {
			f.Handlers = append(f.Handlers, name)
		}
	}
	for _, ticks := range s.clock_ticks {
		if timed {
			f.ClockCost = append(f.ClockCost, ns(C.uint64_t(ticks)))
		}
	}
	for arm, rate := range []*float64{&f.Sustained, &f.Bare} {
		if took := time.Duration(ns(s.sustained[arm].ticks)); took > 0 {
			*rate = float64(s.sustained[arm].forks) / took.Seconds()
		}
	}
	n := min(load64(&s.records), uint64(len(b.forks)))
	for i := range b.forks[:n] {
		f.Forks = append(f.Forks, forkRecord(&b.forks[i], ns))
	}
	if s.error != 0 {
		f.Stopped = fmt.Errorf("fork %d of %d: %w", n+1, f.Wanted, syscall.Errno(s.error))
	}
	return f
}

func forkRecord(r *C.struct_fork_record, ns func(C.uint64_t) float64) ForkRecord {
	out := ForkRecord{
		Masked: r.arm == C.ARM_MASKED, Fork: ns(r.fork), Ready: ns(r.ready),
		FirstRandom: ns(r.first_random), FirstHandshake: ns(r.first_handshake),
	}
	for i := range out.Cold {
		out.Cold[i], out.Warm[i] = ns(r.cold[i]), ns(r.warm[i])/C.FORK_WARM_SCALE
	}
	return out
}

// nanoseconds turns ticks into nanoseconds, by two moments at which both clocks
// were read.
func nanoseconds(s *C.struct_fork_state) func(C.uint64_t) float64 {
	factor := 1.0
	if ticks := uint64(s.end.ticks - s.begin.ticks); s.end.ticks > s.begin.ticks {
		factor = float64(s.end.ns-s.begin.ns) / float64(ticks)
	}
	return func(ticks C.uint64_t) float64 { return float64(ticks) * factor }
}
