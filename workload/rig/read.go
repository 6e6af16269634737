package rig

// #include "block.h"
// #include "strategy.h"
import "C"

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"tlsbench/results/event"
)

// Event is one that a C detector noticed.
type Event struct {
	Kind   string
	Worker int           // -1: rank 0, or a peer
	At     time.Duration // Now's clock
	Detail string
}

// Injection is a fault as it was made.
type Injection struct {
	At     time.Duration // Now's clock
	Worker int
	File   string // file of OpenSSL's that allocated at that moment, "" if none did
	Other  int    // whose error-queue entry or draw was put in, or the key that was cleared; -1: no one's
}

// Injections lists the faults in the order they were made, the first ones if
// there was no room for all.
func (b *Block) Injections() []Injection {
	var list []Injection
	for i := range min(load64(&b.c.next_injection), C.MAX_INJECTIONS) {
		in := &b.c.injections[i]
		if load64(&in.complete) != 0 {
			list = append(list, Injection{At: time.Duration(in.at), Worker: int(in.worker), Other: int(in.other), File: text(in.file[:])})
		}
	}
	return list
}

// Snapshot is a worker's state at one edge of the measured window.
type Snapshot struct {
	At, CPU    time.Duration
	Handshakes uint64
}

// Worker is what one worker did.
type Worker struct {
	PID             int
	Handshakes      uint64
	Refused         uint64
	Timeouts        uint64 // connections given up, because the peer was silent for PeerTimeout
	Beat            uint64
	Operation       Operation
	Checks          uint64
	Draws           uint64
	Injected        uint64 // faults
	Begin, End      Snapshot
	Last            time.Duration // last connection, good or refused
	ContextSwitches uint64
	Reaped          bool
	Generations     uint64 // processes that were this worker, one after the other
	Retired         uint64 // those that ended to be replaced
	KeptBytes       int64  // what they left in the shared heap,
	KeptWorkers     uint64 // but for the first, which also fills its SSL_CTX
}

func load64(p *C.uint64_t) uint64 { return atomic.LoadUint64((*uint64)(unsafe.Pointer(p))) }
func load32(p *C.uint32_t) uint32 { return atomic.LoadUint32((*uint32)(unsafe.Pointer(p))) }

func text(s []C.char) string {
	for i, c := range s {
		if c == 0 {
			return C.GoStringN(&s[0], C.int(i))
		}
	}
	return C.GoStringN(&s[0], C.int(len(s)))
}

// Failure is the first thing that went wrong in the rig itself, nil if nothing did.
func (b *Block) Failure() error {
	f := &b.c.failure
	if load32(&f.set) != 2 {
		return nil
	}
	message := text(f.message[:])
	if f.error != 0 {
		message += ": " + syscall.Errno(f.error).Error()
	}
	return fmt.Errorf("%s (%s:%d)", message, text(f.file[:]), f.line)
}

// Version is what the library says of itself, such as "OpenSSL 3.0.20 7 Apr 2026".
func (b *Block) Version() string { return text(b.c.version[:]) }

// Missing names the OpenSSL function that the strategy needs and the build
// does not have, "" if there is none.
func (b *Block) Missing() string { return text(b.c.missing[:]) }

// Neighbour is what the hazard's library said of itself, "" if there is none.
func (b *Block) Neighbour() string { return text(b.c.neighbour[:]) }

// Skipped is what this machine lacks for a hazard, "" if nothing.
func (b *Block) Skipped() string { return text(b.c.skipped[:]) }

// Port is the listener's, on 127.0.0.1.
func (b *Block) Port() int { return int(load32(&b.c.port)) }

// Setup is the time of rank 0's OpenSSL set-up.
func (b *Block) Setup() time.Duration { return time.Duration(load64(&b.c.setup_ns)) }

// LoadStart is when the first phase was set, on Now's clock.
func (b *Block) LoadStart() time.Duration { return time.Duration(load64(&b.c.load_start)) }

// Handshakes counts the good ones of all workers until now.
func (b *Block) Handshakes() uint64 {
	var sum uint64
	for i := range b.workers {
		sum += load64(&b.workers[i].handshakes)
	}
	return sum
}

// stages are the names of enum stage, as an early end is reported with them.
var stages = [C.STAGE_DONE + 1]string{
	"start", "load OpenSSL", "set up OpenSSL", "make contexts", "fork workers", "fork workers", "serve",
}

// Stage says what rank 0 was doing last.
func (b *Block) Stage() string {
	reached := int(load32(&b.c.stage))
	if reached >= len(stages) {
		return "unknown stage"
	}
	return stages[min(reached+1, len(stages)-1)]
}

// Done reports whether rank 0 came to its end in good order.
func (b *Block) Done() bool { return load32(&b.c.stage) == C.STAGE_DONE }

