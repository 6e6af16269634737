package selftest

import (
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
)

// Fault is one kind of damage made on purpose.
type Fault struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Event   string `json:"event"` // kind that it must be noticed as
	// Also is a kind that it may cause besides: an entry that is put into the
	// queue in the middle of a handshake can make this fail.
	Also  string `json:"also,omitempty"`
	Looks bool   `json:"looks"` // found by checks between handshakes; else deterministic
	Ends  bool   `json:"ends"`  // ends the trial: one for each trial
	// Placed says that the fault is made in what the detector looks at, and so
	// when it looks: that it finds it is proved, and not how often it would meet
	// it. All others come at times that know nothing of the checks.
	Placed bool `json:"placed,omitempty"`

	bad    float64 // share of bad peers
	hazard string
	peers  bool   // tcp: it is the peers that notice, and they know no worker
	load   string // the only load that it can be made in, "" for all
}

// manyForks has filled keys of another library, and workers that are replaced
// all the time, so that there are many forks to lose one at.
const manyForks = "foreign-after:n=12+late-forks:after=8"

// Faults are all there are.
var Faults = []Fault{
	{Name: "double-free", Summary: "a block of the shared heap is freed twice", Event: event.DoubleFree, bad: results.DefaultBad},
	{Name: "wild-free", Summary: "an address inside a block is freed", Event: event.WildFree, bad: results.DefaultBad},
	{Name: "overrun", Summary: "the guard word after a block is overwritten", Event: event.Overrun, bad: results.DefaultBad},
	{Name: "heap-damage", Summary: "a free block is written to", Event: event.HeapDamage, bad: results.DefaultBad},
	{Name: "foreign-error", Summary: "another worker's entry is put into the error queue", Event: event.ForeignError,
		Also: event.FailedHandshake, Looks: true, bad: results.DefaultBad},
	{Name: "swallowed-error", Summary: "the worker's own entry is removed from the queue", Event: event.ForeignError, Looks: true, bad: results.DefaultBad},
	{Name: "repeated-random", Summary: "a draw is replaced by another worker's draw", Event: event.RepeatedRandom, Looks: true, Placed: true, bad: results.DefaultBad},
	{Name: "repeated-hello", Summary: "a ServerHello's random is replaced by bytes of another worker", Event: event.RepeatedRandom, Looks: true, Placed: true, bad: results.DefaultBad, load: "memory"},
	{Name: "repeated-share", Summary: "a server's key share is replaced by bytes of another worker", Event: event.RepeatedRandom, Looks: true, Placed: true, bad: results.DefaultBad, load: "memory"},
	{Name: "lost-slot", Summary: "a new worker loses a third-party library's slot", Event: event.LostSlot, Placed: true, bad: results.DefaultBad, hazard: manyForks},
	{Name: "wrong-data", Summary: "a byte of an echo is changed", Event: event.WrongData, Placed: true, bad: results.DefaultBad, peers: true},
	{Name: "cut", Summary: "a good peer's handshake is cut", Event: event.FailedHandshake, Placed: true, peers: true},
	{Name: "crash", Summary: "a worker is killed by a signal", Event: event.Crash, Ends: true, bad: results.DefaultBad},
	{Name: "exit", Summary: "a worker exits with status 0", Event: event.Crash, Ends: true, bad: results.DefaultBad},
	{Name: "lock-holder", Summary: "a worker is killed while it holds the heap's lock", Event: event.Crash, Ends: true, bad: results.DefaultBad},
	{Name: "hang", Summary: "a worker is blocked forever", Event: event.Hang, Ends: true, bad: results.DefaultBad},
	{Name: "spin", Summary: "a worker loops without end", Event: event.Hang, Ends: true, bad: results.DefaultBad},
}

// String is its name.
func (f Fault) String() string { return f.Name }

// ComesUnder says whether it can be made under a load.
func (f Fault) ComesUnder(load string) bool { return f.load == "" || f.load == load }

// Times between two faults of one worker, on average. One that ends the trial
// comes when the load is well under way.
const (
	gap    = 5 * time.Millisecond
	endGap = 60 * time.Millisecond
)
