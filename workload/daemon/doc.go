// Package daemon runs the strategies inside the real daemon: Debian's unchanged
// Kamailio packages, so that the rig's verdicts can be held against what the
// daemon does.
//
//	releases.go   the packaged daemons, and the OpenSSL each is linked with
//	fetch.go      packages into the cache, without root (package debian)
//	cases.go      a daemon and a rig that are asked the same
//	plan.go       all cases, and the order of their trials ──▶ Task
//	check.go      what no plan may be
//	runner.go     one task after the other, each on the disk; resume
//	record.go     what a trial came to ──▶ results.FieldTrial
//	file.go       the results file that is appended to
//
//	configure.go  a minimal configuration: TLS, loopback, N readers
//	inject.go     a strategy's own C files as a preload object
//	daemon.go     start, ready, end; tied to this process
//	sip.go        what good peers say: OPTIONS, and the answer it must have
//	log.go        what the daemon's log says of damage
//	ready.go      from its start until it serves with the strategy in it
//	trial.go      one life of a daemon under load ──▶ Outcome
//
// The two verdicts are compared by package results, from the file alone.
//
// The daemon is a black box. Damage is read from outside alone: good peers that
// failed, ServerHello randoms that came twice, the log, processes that were
// killed, and silence. So a clean daemon has had fewer looks at it than a clean
// rig: its detectors see neither the error queue nor the slots.
//
// The daemon hangs on this process by a pipe: a shell in the daemon's own
// process group waits for the pipe's end, kills the group and removes the
// trial's folder, however this process ends.
package daemon
