package workload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// Outcome is what one trial did and what was noticed, read from the control
// block and from the peers after the trial, whatever happened to its
// processes.
type Outcome struct {
	results.Life // times are from the start of load; its Detail is the record's

	OpenSSLVersion string   // as the library itself says it
	Files          []string // libcrypto, libssl, libc and loader really mapped
	// NotApplicable names the OpenSSL function that the strategy needs and
	// this build lacks; the trial was not run then.
	NotApplicable string
	// Skipped says what a hazard needs and this machine lacks.
	Skipped string

	Timeouts uint64        // connections that a worker gave up, because the peer was silent
	Measured uint64        // good handshakes in the measured window
	Rate     float64       // of the measured window, handshakes a second
	CPU      time.Duration // user and system time of the workers in the window
	Setup    time.Duration // rank 0's OpenSSL set-up under the strategy
	Latency  []float64     // nanoseconds for each good handshake in the window

	// Injected counts faults made on purpose.
	Injected uint64
	// Injections are the first ones of them, by time.
	Injections []Injection

	Retired uint64 // workers that ended by themselves and were replaced
	// KeptBytes is what KeptWorkers retired workers took of the shared heap and
	// did not free. The first process of each worker is not among them: it also
	// fills what its SSL_CTX keeps for good.
	KeptBytes   int64
	KeptWorkers uint64
	Neighbour   string // what a hazard's library says of itself
	Acts        []Act  // what the hazards did
	// Served counts the requests that a hazard's HTTPS server answered, by path.
	Served map[string]int

	Memory uint64 // bytes of a daemon's processes, shared pages once

	Noted []Event // the first ones, with detail

	Fork  *ForkOutcome // of a trial of forks
	Trace *rig.Trace   // with the heap traced: what Raced is of
}

// Event is one thing that a detector noticed, and Injection a fault as it was
// made. In an outcome their times are from start of load.
type (
	Event     = rig.Event
	Injection = rig.Injection
)

// Order puts the noted events in order and finds when the first one was
// noticed. How much had been done by then is worked out from its share of the
// load.
func (o *Outcome) Order() {
	slices.SortStableFunc(o.Noted, func(a, b Event) int { return int(a.At - b.At) })
	if len(o.Noted) == 0 {
		return
	}
	o.FirstEvent = o.Noted[0].At
	if o.Load > 0 {
		o.FirstEventAt = uint64(float64(o.Handshakes) * min(1, float64(o.FirstEvent)/float64(o.Load)))
	}
}

// note adds an event; at counts from the start of load, and what came before is at 0.
func (o *Outcome) note(kind string, worker int, at time.Duration, detail string) {
	o.Events[kind]++
	o.Noted = append(o.Noted, Event{Kind: kind, Worker: worker, At: max(0, at), Detail: detail})
}

func (o *Outcome) noteCrash(s syscall.Signal, stage string, at time.Duration) {
	o.note(event.Crash, -1, at, fmt.Sprintf("rank 0 killed by signal %d (%v) while it was to %s", int(s), s, stage))
}

// gather reads the outcome once no process of the rig is left.
func (t *trial) gather() error {
	if err := t.failure(); err != nil {
		return err
	}
	t.gatherCounts()
	t.gatherEvents()
	t.out.Trace, t.out.Raced = t.block.Trace()
	t.gatherDraws(t.block.Draws())
	t.gatherPeers()
	t.gatherWindow()
	t.orderEvents()
	if err := t.gatherHazards(); err != nil {
		return err
	}
	return errors.Join(t.heapFull(), t.disturbed())
}

// heapFull makes a trial fail that ran out of memory: what OpenSSL did then is
// no evidence of anything. Where damage was seen before, it may be what took the
// memory: a damaged free list is dropped, and the trial stays a damaged one.
func (t *trial) heapFull() error {
	if first, _ := t.block.FirstEvent(); first != 0 && first < t.block.HeapFullAt() {
		return nil
	}
	if n := t.block.HeapExhausted(); n > 0 {
		return fmt.Errorf("shared heap of %d KiB is full, and %d allocations failed: choose a larger heap",
			t.cfg.HeapBytes>>10, n)
	}
	return nil
}

// failure is the rig's own, as against damage under test. A rank 0 that was
// killed, by whomever, is damage; that this suite kills the rig is not.
func (t *trial) failure() error {
	if t.block.Failure() != nil || t.left {
		if err := t.process.Diagnose(t.block); err != nil {
			return err
		}
	}
	if t.report != nil && t.report.Troubles > 0 {
		return fmt.Errorf("peers: %d failures of this machine, such as: %s", t.report.Troubles, t.report.Trouble)
	}
	return nil
}

func (t *trial) gatherCounts() {
	o := t.out
	o.Setup = t.block.Setup()
	last := t.began
	for _, w := range t.block.Workers() {
		o.Forks += w.Generations
		o.Retired += w.Retired
		o.KeptBytes += w.KeptBytes
		o.KeptWorkers += w.KeptWorkers
		o.Handshakes += w.Handshakes
		o.Attempts += w.Handshakes + w.Refused
		o.Timeouts += w.Timeouts
		o.Checks += w.Checks
		o.Draws += w.Draws
		o.Injected += w.Injected
		o.CtxSwitches += w.ContextSwitches
		last = max(last, w.Last)
		if w.Begin.At != 0 && w.End.At != 0 {
			o.CPU += w.End.CPU - w.Begin.CPU
			o.Measured += w.End.Handshakes - w.Begin.Handshakes
		}
	}
	o.Load = last - t.began
	o.SharedSlots = t.block.Shared()
	o.Injections = t.block.Injections()
	for i := range o.Injections {
		o.Injections[i].At = max(0, o.Injections[i].At-t.began)
	}
}

