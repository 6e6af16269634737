package rig

// #include "block.h"
import "C"

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tlsbench/strategies/catalogue"
)

// Settings is the configuration of one rig, in the block's own terms. See
// struct config in block.h.
type Settings struct {
	Libcrypto, Libssl string // paths

	Strategy catalogue.Choice // its name is that in the C table

	Plain      bool   // the single-process yardstick instead of the server
	Fork       *Fork  // a loop of forks instead of a load; with Plain, its yardstick
	Memory     bool   // memory load instead of tcp
	Duet       bool   // memory load: the worker waits for turns
	Heap       string // "global", "scalable", "private", "traced"
	HeapBytes  uint64
	HeapAbort  bool
	Locks      string // across processes: "shared", "kamailio", "private"
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

	Hazards []catalogue.Choice // what else is in the process: names in the C table
	Texts   map[string]string  // what was found or started for them, by the names they ask for

	Fault       string        // damage made on purpose, to try a detector: one of Faults
	FaultWorker int           // the worker that makes it; EachWorker
	FaultGap    time.Duration // from one fault of a worker to the next, on average
	Without     []string      // Detectors that are off; queue and random look only if there is a check rate

	Draws   uint64 // room for random draws, of all workers together
	Samples uint64 // room for latency samples, of all workers together
}

// Identity is a certificate and its key, in DER.
type Identity struct {
	Certificate, Key []byte
}

// The numbers that block.h has for the words of Settings; "" is the default.
var (
	heaps = numbers{
		"": C.HEAP_GLOBAL, "global": C.HEAP_GLOBAL, "scalable": C.HEAP_SCALABLE, "private": C.HEAP_PRIVATE, traced: C.HEAP_TRACED,
	}
	lockSharings = numbers{
		"": C.LOCKS_SHARED, "shared": C.LOCKS_SHARED, "kamailio": C.LOCKS_KAMAILIO, "private": C.LOCKS_PRIVATE,
	}
	detectors = numbers{
		"heap": C.DETECT_HEAP, "queue": C.DETECT_QUEUE, "random": C.DETECT_RANDOM, "slots": C.DETECT_SLOTS,
	}
)

type numbers map[string]C.uint32_t

// traced is the heap whose inherited blocks are traced; see trace.c.
const traced = "traced"

// Detectors are those that can be switched off.
var Detectors = slices.Sorted(maps.Keys(detectors))

// setWords writes what is chosen by a word.
func setWords(c *C.struct_config, s Settings) error {
	kind := slices.Index(Faults, s.Fault)
	if kind < 0 && s.Fault != "" {
		return fmt.Errorf("unknown fault %q", s.Fault)
	}
	c.fault.kind = C.uint32_t(max(kind, 0))
	var known bool
	if c.heap, known = heaps[s.Heap]; !known {
		return fmt.Errorf("unknown heap %q", s.Heap)
	}
	if c.locks, known = lockSharings[s.Locks]; !known {
		return fmt.Errorf("unknown way to share locks %q", s.Locks)
	}
	for name, bit := range detectors {
		if !slices.Contains(s.Without, name) {
			c.detectors |= bit
		}
	}
	return nil
}

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
// hazard's library, which has its own limit of time in the rig. Rank 0 forks a new
// worker for one that is Retired.
const (
	Starting  Operation = C.OP_START
	Idle      Operation = C.OP_IDLE
	Done      Operation = C.OP_DONE
	Neighbour Operation = C.OP_NEIGHBOUR
	Retired   Operation = C.OP_RETIRED
)

// EachWorker lets every worker make faults, each at times of its own.
const EachWorker = -1
