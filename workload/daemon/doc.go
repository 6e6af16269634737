// Package daemon is a server of the workload that is not the rig: Debian's
// unchanged Kamailio packages with a strategy in them, so that the rig's verdicts
// can be held against what the daemon does.
//
//	fetch.go      the packaged daemons, and the OpenSSL each is linked with;
//	              packages into the cache, without root (package fetch)
//	configure.go  a minimal configuration: TLS, loopback, N readers
//	inject.go     a strategy's own C files as a preload object
//	daemon.go     start, ready, end; tied to this process
//	sip.go        what good peers say: OPTIONS, and the answer it must have
//	log.go        what the daemon's log says of damage
//	ready.go      from its start until it serves with the strategy in it
//	trial.go      one life of a daemon under load: a workload.Server
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
