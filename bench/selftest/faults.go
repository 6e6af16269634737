package selftest

import (
	"slices"
	"time"

	"tlsbench/results"
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
	peers  bool // tcp: it is the peers that notice, and they know no worker
}

// manyForks has filled keys of another library, and workers that are replaced
// all the time, so that there are many forks to lose one at.
const manyForks = "foreign-after:n=12+late-forks:after=8"

// What corruption trials of tlsbench run have by default: the share of bad peers,
// and checks for each handshake.
const (
	defaultBad       = 0.2
	defaultCheckRate = 4
)

var catalogue = []Fault{
	{Name: "double-free", Summary: "a block of the shared heap is freed twice", Event: results.DoubleFree, bad: defaultBad},
	{Name: "wild-free", Summary: "an address inside a block is freed", Event: results.WildFree, bad: defaultBad},
	{Name: "overrun", Summary: "the guard word behind a block is overwritten", Event: results.Overrun, bad: defaultBad},
	{Name: "heap-damage", Summary: "a free block is written to", Event: results.HeapDamage, bad: defaultBad},
	{Name: "foreign-error", Summary: "another worker's entry is put into the error queue", Event: results.ForeignError,
		Also: results.FailedHandshake, Looks: true, bad: defaultBad},
	{Name: "swallowed-error", Summary: "the worker's own entry is taken out of the queue", Event: results.ForeignError, Looks: true, bad: defaultBad},
	{Name: "repeated-random", Summary: "a draw is replaced by another worker's", Event: results.RepeatedRandom, Looks: true, Placed: true, bad: defaultBad},
	{Name: "lost-slot", Summary: "a new worker loses another library's slot", Event: results.LostSlot, Placed: true, bad: defaultBad, hazard: manyForks},
	{Name: "wrong-data", Summary: "a byte of an echo is changed", Event: results.WrongData, Placed: true, bad: defaultBad, peers: true},
	{Name: "cut", Summary: "a good peer's handshake is cut", Event: results.FailedHandshake, Placed: true, peers: true},
	{Name: "crash", Summary: "a worker dies of a signal", Event: results.Crash, Ends: true, bad: defaultBad},
	{Name: "exit", Summary: "a worker exits with status 0", Event: results.Crash, Ends: true, bad: defaultBad},
	{Name: "lock-holder", Summary: "a worker is killed while it holds the heap's lock", Event: results.Crash, Ends: true, bad: defaultBad},
	{Name: "hang", Summary: "a worker is blocked for ever", Event: results.Hang, Ends: true, bad: defaultBad},
	{Name: "spin", Summary: "a worker goes round in circles", Event: results.Hang, Ends: true, bad: defaultBad},
}

// Faults lists all there are.
func Faults() []Fault { return slices.Clone(catalogue) }

// FindFaults gives those of these names; "all" or nothing is all of them, "none"
// is none.
func FindFaults(names []string) ([]Fault, error) { return find("fault", catalogue, Fault.name, names) }

// FaultNames lists their names.
func FaultNames() []string { return namesOf(catalogue, Fault.name) }

func (f Fault) name() string { return f.Name }

// Times between two faults of one worker, on average. One that ends the trial
// comes when the load is well under way.
const (
	gap    = 5 * time.Millisecond
	endGap = 60 * time.Millisecond
)
