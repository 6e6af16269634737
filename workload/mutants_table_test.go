package workload

// mutantRow is one line of the table of mutants: code that is wrong on purpose,
// and the ordinary test that turns red then.
type mutantRow struct {
	name   string
	breaks string // what is wrong
	test   string // package and -run pattern
}

// Packages whose tests kill.
const (
	trials  = "workload "
	wire    = "workload/peers "
	daemons = "workload/daemon "
)

// What kills more than one.
const (
	cleanMemory = trials + "TestStrategiesAreUndamaged/key-owner/memory"
	cleanTCP    = trials + "TestStrategiesAreUndamaged/key-owner/tcp"
	badFaults   = trials + "TestFaultsAreFound/"
	oneWorker   = trials + "TestForeignSlotsOfOneWorker/"
	suddenEnds  = trials + "TestSuddenEnds/"
	foreignKeys = trials + "TestForeignKeys/"
	pushedOut   = trials + "TestForeignKeysPushOpenSSLOut/"
	probes      = trials + "TestProbe/"
	peerFailure = wire + "TestFailuresAreToldApart/"
)

// The ways in which each detector is broken, as the ends of its mutants' names.
var detectorMutants = []string{"silent", "always", "blames", "off-by-one"}

// detectors are the detectors, by event kind and by where it is noticed, each
// with its mutants: one for each of detectorMutants, and some more.
var detectors = map[string][]mutantRow{
	"foreign-error": {
		{"silent", "no foreign entry is reported", badFaults + "^foreign-error/memory/global"},
		{"always", "an empty queue is reported too", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^foreign-error/memory/global"},
		{"off-by-one", "one foreign entry is let pass", badFaults + "^foreign-error/memory/global"},
		{"owner", "the entry's owner is taken for the one after", badFaults + "^foreign-error/memory/global"},
		{"gone-silent", "that my entry is gone is not reported", badFaults + "^swallowed-error/memory/global"},
	},
	"failed-handshake": {
		{"silent", "no failed handshake is reported", badFaults + "^cut/memory/global"},
		{"always", "every handshake counts as failed", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^cut/memory/global"},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^cut/memory/global"},
	},
	"failed-handshake-tcp": {
		{"silent", "what a peer books as a failure is no event", badFaults + "^cut/tcp/global"},
		{"always", "there is one more than the peers booked", cleanTCP},
		{"blames", "a worker is named, which no peer can know", badFaults + "^cut/tcp/global"},
		{"off-by-one", "the first one goes unreported", badFaults + "^cut/tcp/global"},
	},
	"wrong-data": {
		{"silent", "a wrong echo is not reported", badFaults + "^wrong-data/memory/global"},
		{"always", "every echo is reported", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^wrong-data/memory/global"},
		{"off-by-one", "the first byte is not compared", badFaults + "^wrong-data/memory/global"},
	},
	"wrong-data-tcp": {
		{"silent", "a peer does not compare what comes back", peerFailure + "wrong_first_byte"},
		{"always", "a peer complains of every echo", cleanTCP},
		{"blames", "the next peer is named", peerFailure + "wrong_first_byte"},
		{"off-by-one", "the last byte is not compared", peerFailure + "wrong_last_byte"},
	},
	"double-free": {
		{"silent", "a second free is not reported", badFaults + "^double-free/memory/global"},
		{"always", "every free is reported", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^double-free/memory/global"},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^double-free/memory/global"},
		{"owner", "the process that took the block is taken for the next", badFaults + "^double-free/memory/global"},
	},
	"wild-free": {
		{"silent", "a free of what is no block is not reported", badFaults + "^wild-free/memory/global"},
		{"always", "every free is reported", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^wild-free/memory/global"},
		{"off-by-one", "the last arena counts as none", trials + "TestSettings/heap_scalable/memory"},
	},
	"overrun": {
		{"silent", "guard words are not looked at", badFaults + "^overrun/memory/global"},
		{"always", "every guard word counts as overwritten", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^overrun/memory/global"},
		{"off-by-one", "the byte right behind the data is not looked at", badFaults + "^overrun/memory/global"},
	},
	"heap-damage": {
		{"silent", "a damaged free list is not reported", badFaults + "^heap-damage/memory/global"},
		{"always", "every block taken from a list counts as damaged", cleanMemory},
		{"blames", "the next worker is named", badFaults + "^heap-damage/memory/global"},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^heap-damage/memory/global"},
	},
	"repeated-random": {
		{"silent", "draws are not compared", badFaults + "^repeated-random/memory/global"},
		{"always", "every draw counts as a repeat", cleanMemory},
		{"blames", "who drew first is named", badFaults + "^repeated-random/memory/global"},
		{"off-by-one", "the last of 16 bytes is not compared", trials + "TestRepeatedDraws"},
	},
	"repeated-random-wire": {
		{"silent", "ServerHello randoms are not compared", wire + "TestRepeatedRandoms"},
		{"always", "every ServerHello random counts as a repeat", wire + "TestGoodPeers/tls=1.3/key=ecdsa-p256/echo=64"},
		{"blames", "a worker is named, which no peer can know", trials + "TestRepeatsOnTheWire"},
		{"off-by-one", "the first sight counts as a repeat", trials + "TestRepeatsOnTheWire"},
		{"peer", "the next peer is named", wire + "TestRepeatedRandoms"},
	},
	"crash": {
		{"silent", "a worker's death is not reported", suddenEnds + "crash/memory"},
		{"always", "a worker's good end counts as a crash", cleanMemory},
		{"blames", "the next worker is named", suddenEnds + "crash/memory"},
		{"off-by-one", "the signal's number is one more", suddenEnds + "crash/memory"},
	},
	"crash-rank0": {
		{"silent", "rank 0's death is not reported", trials + "TestRank0IsKilled"},
		{"always", "rank 0's good end counts as a crash", cleanMemory},
		{"blames", "a worker is named", trials + "TestRank0IsKilled"},
		{"off-by-one", "the signal's number is one more", trials + "TestRank0IsKilled"},
	},
	"hang": {
		{"silent", "nothing is judged a hang", trials + "TestJudge"},
		{"always", "whoever is not idle hangs", cleanMemory},
		{"blames", "the next worker is named", suddenEnds + "hang/memory"},
		{"off-by-one", "the limit of processor time is one nanosecond less", trials + "TestJudge"},
		{"blocked-silent", "only a process that spins is judged a hang", trials + "TestJudge"},
	},
	"broken-neighbour": {
		{"silent", "what is in foreign slots is not looked at", oneWorker + "replaced"},
		{"always", "every foreign value counts as another's", foreignKeys + "foreign-before:n=5/key-owner"},
		{"blames", "the next worker is named", oneWorker + "replaced"},
		{"off-by-one", "the first foreign key is not looked at", oneWorker + "replaced"},
		{"call-silent", "a library's call that never returns is not reported", trials + "TestPythonHurts/python/clear-0-15/broken-neighbour"},
		{"complaint-silent", "what a library says of itself is not reported", trials + "TestPythonComplains"},
	},
	"lost-slot": {
		{"silent", "no lost slot is reported", oneWorker + "lost"},
		{"always", "every foreign slot counts as lost", foreignKeys + "foreign-before:n=5/key-owner"},
		{"blames", "the next worker is named", oneWorker + "lost"},
		{"off-by-one", "key 0 is not looked at", oneWorker + "lost"},
	},
	"shared-slots": {
		{"silent", "no shared address is counted", probes + "none"},
		{"always", "one more is counted than there are", probes + "key-owner"},
		{"blames", "a worker's objects are taken for the next one's", probes + "key-owner"},
		{"off-by-one", "an address counts from three workers on", probes + "none"},
	},
}

// fieldDetectors read a daemon from outside: its log, its silence and its end.
// Nobody is blamed there.
var fieldDetectors = map[string][]mutantRow{
	"field-log": {
		{"silent", "no line of the log tells of damage", daemons + "TestReadLine"},
		{"always", "every line tells of a crash", daemons + "TestReadLine"},
		{"blames", "a double free is taken for a wild one", daemons + "TestReadLine"},
		{"off-by-one", "the last kind of message is not looked for", daemons + "TestReadLine"},
	},
	"field-silence": {
		{"silent", "a daemon that serves nobody is not judged", daemons + "TestSilentDaemon/waits"},
		{"always", "it is judged before its time", daemons + "TestSilentDaemon/brief"},
		{"processor", "that it wants a processor counts for nothing", daemons + "TestSilentDaemon/works"},
	},
	"field-exit": {
		{"silent", "the end of the daemon under load is no event", daemons + "TestDaemonEndsUnderLoad"},
		{"always", "a daemon that is stopped counts as one that ended", daemons + "TestStrategyIsSetUp/serves"},
		{"off-by-one", "the signal's number is one more", daemons + "TestDaemonEndsUnderLoad/killed"},
	},
}

// fixes are the strategies with their mutants, at least two each.
var fixes = map[string][]mutantRow{
	"none": {
		{"clears", "the positive control is key-owner", trials + "TestNoneIsDamaged/memory"},
		{"stops-thread", "the positive control is thread-stop", trials + "TestNoneIsDamaged/memory"},
	},
	"temp-thread": {
		{"in-main-thread", "the main thread initialises OpenSSL", probes + "temp-thread"},
		{"first-call-only", "the contexts are made in the main thread", probes + "temp-thread"},
		{"not-joined", "nobody waits for the thread", probes + "temp-thread"},
	},
	"clear-0-15": {
		{"one-fewer", "key 15 is left", foreignKeys + "foreign-before:n=40/clear-0-15"},
		{"one-more", "key 16 is cleared too", foreignKeys + "foreign-before:n=40/clear-0-15"},
		{"never", "nothing is cleared", probes + "clear-0-15"},
	},
	"hwm": {
		{"without-plus-one", "the highest filled key is left", foreignKeys + "foreign-before:n=40/hwm"},
		{"one-more", "the key above the highest filled one is cleared too", foreignKeys + "foreign-after/hwm"},
		{"whole-scan", "empty keys count as filled", foreignKeys + "foreign-after/hwm"},
	},
	"thread-stop": {
		{"first-fork-only", "OpenSSL's state is freed before the first fork alone", trials + "TestActsAtEachFork/thread-stop"},
		{"never", "OpenSSL's state is not freed", probes + "thread-stop"},
	},
	"pointer-match": {
		{"one-pointer-fewer", "the private generator is not looked for", trials + "TestPointerMatchClearsThree"},
		{"one-key-fewer", "key 31 is not looked at", pushedOut + "pointer-match"},
	},
	"key-owner": {
		{"foreign", "the keys of others are cleared", probes + "key-owner"},
		{"not-the-first", "OpenSSL's first key is left", probes + "key-owner"},
		{"libssl-only", "libcrypto's keys count as another's", probes + "key-owner"},
	},
	"host": {
		{"child-handler-in-parent", "what the child should do, rank 0 does", foreignKeys + "foreign-before:n=5/hwm"},
		{"prepare-handler-in-child", "what rank 0 should do, the child does", probes + "thread-stop"},
	},
}
