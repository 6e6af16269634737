// Package results reads, writes and judges the results of tlsbench. It works
// on files alone: it knows nothing of C, of processes or of OpenSSL, and runs
// on a machine that has none.
//
// The way of a trial through this package:
//
//  1. Writer appends it to a results file: one comment line with the facts of
//     the trial as JSON, then its benchmark line if it has metrics, both in
//     one Write. The file is in the Go benchmark format, so benchstat and
//     everything else that reads this format works on it.
//  2. Reader reads it back, from such a file or from plain "go test -bench"
//     output. A record torn by a crash is dropped, and Reader.Torn says so.
//  3. Trials of the same Cell are gathered. A Verdict is the word for what
//     was seen in a cell's corruption trials.
//  4. Controls are checked: a rig that finds no damage under no strategy at
//     all, or some under the oracle, proves nothing about the others.
//  5. Summarize compares strategies, which package page prints; Check tests
//     claims. Both say where the data are not good enough: warnings appear with
//     the value they concern, and a claim that the trials cannot decide is
//     undecided, which is no success.
//
// Whether the comparison itself can be trusted on a machine is a claim like
// others, of duets of a strategy with itself:
//
//	tlsbench run --measure duet --strategy key-owner --duet-pairs 400 -o aa.txt
//	tlsbench check aa.txt --aa
//
// There are five kinds of trials, so that none disturbs another's figure.
// Handshake trials run with detectors off and without bad peers, and yield
// throughput. Corruption trials run with bad peers and with active checks at
// the default rate, and yield the headline: k of n trials damaged. Corruption
// trials with check=0 in their name have the active checks off; they alone
// yield the passive rate, which must not depend on how often was looked. Sharing
// trials run under the tracer, and yield the blocks that processes race for. Duets
// yield what a handshake costs, and fork trials what a fork costs rank 0.
package results
