// Package selftest tries the suite on itself: damage whose amount is known, and
// fixes whose fault is known.
//
//	faults.go    the faults that the rig can make, and what each must show as
//	run.go       trials of each fault with each load and heap, until there are enough
//	match.go     each event is matched with the fault it came of, and its blame checked
//	broken.go    fixes that are wrong on purpose (broken/*.c), compiled and tried
//	judge.go     by what a broken fix is told from a good one
//	report.go    what was found, and what fell short
//
// Faults come at random times that know nothing of the checks; see fault.h of the
// rig. Four can be made at one place alone, which is where the detector looks:
// these are marked as placed, and show that it sees them, not how often it would.
// A detector that is deterministic has to find all. One that has to look, at the
// rate of a corruption trial, has to find so many that the exact 95 % interval of
// its recall lies above 95 %. No trial may have an event that is nobody's.
package selftest
