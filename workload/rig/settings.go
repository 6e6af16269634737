package rig

// #include "block.h"
import "C"

import (
	"cmp"
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

// The numbers that block.h has for the words of Settings. Any other word is the
// default, 0: package workload lets none through.
var (
	heaps = numbers{
		"global": C.HEAP_GLOBAL, "scalable": C.HEAP_SCALABLE, "private": C.HEAP_PRIVATE, traced: C.HEAP_TRACED,
	}
	lockSharings = numbers{
		"shared": C.LOCKS_SHARED, "kamailio": C.LOCKS_KAMAILIO, "private": C.LOCKS_PRIVATE,
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

// MaxHazards is how many hazards one trial can have.
const MaxHazards = C.MAX_HAZARDS

func fillConfig(c *C.struct_config, s Settings) error {
	for _, f := range []struct {
		to   []C.char
		what string
		text string
	}{
		{c.libcrypto[:], "path of libcrypto", s.Libcrypto},
		{c.libssl[:], "path of libssl", s.Libssl},
		{c.strategy[:], "name of the strategy", s.Strategy.Name},
		{c.strategy_path[:], "path of the strategy", s.Strategy.Path},
	} {
		if err := setString(f.to, f.what, f.text); err != nil {
			return err
		}
	}
	if err := setParameters(c.parameters[:], "strategy", s.Strategy.Params); err != nil {
		return err
	}
	if err := setHazards(c, s); err != nil {
		return err
	}
	c.heap, c.locks = heaps[s.Heap], lockSharings[s.Locks]
	c.fault.kind = C.uint32_t(max(slices.Index(Faults, s.Fault), 0))
	for name, bit := range detectors {
		if !slices.Contains(s.Without, name) {
			c.detectors |= bit
		}
	}
	c.mode = flag(s.Plain, C.MODE_SERVE, C.MODE_PLAIN)
	if s.Fork != nil {
		c.mode = fillFork(&c.fork, s)
	}
	c.load = flag(s.Memory, C.LOAD_TCP, C.LOAD_MEMORY)
	c.key = flag(s.RSA, C.KEY_ECDSA_P256, C.KEY_RSA_2048)
	c.heap_abort = flag(s.HeapAbort, 0, 1)
	c.duet = flag(s.Duet, 0, 1)
	c.tls = C.uint32_t(s.TLS)
	c.rand_method = flag(s.RandMethod, 0, 1)
	c.workers = C.uint32_t(s.Workers)
	c.check_rate = C.uint32_t(s.CheckRate)
	c.ask_client = flag(s.AskClient, 0, 1)
	c.bad_permyriad = C.uint32_t(s.BadShare*10000 + 0.5)
	c.echo = C.uint32_t(s.Echo)
	c.handshakes = C.uint64_t(s.Handshakes)
	c.seed = C.uint64_t(s.Seed)
	c.heap_bytes = C.uint64_t(s.HeapBytes)
	c.fault.worker = C.int32_t(s.FaultWorker)
	c.fault.gap = C.uint64_t(s.FaultGap.Nanoseconds())
	if err := setIdentity(&c.server, s.Server); err != nil {
		return err
	}
	return setIdentity(&c.untrusted, s.Untrusted)
}

func flag(on bool, no, yes C.uint32_t) C.uint32_t {
	if on {
		return yes
	}
	return no
}

func setString(to []C.char, what, text string) error {
	if len(text) >= len(to) {
		return fmt.Errorf("%s %q: want at most %d bytes", what, text, len(to)-1)
	}
	for i := range len(text) {
		to[i] = C.char(text[i])
	}
	return nil
}

func setParameters(to []C.struct_parameter, whose string, values map[string]int64) error {
	if len(values) > len(to) {
		return fmt.Errorf("%d %s parameters: want at most %d", len(values), whose, len(to))
	}
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if err := setString(to[i].name[:], "name of a "+whose+" parameter", name); err != nil {
			return err
		}
		to[i].value = C.int64_t(values[name])
	}
	return nil
}

func setIdentity(to *C.struct_identity, id Identity) error {
	return cmp.Or(setDER(&to.certificate, "certificate", id.Certificate), setDER(&to.key, "key", id.Key))
}

func setDER(to *C.struct_der, what string, der []byte) error {
	if len(der) > maxDER {
		return fmt.Errorf("%s: %d bytes of DER: want at most %d", what, len(der), maxDER)
	}
	to.length = C.uint32_t(len(der))
	for i, v := range der {
		to.bytes[i] = C.uint8_t(v)
	}
	return nil
}

func setHazards(c *C.struct_config, s Settings) error {
	if len(s.Hazards) > MaxHazards {
		return fmt.Errorf("%d hazards: one trial takes at most %d", len(s.Hazards), MaxHazards)
	}
	for i, h := range s.Hazards {
		to := &c.hazards[i]
		if err := setString(to.name[:], "name of the hazard", h.Name); err != nil {
			return err
		}
		if err := setParameters(to.parameters[:], h.Name, h.Params); err != nil {
			return err
		}
	}
	if len(s.Texts) > C.MAX_TEXTS {
		return fmt.Errorf("%d texts for hazards: the control block takes at most %d", len(s.Texts), C.MAX_TEXTS)
	}
	for i, name := range slices.Sorted(maps.Keys(s.Texts)) {
		t := &c.texts[i]
		if err := setString(t.name[:], "name of a hazard's text", name); err != nil {
			return err
		}
		if err := setString(t.value[:], "hazard's text "+name, s.Texts[name]); err != nil {
			return err
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
