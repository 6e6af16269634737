package rig

// Settings is the configuration of one rig, in the block's own terms. See
// struct config in block.h.
type Settings struct {
	Libcrypto, Libssl string // paths

	Strategy string           // name in the C table
	Own      string           // path of a user's own strategy, or ""
	Params   map[string]int64 // of the strategy

	Plain      bool // the single-process yardstick instead of the server
	Memory     bool // memory load instead of tcp
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
	Handshakes uint64 // memory load only
	Seed       uint64

	Server, Untrusted Identity

	Draws   uint64 // room for random draws, of all workers together
	Samples uint64 // room for latency samples, of all workers together
}

// Identity is a certificate and its key, in DER.
type Identity struct {
	Certificate, Key []byte
}

// Heap is the policy of the heap behind OpenSSL.
type Heap uint32

// The heap policies.
const (
	HeapGlobal   Heap = cHeapGlobal
	HeapScalable Heap = cHeapScalable
	HeapPrivate  Heap = cHeapPrivate
)

// Locks says which locks work across processes.
type Locks uint32

// The ways to share locks.
const (
	LocksShared   Locks = cLocksShared
	LocksKamailio Locks = cLocksKamailio
	LocksPrivate  Locks = cLocksPrivate
)

// Phase is what the harness wants the workers to do.
type Phase uint32

// The phases of a trial, in their order.
const (
	Warmup  Phase = cPhaseWarmup
	Measure Phase = cPhaseMeasure
	Drain   Phase = cPhaseDrain
	Stop    Phase = cPhaseStop
)

// Operation is what a worker is doing.
type Operation uint32

// Idle may last for ever; Done is a worker's last.
const (
	Idle Operation = cOpIdle
	Done Operation = cOpDone
)

// kinds are the events that the C side notes, by their number there.
var kinds = map[uint32]string{
	cEventForeignError:    "foreign-error",
	cEventFailedHandshake: "failed-handshake",
	cEventWrongData:       "wrong-data",
	cEventDoubleFree:      "double-free",
	cEventWildFree:        "wild-free",
	cEventOverrun:         "overrun",
	cEventHeapDamage:      "heap-damage",
	cEventCrash:           "crash",
}