// HeapUsed is how much of the shared heap was ever in use, in bytes, and
// HeapExhausted how many allocations found no room.
func (b *Block) HeapUsed() uint64      { return load64(&b.c.heap_used) }
func (b *Block) HeapExhausted() uint64 { return load64(&b.c.heap_exhausted) }

// HeapFullAt is when the first of them was, on the rig's clock.
func (b *Block) HeapFullAt() time.Duration { return time.Duration(load64(&b.c.heap_full_at)) }

// LocksRecovered counts heap locks that were taken from a dead holder.
func (b *Block) LocksRecovered() uint64 { return load64(&b.c.lock_recovered) }

// FirstEvent is when a C detector first noticed something, and how many
// handshakes all workers had made by then; 0 if none did.
func (b *Block) FirstEvent() (at time.Duration, handshakes uint64) {
	return time.Duration(load64(&b.c.first_event)), load64(&b.c.first_event_handshakes)
}

// FirstDeath is when rank 0 learned of the first worker's end that was not
// asked for, 0 if there was none.
func (b *Block) FirstDeath() time.Duration { return time.Duration(load64(&b.c.first_death)) }

// FirstDead is the worker that died then.
func (b *Block) FirstDead() int { return int(b.c.first_dead) }

// PeerTimeout is how long a worker waits for a silent peer.
const PeerTimeout = C.PEER_TIMEOUT_S * time.Second

// Counts adds up the events of all processes by kind.
func (b *Block) Counts() map[string]uint64 {
	counts := map[string]uint64{}
	add := func(events *[C.EVENT_KINDS]C.uint64_t) {
		for kind := range events {
			if n := load64(&events[kind]); n > 0 {
				counts[EventKinds[kind]] += n
			}
		}
	}
	add(&b.c.rank0_events)
	for i := range b.workers {
		add(&b.workers[i].events)
	}
	return counts
}

// Events lists the first ones, in the order they were noticed.
func (b *Block) Events() []Event {
	var list []Event
	n := min(load32(&b.c.next_event), C.MAX_EVENTS)
	for i := range n {
		e := &b.c.events[i]
		if load64(&e.complete) == 0 {
			continue // its process died while writing it; it is counted all the same
		}
		list = append(list, Event{
			Kind: EventKinds[e.kind], Worker: int(e.worker),
			At: time.Duration(e.at), Detail: text(e.detail[:]),
		})
	}
	return list
}

// Acts says how often a hazard really happened: in rank 0, and in each worker
// that was forked.
func (b *Block) Acts(hazard int) (rank0 uint64, workers []uint64) {
	rank0 = load64(&b.c.hazard_acts[hazard])
	for i := range b.workers {
		if w := &b.workers[i]; load32(&w.forked) != 0 {
			workers = append(workers, load64(&w.hazard_acts[hazard]))
		}
	}
	return rank0, workers
}

func snapshot(s *C.struct_snapshot) Snapshot {
	return Snapshot{time.Duration(load64(&s.at)), time.Duration(load64(&s.cpu)), load64(&s.handshakes)}
}

// Workers reads every worker's counters.
func (b *Block) Workers() []Worker {
	list := make([]Worker, len(b.workers))
	for i := range b.workers {
		w := &b.workers[i]
		list[i] = Worker{
			PID: int(load32(&w.pid)), Handshakes: load64(&w.handshakes), Refused: load64(&w.refused), Timeouts: load64(&w.timeouts),
			Beat: load64(&w.beat), Operation: Operation(load32(&w.operation)),
			Checks: load64(&w.checks), Draws: load64(&w.draws), Injected: load64(&w.injected),
			Begin: snapshot(&w.begin), End: snapshot(&w.end), Last: time.Duration(load64(&w.last)),
			ContextSwitches: load64(&w.context_switches),
			Reaped:          load32(&w.reaped) != 0,
			Generations:     load64(&w.generations), Retired: load64(&w.retired), KeptBytes: int64(w.kept_bytes), KeptWorkers: load64(&w.kept_workers),
		}
	}
	return list
}

// Rank0 is what a watchdog asks of rank 0 under load: a worker that is idle while it
// waits for something to do.
func (b *Block) Rank0(pid int) Worker {
	w := Worker{PID: pid, Beat: load64(&b.c.rank0_beat), Operation: Starting}
	if w.Beat%2 != 0 {
		w.Operation = Idle
	}
	return w
}

// Samples gives the latencies of the measured window, in nanoseconds, the
// latest of each worker where there was no room for all.
func (b *Block) Samples() []float64 {
	var list []float64
	room := uint64(b.c.config.samples_per_worker)
	for i := range b.workers {
		n := min(load64(&b.workers[i].samples), room)
		for _, v := range b.samples[uint64(i)*room : uint64(i)*room+n] {
			list = append(list, float64(v))
		}
	}
	return list
}

