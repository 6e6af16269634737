package peers

import (
	"sync"
	"time"
)

// phase is where a load is between Start and Wait.
type phase uint8

const (
	warmUp phase = iota
	measured
	stopped // no new connections
)

// gate counts good handshakes into the phases and lets no more begin than the
// limit leaves room for. A handshake belongs to the phase in which it ends:
// those that run when the window opens stand for those that run when it
// closes.
type gate struct {
	limit uint64
	done  chan struct{} // closed with the window

	mu         sync.Mutex
	room       sync.Cond // the phase has changed, or a handshake has failed
	phase      phase
	inFlight   uint64
	counted    uint64 // good ones in the window
	begin, end time.Time
}

func newGate(limit uint64) *gate {
	g := &gate{limit: limit, done: make(chan struct{})}
	g.room.L = &g.mu
	return g
}

// enter waits until one more good handshake may begin. It says false when
// none may any more.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.phase == measured && g.limit > 0 && g.counted+g.inFlight >= g.limit {
		g.room.Wait()
	}
	if g.phase == stopped {
		return false
	}
	g.inFlight++
	return true
}

// leave says whether the handshake counts in the measured window.
func (g *gate) leave(ok bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if !ok || g.phase != measured {
		g.room.Signal()
		return false
	}
	g.counted++
	if g.counted == g.limit {
		g.closeWindow()
	}
	return true
}

func (g *gate) measure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == warmUp {
		g.phase, g.begin = measured, time.Now()
	}
}

func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase != stopped {
		g.closeWindow()
	}
}

func (g *gate) closeWindow() {
	g.phase, g.end = stopped, time.Now()
	close(g.done)
	g.room.Broadcast()
}

func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase != stopped
}

// window gives the measured window; both are zero if there was none.
func (g *gate) window() (begin, end time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.begin.IsZero() {
		return time.Time{}, time.Time{}
	}
	return g.begin, g.end
}
