package peers

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Report is what a load did and saw.
type Report struct {
	Good     uint64 // good handshakes, warm-up included
	Measured uint64 // those that ended in the measured window
	Bad      uint64 // bad peers

	// Begin and End are the measured window, since Config.Epoch.
	Begin, End time.Duration
	// Latency has the handshake time of each measured one in nanoseconds, in
	// no order. A closed loop's: see the package comment.
	Latency []float64

	Failures []Failure // of good peers, by time
	Randoms  []Random  // of all peers, by time

	// Troubles counts what the client's own machine failed at: no free port, no free
	// descriptor, no memory. It says nothing about the server. Trouble is one of them.
	Troubles uint64
	Trouble  string
}

// Random is what a server's generator made for one connection, as it came over
// the wire: the random of its ServerHello, or its key share.
type Random struct {
	Bytes [32]byte      // of a key share: its digest
	At    time.Duration // since Config.Epoch
	Peer  int
	What  string // the bytes are
}

// Repeat is one of them that came again, with the first of the same bytes.
type Repeat struct{ First, Again Random }

func (r Repeat) String() string {
	return fmt.Sprintf("%v: %s %s came to peer %d, and to peer %d before", r.Again.At.Round(time.Microsecond), r.Again.What,
		hex.EncodeToString(r.Again.Bytes[:]), r.Again.Peer, r.First.Peer)
}

// Repeats finds the randoms that came again, exactly and by time. All 32 bytes have
// to be equal. In TLS 1.2 a server may mark the last 8 of its ServerHello's (RFC 8446
// section 4.1.3), so 24 of them are random.
func (r *Report) Repeats() []Repeat {
	index := make(map[[32]byte]int32, len(r.Randoms))
	var repeats []Repeat
	for i, random := range r.Randoms {
		first, again := index[random.Bytes]
		if !again {
			index[random.Bytes] = int32(i)
			continue
		}
		repeats = append(repeats, Repeat{r.Randoms[first], random})
	}
	return repeats
}

// report gathers what the peers booked. They must have ended.
func (l *Load) report() *Report {
	r := &Report{Good: l.good.Load(), Bad: l.bad.Load(), Troubles: l.troubles.Load()}
	for _, p := range l.peers {
		r.Latency = append(r.Latency, p.latency...)
		r.Failures = append(r.Failures, p.failures...)
		r.Randoms = append(r.Randoms, p.randoms...)
		r.Trouble = cmp.Or(r.Trouble, p.troubled)
	}
	r.Measured = uint64(len(r.Latency))
	slices.SortStableFunc(r.Failures, func(a, b Failure) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(r.Randoms, func(a, b Random) int { return cmp.Compare(a.At, b.At) })
	if begin, end := l.gate.window(); !begin.IsZero() {
		r.Begin, r.End = l.since(begin), l.since(end)
	}
	return r
}
