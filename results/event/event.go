// Package event names what detectors notice: each kind of damage once, for
// the rig, the daemons, the self-test, the files and the tables.
package event

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"
)

// The kinds of events. The package workload says what each detector looks at.
const (
	ForeignError    = "foreign-error"
	FailedHandshake = "failed-handshake"
	WrongData       = "wrong-data"
	DoubleFree      = "double-free"
	WildFree        = "wild-free"
	Overrun         = "overrun"
	HeapDamage      = "heap-damage"
	RepeatedRandom  = "repeated-random"
	Crash           = "crash"
	Hang            = "hang"
	BrokenNeighbour = "broken-neighbour"
	LostSlot        = "lost-slot"

	// Unspecified is damage whose kind the file does not say: the output of
	// "go test -bench" has rates, but no kinds.
	Unspecified = "unspecified"
)

// Word is a verdict word: it says which damage was seen.
type Word string

// The verdict words. Each kind of event has one.
const (
	Crashed    Word = "crash"      // a process was killed by a signal
	Hung       Word = "hang"       // a process was blocked
	Corrupt    Word = "corrupt"    // OpenSSL's or the heap's state was damaged
	Shared     Word = "shared"     // processes write the same memory without a common lock; not a kind of event
	Broken     Word = "broken"     // a third-party library in the process stopped working
	Collateral Word = "collateral" // slots of third-party libraries were cleared
)

// Words lists them, worst first.
var Words = []Word{Crashed, Hung, Corrupt, Shared, Broken, Collateral}

// Kind describes one kind of event.
type Kind struct {
	Name string
	Word Word
	// Passive kinds are noticed without looking for them: the passive corruption
	// rate counts them.
	Passive bool
	Summary string
}

// Kinds lists all kinds, worst word first.
var Kinds = []Kind{
	{Crash, Crashed, true, "a process was killed by a signal, or exited by itself"},
	{Hang, Hung, false, "a process stayed in one operation without progress"},
	{ForeignError, Corrupt, false, "the error queue of a worker held another worker's entry, or had lost its own"},
	{FailedHandshake, Corrupt, true, "a good peer's handshake failed"},
	{WrongData, Corrupt, true, "the server echoed wrong data"},
	{DoubleFree, Corrupt, true, "a block of the shared heap was freed twice"},
	{WildFree, Corrupt, true, "an address was freed that is not a block of the heap"},
	{Overrun, Corrupt, true, "the guard word after a block was overwritten"},
	{HeapDamage, Corrupt, true, "a free block of the heap was written to"},
	{RepeatedRandom, Corrupt, false, "random bytes were drawn that a worker had drawn before"},
	{Unspecified, Corrupt, true, "damage whose kind the file does not say"},
	{BrokenNeighbour, Broken, false, "a third-party library in the process stopped working"},
	{LostSlot, Collateral, false, "a new worker lost the value of a third-party library's key"},
}

// WordOf is the verdict word of a kind. Kinds that this version does not know
// are damage too, and count as corrupt.
func WordOf(kind string) Word {
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind }); i >= 0 {
		return Kinds[i].Word
	}
	return Corrupt
}

// WordsOf lists the verdict words of all kinds with a count above zero, worst
// first.
func WordsOf(counts map[string]uint64) []Word {
	var list []Word
	for kind, n := range counts {
		if n > 0 {
			list = append(list, WordOf(kind))
		}
	}
	return InOrder(list)
}

// InOrder lists words worst first, each once, without those that say nothing of
// damage.
func InOrder(words []Word) []Word {
	return slices.DeleteFunc(slices.Clone(Words), func(w Word) bool { return !slices.Contains(words, w) })
}

// Compare puts kinds into the order of tables: by word, worst first.
func Compare(a, b string) int {
	return cmp.Or(slices.Index(Words, WordOf(a))-slices.Index(Words, WordOf(b)), strings.Compare(a, b))
}

// Any reports whether there is a count above zero.
func Any(counts map[string]uint64) bool {
	for _, n := range counts {
		if n > 0 {
			return true
		}
	}
	return false
}

// PassiveCount is how many events were noticed without looking for them.
func PassiveCount(counts map[string]uint64) uint64 {
	var n uint64
	for _, k := range Kinds {
		if k.Passive {
			n += counts[k.Name]
		}
	}
	return n
}

