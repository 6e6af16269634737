package workload

import (
	"slices"
	"time"
)

// Outcome is what one trial did and what was noticed, read from the control
// block and from the peers after the trial, whatever happened to its
// processes.
type Outcome struct {
	OpenSSLVersion string   // as the library itself says it
	Files          []string // libcrypto, libssl, libc and loader really mapped
	// NotApplicable names the OpenSSL function that the strategy needs and
	// this build lacks; the trial was not run then.
	NotApplicable string
	// Skipped says what a hazard needs and this machine lacks.
	Skipped string

	Handshakes uint64        // good handshakes made, warm-up included
	Refused    uint64        // connections that did not come so far, bad peers' for most
	Timeouts   uint64        // connections that a worker gave up, because the peer was silent
	Measured   uint64        // good handshakes in the measured window
	Rate       float64       // of the measured window, handshakes a second
	CPU        time.Duration // user and system time of the workers in the window
	Load       time.Duration // length of the load, from first to last handshake
	Setup      time.Duration // rank 0's OpenSSL set-up under the strategy
	Latency    []float64     // nanoseconds for each good handshake in the window

	Checks uint64 // looks at the error queue
	Draws  uint64 // random draws compared, and ServerHello randoms
	// DrawsLost counts draws that found no room to be kept.
	DrawsLost uint64
	Injected  uint64 // faults made on purpose,
	// Injections are the first ones of them, by time.
	Injections []Injection

	Forks   uint64 // workers forked
	Retired uint64 // of them, those that ended by themselves and were replaced
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
	Mark   string // where a strategy took its mark in a daemon, and what it found

	Events       map[string]uint64 // count by kind
	Ignored      map[string]uint64 // those that say nothing about OpenSSL
	Noted        []Event           // the first ones, with detail
	FirstEvent   time.Duration     // from start of load; meaningful if Events is not empty
	FirstEventAt uint64            // handshakes made until the first event
	CrashAt      time.Duration     // from start of load; 0 = no crash
	SharedSlots  int               // see package doc, exposure

	LoadBefore  float64
	Steal       float64 // share of CPU time stolen during the trial
	CtxSwitches uint64

	Fork *ForkOutcome // of a trial of forks
}

// Event is one thing that a detector noticed.
type Event struct {
	Kind   string
	Worker int           // -1: rank 0 or a peer
	At     time.Duration // from start of load
	Detail string
}

// Injection is a fault as it was made.
type Injection struct {
	Worker int
	At     time.Duration // from start of load
	// Other is the worker whose error-queue entry or draw was put in, or the key
	// that was cleared; -1 where there is none.
	Other int
	Place string // file of OpenSSL's that allocated at that moment, "" if none did
}

// Damaged reports whether any event was seen.
func (o *Outcome) Damaged() bool {
	for _, n := range o.Events {
		if n > 0 {
			return true
		}
	}
	return false
}

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
