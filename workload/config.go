package workload

import (
	"time"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// Config is everything that decides what one trial does.
type Config struct {
	Build    openssl.Build
	Strategy catalogue.Choice
	Hazard   string // "plain"
	Workers  int    // from 1

	Load       string // "tcp", "memory"
	Heap       string // "global", "scalable", "private", "traced"
	HeapBytes  uint64 // size of the shared heap; 0 = by the number of workers
	HeapSafety string // "count", "abort"
	Locks      string // "shared", "kamailio", "private"
	TLS        string // "1.3", "1.2"
	Key        string // "ecdsa-p256", "rsa-2048"
	Rand       string // "default", "method"

	BadShare  float64 // share of bad peers, 0 to 1
	CheckRate int     // error-queue checks for each handshake, four draws with each; 0 = off
	EchoBytes int     // length of the echo after the handshake; 0 = none
	Peers     int     // concurrent peers of the tcp load; 0 = by the number of workers
	Seed      uint64

	// A trial ends after Duration, or after Handshakes handshakes where that
	// is not 0: of each worker where the heap is traced, of all of them else.
	// Warmup comes before and is not counted in throughput; events
	// count from the first moment of load.
	Warmup     time.Duration
	Duration   time.Duration
	Handshakes uint64

	// Fault is damage made on purpose, one of Faults, by FaultWorker at random
	// times, FaultGap apart on average: a trial of the detectors.
	Fault       string
	FaultWorker int // EachWorker: all of them, each at times of its own
	FaultGap    time.Duration

	// Without names detectors that are off, from Detectors, to see what they
	// cost. Queue and random are on only where CheckRate is above 0.
	Without []string

	// HangAfter is how long a process may stay in one operation without
	// using CPU before the trial is ended as a hang; 0 = default.
	HangAfter time.Duration

	// Server makes what the trial runs; nil = the rig.
	Server func(Config) Server

	// Fork makes this a trial of forks instead of handshakes; see fork.go.
	Fork *ForkConfig

	// A configuration of OpenSSL that a hazard wants, and where its modules are;
	// "" for none.
	opensslConf, opensslModules string
}
