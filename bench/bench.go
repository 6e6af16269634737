// Package bench plans and runs experiments: it decides which trials there are
// and in which order, runs one after the other, and sees to it that nothing
// that was measured is lost.
//
//  1. A Spec is what a user chose: builds, strategies, hazards, workers, loads
//     and so on, and how many rounds. Preset fills in the numbers.
//  2. NewPlan multiplies it out into cells. All cells that differ in strategy
//     and measure alone are one block: they are what is compared with each
//     other. Controls are added by themselves.
//  3. Each round runs every cell once. Order shuffles the blocks of a round,
//     and the cells within each block, with a generator seeded by the plan's
//     seed and the round's number, so it is known without running anything.
//     The two strategies of a pair are thus seconds apart and in random order,
//     and drift of the machine cancels in their ratio (a randomised complete
//     block design).
//  4. A Shard takes whole blocks, so a pair never crosses machines.
//  5. Runner executes the trials, appends each to the results file and flushes
//     it to the disk before the next begins. Resume goes on with a file that
//     was interrupted at any point.
//  6. Merge joins the files of the shards into one.
//
// The plan stands as JSON in the first line of a results file, with the
// machine and the version of this program. That is what Resume and Merge
// compare: trials of two plans, versions or kinds of machine never end in one
// sample.
//
// There are five kinds of cells: Handshake (throughput), Corruption (damage),
// Sharing (raced blocks), Fork (what the strategy costs rank 0) and Duet (what it
// costs against another), each in trials of its own, so that none disturbs
// another's figure. Whole distributions are comment lines of the same file.
//
// There is no throughput of the strategy none: a server that is being
// corrupted dies, mostly within seconds, so a plan has no Handshake cell for
// it. It is there to show that damage is seen at all.
package bench

import "errors"

// RefusalError wraps an error that was found before any trial was started or
// any file written: the caller asked for what cannot be done. Every other
// error of this package means that something went wrong on the way.
type RefusalError struct{ Err error }

func (e *RefusalError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *RefusalError) Unwrap() error { return e.Err }

// refuse wraps err once.
func refuse(err error) error {
	var r *RefusalError
	if errors.As(err, &r) {
		return err
	}
	return &RefusalError{err}
}