func (t *trial) gatherEvents() {
	o := t.out
	for kind, n := range t.block.Counts() {
		o.Events[kind] += n
	}
	for _, e := range t.block.Events() {
		e.At = max(0, e.At-t.began)
		o.Noted = append(o.Noted, e)
	}
	if t.hang != nil {
		o.note(event.Hang, t.hang.worker, t.hang.at-t.began, t.hang.detail)
	}
	if t.left && o.Events[event.Crash] == 0 {
		t.leftEarly(t.death())
	}
	if t.died != 0 && o.Events[event.Crash] == 0 {
		o.noteCrash(t.died, t.block.Stage(), t.death())
	}
	if o.Events[event.Crash] > 0 {
		o.CrashAt = t.death()
	}
}

// gatherDraws finds random bytes that came more than once: draws, and parts of
// ServerHellos. All of them are kept and compared exactly. With n draws of 16 random
// bytes the chance of a single equal pair is below n^2/2^129: under 1e-24 for 8
// million.
//
// The event names the process that drew the bytes for the second time.
func (t *trial) gatherDraws(draws []rig.Draw) {
	first := map[[16]byte]rig.Draw{}
	for _, d := range draws {
		before, seen := first[d.Value]
		if !seen {
			first[d.Value] = d
			continue
		}
		if d.At < before.At {
			d, before = before, d
			first[d.Value] = before
		}
		t.out.note(event.RepeatedRandom, d.Worker, d.At,
			fmt.Sprintf("%v of worker %d repeats %v of worker %d", d.Origin, d.Worker, before.Origin, before.Worker))
	}
}

func (t *trial) gatherPeers() {
	if t.report == nil {
		return
	}
	for _, f := range t.report.Failures {
		f.At, f.Began = f.At+t.peersFrom, f.Began+t.peersFrom
		if t.late(f) {
			t.excused++
			continue
		}
		if kind := t.event(f); kind != "" {
			t.out.note(kind, -1, f.At, f.String())
		}
	}
	for _, r := range t.report.Repeats() {
		t.out.note(event.RepeatedRandom, -1, r.Again.At+t.peersFrom, r.String())
	}
	t.out.Draws += uint64(len(t.report.Randoms))
}

// event says what a peer's failure is evidence of; nothing, if a death or a
// hang explains it.
func (t *trial) event(f peers.Failure) string {
	switch f.Kind {
	case peers.WrongData:
		return event.WrongData
	case peers.Cut:
		if t.death() != 0 && f.At > t.lastSign() {
			return ""
		}
	case peers.Timeout:
		if t.hang != nil {
			return ""
		}
	}
	return event.FailedHandshake
}

// lastSign is when whoever died first was last seen to live, from the start of
// load. A worker serves one connection at a time and tells when one is done, so
// what its death cut off was cut off later than that; how much later, before
// rank 0 learns of the death, is the machine's to say. With rank 0 all workers
// die at once.
func (t *trial) lastSign() time.Duration {
	workers := t.block.Workers()
	if t.block.FirstDeath() != 0 {
		return workers[t.block.FirstDead()].Last - t.began
	}
	var last time.Duration
	for _, w := range workers {
		last = max(last, w.Last)
	}
	return last - t.began
}

// death is when a process of the rig was found dead, from the start of load; 0 if
// none was. One that died before the load is dead when it starts.
func (t *trial) death() time.Duration {
	if at := t.block.FirstDeath(); at != 0 {
		return max(1, at-t.began)
	}
	if t.died != 0 || t.left {
		return max(1, t.window.to-t.began) // rank 0 itself: the window was closed then
	}
	return 0
}

func (t *trial) gatherWindow() {
	o := t.out
	span := t.window.to - t.window.from
	if t.cfg.Handshakes > 0 && t.peers == nil {
		// The workers end one by one; the window ends with the last handshake.
		span = t.began + o.Load - t.window.from
	}
	if span > 0 && t.window.from > 0 {
		o.Rate = float64(t.window.count) / span.Seconds()
	}
	if t.report == nil {
		o.Latency = t.block.Samples()
		return
	}
	o.Latency = t.report.Latency
	if span := t.report.End - t.report.Begin; t.cfg.Handshakes > 0 && span > 0 {
		o.Rate = float64(t.report.Measured) / span.Seconds() // the peers count to the limit
	}
}

// orderEvents puts the events in order. What was noticed when it happened comes
// with a count of handshakes of its own.
func (t *trial) orderEvents() {
	t.out.Order()
	at, handshakes := t.block.FirstEvent()
	if len(t.out.Noted) > 0 && at != 0 && at-t.began <= t.out.FirstEvent {
		t.out.FirstEventAt = handshakes
	}
}

// versionIn is the number in what the library says of itself, such as
// "OpenSSL 3.0.20 7 Apr 2026".
func versionIn(text string) string {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return text
	}
	return fields[1]
}
