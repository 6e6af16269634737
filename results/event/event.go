// Package event names what detectors notice: each kind of damage once, for
// the rig, the daemons, the self-test, the files and the tables.
package event

import (
	"cmp"
	"slices"
	"strings"
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