// Draw is one random value that a worker drew.
type Draw struct {
	Value  [16]byte
	Worker int
	At     time.Duration // from start of load
	Origin Origin
}

// Origin is where random bytes come from.
type Origin int

// The origins of random bytes.
const (
	Public      Origin = C.DRAW_PUBLIC
	Private     Origin = C.DRAW_PRIVATE
	ServerHello Origin = C.DRAW_HELLO
	KeyShare    Origin = C.DRAW_SHARE
)

func (o Origin) String() string {
	return [...]string{Public: "RAND_bytes", Private: "RAND_priv_bytes", ServerHello: "ServerHello random", KeyShare: "key share"}[o]
}

// Draws lists every draw that was kept.
func (b *Block) Draws() []Draw {
	var list []Draw
	room := uint64(b.c.config.draws_per_worker)
	for i := range b.workers {
		n := min(load64(&b.workers[i].draws), room)
		for j := uint64(i) * room; j < uint64(i)*room+n; j++ {
			d := &b.draws[j]
			list = append(list, Draw{
				Value: *(*[16]byte)(unsafe.Pointer(&d.value)), Worker: i,
				At: time.Duration(d.at_us) * time.Microsecond, Origin: Origin(d.source &^ C.DRAW_OF_FAULT),
			})
		}
	}
	return list
}

// Slots lists the keys that exist or are filled: as rank 0 saw them right before the
// first fork, and what the workers found in them that came far enough to tell.
func (b *Block) Slots() []event.Slot {
	list := []event.Slot{}
	inHeap := b.HeapRange()
	for key := range int(b.c.slots_known) {
		s := &b.c.slots[key]
		created := s.created != 0 // in the ledger; else filled, but nobody was seen creating it
		if !created && s.value == 0 {
			continue
		}
		var forked, used []uint64 // by worker, after the at-fork handlers and after its first handshake
		for i := range b.workers {
			w := &b.workers[i]
			if load32(&w.forked) != 0 {
				forked = append(forked, uint64(w.slots_forked[key]))
			}
			if load32(&w.used) != 0 {
				used = append(used, uint64(w.slots_used[key]))
			}
		}
		list = append(list, event.Slot{
			Key: key, Known: created, OpenSSL: created && s.owner == C.KEY_OPENSSL, Creator: text(s.object[:]),
			Filled: s.value != 0, InHeap: s.in_heap != 0,
			State: slotState(uint64(s.value), forked, inHeap), SharedInUse: twoHave(used, inHeap),
		})
	}
	return list
}

func slotState(rank0 uint64, forked []uint64, inHeap func(uint64) bool) event.SlotState {
	empty, same := true, true
	for _, v := range forked {
		empty = empty && v == 0
		same = same && v == rank0
	}
	switch {
	case len(forked) == 0:
		return "" // no worker told
	case rank0 == 0 && empty:
		return event.Empty
	case empty:
		return event.Cleared
	case twoHave(forked, inHeap):
		return event.SharedSlot
	case same:
		return event.Inherited
	}
	return event.Replaced
}

// twoHave reports whether two workers have one address in the shared heap.
func twoHave(values []uint64, inHeap func(uint64) bool) bool {
	seen := map[uint64]bool{}
	for _, v := range values {
		if inHeap(v) && seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

// HeapRange tells addresses in the shared heap from others. It may be used
// after the block is closed.
func (b *Block) HeapRange() func(uint64) bool {
	from, to := uint64(b.c.heap_from), uint64(b.c.heap_to)
	return func(p uint64) bool { return p != 0 && p >= from && p < to }
}

// Shared counts the addresses in the shared heap that two or more workers have
// in one of OpenSSL's slots or get from OpenSSL as their own error state or
// random generator: the exposure. It needs no luck to see.
func (b *Block) Shared() int {
	holder, shared := map[uint64]int{}, map[uint64]bool{}
	inHeap := b.HeapRange()
	hold := func(p uint64, worker int) {
		if before, held := holder[p]; held && before != worker && inHeap(p) {
			shared[p] = true
		}
		holder[p] = worker
	}
	for i := range b.workers {
		w := &b.workers[i]
		for key := range C.MAX_SLOTS {
			if s := &b.c.slots[key]; s.created == 0 || s.owner != C.KEY_OPENSSL {
				continue
			}
			if load32(&w.forked) != 0 {
				hold(uint64(w.slots_forked[key]), i)
			}
			if load32(&w.used) != 0 {
				hold(uint64(w.slots_used[key]), i)
			}
		}
		if load32(&w.used) != 0 {
			for _, p := range w.objects {
				hold(uint64(p), i)
			}
		}
	}
	return len(shared)
}
