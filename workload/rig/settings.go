package rig

// #include "block.h"
import "C"

import (
	"time"
)

// Settings is the configuration of one rig, in the block's own terms. See
// struct config in block.h.
type Settings struct {
	Libcrypto, Libssl string // paths

	Strategy string           // name in the C table
	Own      string           // path of a user's own strategy, or ""
	Params   map[string]int64 // of the strategy

	Plain      bool  // the single-process yardstick instead of the server
	Fork       *Fork // a loop of forks instead of a load; with Plain, its yardstick
	Memory     bool  // memory load instead of tcp
	Heap       Heap
	HeapBytes  uint64
	HeapAbort  bool
	Locks      Locks
	TLS        uint16 // as on the wire
	RSA        bool
	RandMethod bool

	Workers    int
	CheckRate  int
	AskClient  bool
	BadShare   float64 // memory load only: tcp peers are bad by themselves
	Echo       int
	Handshakes uint64 // memory load, and of each worker with the heap traced
	Seed       uint64

	Server, Untrusted Identity

	Hazards []Hazard          // what else is in the process
	Texts   map[string]string // what was found or started for them, by the names they ask for

	Fault       Fault         // damage made on purpose
	FaultWorker int           // the worker that makes it; EachWorker
	FaultGap    time.Duration // from one fault of a worker to the next, on average
	Detectors   Detector      // those that are on

	Draws   uint64 // room for random draws, of all workers together
	Samples uint64 // room for latency samples, of all workers together
}

// Identity is a certificate and its key, in DER.
type Identity struct {
	Certificate, Key []byte
}

// Hazard is one of the C table's, with the parameters that were set.
type Hazard struct {
	Name   string
	Params map[string]int64
}

// Heap is the policy of the heap behind OpenSSL.
type Heap uint32

// The heap policies.
const (
	HeapGlobal   Heap = C.HEAP_GLOBAL
	HeapScalable Heap = C.HEAP_SCALABLE
	HeapPrivate  Heap = C.HEAP_PRIVATE
	HeapTraced   Heap = C.HEAP_TRACED // inherited blocks are traced; see trace.c
)

// Locks says which locks work across processes.
type Locks uint32

// The ways to share locks.
const (
	LocksShared   Locks = C.LOCKS_SHARED
	LocksKamailio Locks = C.LOCKS_KAMAILIO
	LocksPrivate  Locks = C.LOCKS_PRIVATE
)

// Phase is what the harness wants the workers to do.
type Phase uint32

// The phases of a trial, in their order.
const (
	Warmup  Phase = C.PHASE_WARMUP
	Measure Phase = C.PHASE_MEASURE
	Drain   Phase = C.PHASE_DRAIN
	Stop    Phase = C.PHASE_STOP
)

// Operation is what a worker is doing.
type Operation uint32

// Idle may last for ever; Done is a worker's last. Neighbour is a call into a
// hazard's library, which has its own limit of time in the rig.
const (
	Starting  Operation = C.OP_START
	Idle      Operation = C.OP_IDLE
	Done      Operation = C.OP_DONE
	Neighbour Operation = C.OP_NEIGHBOUR
)

// Fault is damage made on purpose, to try a detector.
type Fault uint32

// EachWorker lets every worker make faults, each at times of its own.
const EachWorker = -1

// Detector is a set of detectors.
type Detector uint32

// The detectors that can be switched off. AllDetectors is what a trial of
// corruption has; Queue and Random look only if there is a check rate.
const (
	DetectHeap   Detector = C.DETECT_HEAP
	DetectQueue  Detector = C.DETECT_QUEUE
	DetectRandom Detector = C.DETECT_RANDOM
	DetectSlots  Detector = C.DETECT_SLOTS
	AllDetectors          = DetectHeap | DetectQueue | DetectRandom | DetectSlots
)
