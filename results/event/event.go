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

	// Unspecified is damage of a kind that the file does not tell: plain
	// "go test -bench" output has rates, but no kinds.
	Unspecified = "unspecified"
)

// Word is the word of a verdict that says what damage was seen.
type Word string

// The words that kinds of events stand for.
const (
	Crashed    Word = "crash"      // a process was killed by a signal
	Hung       Word = "hang"       // a process was blocked
	Corrupt    Word = "corrupt"    // OpenSSL's or the heap's state was damaged
	Shared     Word = "shared"     // processes write the same memory without a common lock; no kind of event
	Broken     Word = "broken"     // a neighbour in the process stopped working
	Collateral Word = "collateral" // slots of other libraries were cleared
)

// Words lists them, worst first.
var Words = []Word{Crashed, Hung, Corrupt, Shared, Broken, Collateral}

// Kind is what there is to know of one kind.
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
	{Crash, Crashed, true, "a process was killed by a signal, or left with an exit status of its own"},
	{Hang, Hung, false, "a process stayed in one operation and got nothing done"},
	{ForeignError, Corrupt, false, "the error queue of a worker held an entry that another one put there, or lacked its own"},
	{FailedHandshake, Corrupt, true, "a good peer's handshake failed"},
	{WrongData, Corrupt, true, "data came back from the server changed"},
	{DoubleFree, Corrupt, true, "a block of the shared heap was freed twice"},
	{WildFree, Corrupt, true, "an address was freed that is no block of the heap"},
	{Overrun, Corrupt, true, "the guard word behind a block was overwritten"},
	{HeapDamage, Corrupt, true, "a free block of the heap was written to"},
	{RepeatedRandom, Corrupt, false, "two workers drew the same random bytes"},
	{Unspecified, Corrupt, true, "damage of a kind that the file does not tell"},
	{BrokenNeighbour, Broken, false, "another library in the process stopped working"},
	{LostSlot, Collateral, false, "a new worker lost the value of another library's key"},
}

// WordOf is the word that a kind stands for. A kind of a later version is
// damage too: corrupt is the least that can be said.
func WordOf(kind string) Word {
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind }); i >= 0 {
		return Kinds[i].Word
	}
	return Corrupt
}

// WordsOf lists the words that the kinds with a count above zero stand for,
// worst first.
func WordsOf(counts map[string]uint64) []Word {
	var list []Word
	for kind, n := range counts {
		if word := WordOf(kind); n > 0 && !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	slices.SortFunc(list, func(a, b Word) int { return slices.Index(Words, a) - slices.Index(Words, b) })
	return list
}

// Compare puts kinds into the order of tables: by word, worst first.
func Compare(a, b string) int {
	return cmp.Or(slices.Index(Words, WordOf(a))-slices.Index(Words, WordOf(b)), strings.Compare(a, b))
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