// RacedBlock is inherited memory that two processes write without a common
// lock, or that one writes so while others read it. Processes are workers by
// number; rank 0 is -1, and the children that worker 0 forks are -2, those of
// worker 1 are -3, and so on.
type RacedBlock struct {
	// Site is where it was allocated: OpenSSL's source file and line where the
	// call brings them, then the functions, innermost first.
	Site string `json:"site"`
	Size uint64 `json:"size"` // bytes
	// Behind is where rank 0 had it right before the first fork: a pthread key,
	// or a variable of a library.
	Behind    string       `json:"behind,omitempty"`
	ReadRaced bool         `json:"read_raced,omitempty"` // one process writes, others read
	Writers   []int        `json:"writers"`
	Readers   []int        `json:"readers,omitempty"`
	Writes    []RacedWrite `json:"writes,omitempty"`
	// Sampled says that counts are too low: the block was left open from time to
	// time.
	Sampled bool `json:"sampled,omitempty"`
}

// RacedWrite is a place in the code that wrote a raced block.
type RacedWrite struct {
	Site  string `json:"site"` // function or offset, then its callers
	By    []int  `json:"by"`
	Count uint64 `json:"count"`
	How   string `json:"how,omitempty"` // atomic, locked, free, kernel, read
}

// objects name what a block is: by the source file that its site begins with,
// else by a function that was under way.
var objects = []struct {
	what     string
	files    []string
	function string
}{
	{"error queue", []string{"err.c", "err_blocks.c", "err_local.h"}, ""},
	{"list of what is to be done at a thread's end", []string{"initthread.c", "init.c"}, ""},
	{"table of thread-local values", []string{"threads_common.c", "sparse_array.c"}, ""},
	{"random generator", []string{"drbg.c", "drbg_ctr.c", "drbg_lib.c", "drbg_hash.c", "rand_lib.c"}, "RAND_"},
}

// Object says what a block is, "" where its site does not tell.
func (b *RacedBlock) Object() string {
	file, _, named := strings.Cut(b.Site, ":")
	for _, o := range objects {
		if named && slices.Contains(o.files, path.Base(file)) || o.function != "" && strings.Contains(b.Site, o.function) {
			return o.what
		}
	}
	// The error state itself is allocated without a source file from 3.2 on.
	if named = named && !strings.Contains(file, " "); !named && strings.Contains(b.Site, "< ERR_") {
		return objects[0].what
	}
	return ""
}

// Key tells a block from others of the same build: addresses differ from
// trial to trial, sites do not.
func (b *RacedBlock) Key() string {
	if b.ReadRaced {
		return "read: " + b.Site
	}
	return b.Site
}

// Place is where a block was allocated: the line of the source where the site begins
// with one, whoever the caller was, else the whole site.
func (b *RacedBlock) Place() string {
	if line, _, _ := strings.Cut(b.Site, " "); strings.Contains(line, ":") {
		return line
	}
	return b.Site
}

// Turn is what the worker of a duet did in one turn.
type Turn struct {
	Handshakes   uint64 // good ones
	CPU, Wall    time.Duration
	At           time.Duration // from the start of the first; the rig has its clock's
	Preempted    uint64        // involuntary context switches
	Instructions uint64        // in user space; 0 = not counted
}

// Slot is one pthread key in a probe: who created it, what rank 0 had in it before the
// first fork, and what the strategy made of it.
type Slot struct {
	Key     int    `json:"key"`
	Known   bool   `json:"creation_seen"`
	OpenSSL bool   `json:"openssl"`           // created by libcrypto, libssl or a module of theirs
	Creator string `json:"creator,omitempty"` // base name of the file that created it
	Filled  bool   `json:"filled"`            // rank 0's value is not NULL
	InHeap  bool   `json:"in_shared_heap"`    // that value points into the shared heap
	// State is what became of the slot in the workers, "" if none of them told.
	State SlotState `json:"fate"`
	// SharedInUse says that workers have one address in the shared heap there
	// after their first handshake, whatever the fork left.
	SharedInUse bool `json:"shared_in_use"`
}

// SlotState is what became of a slot that rank 0 had filled, in the workers.
type SlotState string

// The states, as a probe saw them right after the at-fork handlers.
const (
	Empty    SlotState = "empty"    // rank 0 had nothing in it either
	Cleared  SlotState = "cleared"  // NULL in every worker
	Replaced SlotState = "replaced" // each worker has a value of its own
	// Inherited is rank 0's value in private memory: a copy, not shared.
	Inherited  SlotState = "inherited"
	SharedSlot SlotState = "shared" // two or more workers, one address in the shared heap
)

// SlotStates are those that a slot in a file may have.
var SlotStates = []SlotState{"", Empty, Cleared, Replaced, Inherited, SharedSlot}
