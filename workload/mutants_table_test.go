package workload

// mutant is code that is wrong on purpose, as edits of a copy of the sources, and
// the ordinary test that turns red then. mutants_test.go builds and runs them.
type mutant struct {
	name   string
	breaks string // what is wrong
	test   string // package and -run pattern
	edits  []edit
}

// edit changes one place of a file: the old text occurs in it exactly once.
type edit struct{ file, old, new string }

// in gives the edits of one file, from pairs of old and new text.
func in(file string, texts ...string) []edit {
	var list []edit
	for i := 0; i < len(texts); i += 2 {
		list = append(list, edit{file, texts[i], texts[i+1]})
	}
	return list
}

// The files that are edited, from the top of the project.
const (
	slotsC          = "workload/rig/slots.c"
	watchC          = "workload/rig/watch.c"
	foreignC        = "workload/rig/hazard_foreign.c"
	heapC           = "workload/rig/heap.c"
	hostC           = "workload/rig/host.c"
	lockC           = "workload/rig/lock.c"
	memoryC         = "workload/rig/memory.c"
	neighbourC      = "workload/rig/neighbour.c"
	opensslC        = "workload/rig/openssl.c"
	rank0C          = "workload/rig/rank0.c"
	reportC         = "workload/rig/report.c"
	slotsGo         = "workload/rig/read.go"
	outcomeGo       = "workload/outcome.go"
	watchdogGo      = "workload/watchdog.go"
	peerGo          = "workload/peers/peer.go"
	peerReportGo    = "workload/peers/report.go"
	wireGo          = "workload/peers/wire.go"
	logGo           = "workload/daemon/log.go"
	daemonGo        = "workload/daemon/trial.go"
	daemonProcessGo = "workload/daemon/daemon.go"
	daemonHazardsC  = "workload/daemon/inject/hazards.c"
	clear015C       = "strategies/clear_0_15.c"
	hwmC            = "strategies/hwm.c"
	keyOwnerC       = "strategies/key_owner.c"
	pointerMatchC   = "strategies/pointer_match.c"
	shmMatchC       = "strategies/shm_match.c"
	tempThreadC     = "strategies/temp_thread.c"
	threadStopC     = "strategies/thread_stop.c"
)

// Events of a kind are noted in one place of the rig.
const noting = "\tuint64_t at = now_ns();\n"

// unreported is a detector whose events of that kind are dropped.
func unreported(kind string) []edit {
	return in(reportC, noting, "\tif (kind == "+kind+")\n\t\treturn;\n"+noting)
}

// firstUnreported drops the first event of that kind in each process.
func firstUnreported(kind string) []edit {
	return in(reportC, noting, "\tstatic int passed;\n\tif (kind == "+kind+" && passed++ == 0)\n\t\treturn;\n"+noting)
}

// blamesNext names the next worker for an event of that kind.
func blamesNext(kind string) []edit {
	const count = "uint64_t *count = worker < 0"
	return in(reportC, count, "if (kind == "+kind+")\n\t\tworker = (worker + 1) % (int)rig.config->workers;\n\t"+count)
}

// takenFor gives the trial another strategy than the one that it names.
func takenFor(name, other string) []edit {
	const found = "strategy_named(rig.config->strategy)"
	return in(hostC, found, `strategy_named(strcmp(rig.config->strategy, "`+name+`") == 0 ? "`+other+`" : rig.config->strategy)`)
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
var detectors = map[string][]mutant{
	"foreign-error": {
		{"silent", "no foreign entry is reported", badFaults + "^foreign-error/memory/global",
			unreported("EVENT_FOREIGN_ERROR")},
		{"always", "an empty queue is reported too", cleanMemory,
			in(watchC, "if (code != 0) {", "if (true) {")},
		{"blames", "the next worker is named", badFaults + "^foreign-error/memory/global",
			blamesNext("EVENT_FOREIGN_ERROR")},
		{"off-by-one", "one foreign entry is let pass", badFaults + "^foreign-error/memory/global",
			firstUnreported("EVENT_FOREIGN_ERROR")},
		{"owner", "the entry's owner is taken for the one after", badFaults + "^foreign-error/memory/global",
			in(watchC, "when, marker_worker(code));", "when, marker_worker(code) + 1);", `entry of worker %d", owner);`, `entry of worker %d", owner + 1);`)},
		{"gone-silent", "that my entry is gone is not reported", badFaults + "^swallowed-error/memory/global",
			in(watchC, "if (was_passing(code))", "if (code == 0 || was_passing(code))")},
	},
	"failed-handshake": {
		{"silent", "no failed handshake is reported", badFaults + "^cut/memory/global",
			unreported("EVENT_FAILED_HANDSHAKE")},
		{"always", "every handshake counts as failed", cleanMemory,
			in(memoryC, "!shake(client, server)", "!shake(client, server) || true")},
		{"blames", "the next worker is named", badFaults + "^cut/memory/global",
			blamesNext("EVENT_FAILED_HANDSHAKE")},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^cut/memory/global",
			firstUnreported("EVENT_FAILED_HANDSHAKE")},
	},
	"failed-handshake-tcp": {
		{"silent", "what a peer books as a failure is no event", badFaults + "^cut/tcp/global",
			in(outcomeGo, "return event.FailedHandshake", `return ""`)},
		{"always", "there is one more than the peers booked", cleanTCP,
			in(outcomeGo, "for _, r := range t.report.Repeats() {", `t.out.note(event.FailedHandshake, -1, 0, "")
	for _, r := range t.report.Repeats() {`)},
		{"blames", "a worker is named, which no peer can know", badFaults + "^cut/tcp/global",
			in(outcomeGo, "t.out.note(kind, -1,", "t.out.note(kind, 0,")},
		{"off-by-one", "the first one goes unreported", badFaults + "^cut/tcp/global",
			in(outcomeGo, "range t.report.Failures {", "range t.report.Failures[min(1, len(t.report.Failures)):] {")},
	},
	"wrong-data": {
		{"silent", "a wrong echo is not reported", badFaults + "^wrong-data/memory/global",
			unreported("EVENT_WRONG_DATA")},
		{"always", "every echo is reported", cleanMemory,
			in(memoryC, "if (!echoed(client, server)) {", "if (!echoed(client, server) || true) {")},
		{"blames", "the next worker is named", badFaults + "^wrong-data/memory/global",
			blamesNext("EVENT_WRONG_DATA")},
		{"off-by-one", "the first byte is not compared", badFaults + "^wrong-data/memory/global",
			in(memoryC, "memcmp(sent, back, (size_t)n)", "memcmp(sent + 1, back + 1, (size_t)n - 1)")},
	},
	"wrong-data-tcp": {
		{"silent", "a peer does not compare what comes back", peerFailure + "wrong_first_byte",
			in(peerGo, "if !bytes.Equal(piece, back) {", "if false && !bytes.Equal(piece, back) {")},
		{"always", "a peer complains of every echo", cleanTCP,
			in(peerGo, "if !bytes.Equal(piece, back) {", `back[0] = ^piece[0]
		if !bytes.Equal(piece, back) {`)},
		{"blames", "the next peer is named", peerFailure + "wrong_first_byte",
			in(peerGo, "Peer: p.number,", "Peer: p.number + 1,")},
		{"off-by-one", "the last byte is not compared", peerFailure + "wrong_last_byte",
			in(peerGo, "bytes.Equal(piece, back)", "bytes.Equal(piece[:len(piece)-1], back[:len(back)-1])")},
	},
	"double-free": {
		{"silent", "a second free is not reported", badFaults + "^double-free/memory/global",
			unreported("EVENT_DOUBLE_FREE")},
		{"always", "every free is reported", cleanMemory,
			in(heapC, "if (was == STATE_FREE) {", "if (true) {")},
		{"blames", "the next worker is named", badFaults + "^double-free/memory/global",
			blamesNext("EVENT_DOUBLE_FREE")},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^double-free/memory/global",
			firstUnreported("EVENT_DOUBLE_FREE")},
		{"owner", "the process that took the block is taken for the next", badFaults + "^double-free/memory/global",
			in(heapC, "h->owner - 1 : -2", "h->owner : -2")},
	},
	"wild-free": {
		{"silent", "a free of what is no block is not reported", badFaults + "^wild-free/memory/global",
			unreported("EVENT_WILD_FREE")},
		{"always", "every free is reported", cleanMemory,
			in(heapC, "if (!heap_contains(p) || !plausible(offset_of(h))) {", "if (true) {")},
		{"blames", "the next worker is named", badFaults + "^wild-free/memory/global",
			blamesNext("EVENT_WILD_FREE")},
		{"off-by-one", "the last arena counts as none", trials + "TestSettings/heap_scalable/memory",
			in(heapC, "h->home > rig.config->workers", "h->home >= rig.config->workers")},
	},
	"overrun": {
		{"silent", "guard words are not looked at", badFaults + "^overrun/memory/global",
			in(heapC, "return guard == tail_guard(offset_of(h));", "return true;")},
		{"always", "every guard word counts as overwritten", cleanMemory,
			in(heapC, "return guard == tail_guard(offset_of(h));", "return false;")},
		{"blames", "the next worker is named", badFaults + "^overrun/memory/global",
			blamesNext("EVENT_OVERRUN")},
		{"off-by-one", "the byte right behind the data is not looked at", badFaults + "^overrun/memory/global",
			in(heapC, "return guard == tail_guard(offset_of(h));", "return (guard | 0xff) == (tail_guard(offset_of(h)) | 0xff);")},
	},
	"heap-damage": {
		{"silent", "a damaged free list is not reported", badFaults + "^heap-damage/memory/global",
			unreported("EVENT_HEAP_DAMAGE")},
		{"always", "every block taken from a list counts as damaged", cleanMemory,
			in(heapC, "if (link->check != ~link->next)", "if (true)")},
		{"blames", "the next worker is named", badFaults + "^heap-damage/memory/global",
			blamesNext("EVENT_HEAP_DAMAGE")},
		{"off-by-one", "each worker's first one goes unreported", badFaults + "^heap-damage/memory/global",
			firstUnreported("EVENT_HEAP_DAMAGE")},
	},
	"repeated-random": {
		{"silent", "draws are not compared", badFaults + "^repeated-random/memory/global",
			in(outcomeGo, "if !seen {", "if !seen || true {")},
		{"always", "every draw counts as a repeat", cleanMemory,
			in(outcomeGo, "if !seen {", "if !seen && false {")},
		{"blames", "who drew first is named", badFaults + "^repeated-random/memory/global",
			in(outcomeGo, "if d.At < before.At {", "if d.At >= before.At {")},
		{"off-by-one", "the last of 16 bytes is not compared", trials + "TestRepeatedDraws",
			in(outcomeGo, "before, seen := first[d.Value]", `d.Value[15] = 0
		before, seen := first[d.Value]`)},
	},
	"repeated-random-hello": {
		{"silent", "ServerHello randoms are not compared", badFaults + "^repeated-hello/memory/global",
			in(watchC, "keep_draw(random, DRAW_HELLO);", ";")},
		{"always", "every ServerHello random counts as a repeat", cleanMemory,
			in(watchC, "keep_draw(random, DRAW_HELLO);", "keep_draw((unsigned char[DRAW_BYTES]){0}, DRAW_HELLO);")},
		{"blames", "a ServerHello random is called a key share", badFaults + "^repeated-hello/memory/global",
			in(watchC, "keep_draw(random, DRAW_HELLO);", "keep_draw(random, DRAW_SHARE);")},
		{"share-silent", "key shares are not compared", badFaults + "^repeated-share/memory/global",
			in(watchC, "if (n > DRAW_BYTES)", "if (false)")},
		{"share-always", "every key share counts as a repeat", cleanMemory,
			in(watchC, "keep_draw(share + 1, DRAW_SHARE);", "keep_draw((unsigned char[DRAW_BYTES]){1}, DRAW_SHARE);")},
		{"off-by-one", "key shares begin one byte too late", badFaults + "^repeated-share/memory/global",
			in(watchC, "keep_draw(share + 1,", "keep_draw(share + 2,")},
	},
	"repeated-random-wire": {
		{"silent", "ServerHello randoms are not compared", wire + "TestRepeatedRandoms",
			in(peerReportGo, "if !again {", "if !again || true {")},
		{"always", "every ServerHello random counts as a repeat", wire + "TestGoodPeers/tls=1.3/key=ecdsa-p256/echo=64",
			in(peerReportGo, "if !again {", "if !again && false {")},
		{"blames", "a worker is named, which no peer can know", trials + "TestRepeatsOnTheWire",
			in(outcomeGo, "t.out.note(event.RepeatedRandom, -1,", "t.out.note(event.RepeatedRandom, 0,")},
		{"off-by-one", "the first sight counts as a repeat", trials + "TestRepeatsOnTheWire",
			in(peerReportGo, "if !again {", "if !again {\n\t\t\trepeats = append(repeats, Repeat{random, random})")},
		{"peer", "the next peer is named", wire + "TestRepeatedRandoms",
			in(peerGo, "p.wire.random, now, p.number,", "p.wire.random, now, p.number + 1,")},
		{"share-silent", "key shares are not compared", wire + "TestRepeatedRandoms",
			in(peerGo, "if p.wire.share != nil {", "if false {")},
		{"share-always", "every key share counts as a repeat", wire + "TestGoodPeers/tls=1.3/key=ecdsa-p256/echo=64",
			in(peerGo, "sha256.Sum256(p.wire.share)", "sha256.Sum256(nil)")},
		{"share-tls12", "those of TLS 1.2 are not compared", wire + "TestRepeatedRandoms",
			in(wireGo, "kind == namedCurve &&", "kind != namedCurve &&")},
	},
	"crash": {
		{"silent", "a worker's death is not reported", suddenEnds + "crash/memory",
			unreported("EVENT_CRASH")},
		{"always", "a worker's good end counts as a crash", cleanMemory,
			in(rank0C, "operation == OP_DONE;", "operation == OP_DONE && false;")},
		{"blames", "the next worker is named", suddenEnds + "crash/memory",
			blamesNext("EVENT_CRASH")},
		{"off-by-one", "the signal's number is one more", suddenEnds + "crash/memory",
			in(rank0C, `%s", WTERMSIG(status),`, `%s", WTERMSIG(status) + 1,`)},
	},
	"crash-rank0": {
		{"silent", "rank 0's death is not reported", trials + "TestRank0IsKilled",
			in(outcomeGo, "stage string, at time.Duration) {", `stage string, at time.Duration) {
	return`)},
		{"always", "rank 0's good end counts as a crash", cleanMemory,
			in(outcomeGo, "if t.died != 0 && o.Events[event.Crash] == 0 {", "if o.Events[event.Crash] == 0 {")},
		{"blames", "a worker is named", trials + "TestRank0IsKilled",
			in(outcomeGo, `o.note(event.Crash, -1, at, fmt.Sprintf("rank 0 killed`, `o.note(event.Crash, 0, at, fmt.Sprintf("rank 0 killed`)},
		{"off-by-one", "the signal's number is one more", trials + "TestRank0IsKilled",
			in(outcomeGo, "int(s), s, stage", "int(s)+1, s+1, stage")},
	},
	"hang": {
		{"silent", "nothing is judged a hang", trials + "TestJudge",
			in(watchdogGo, "case share < blockedShare:", `case true:
		return ""
	case share < blockedShare:`)},
		{"always", "whoever is not idle hangs", cleanMemory,
			in(watchdogGo, "if w.Operation == rig.Idle ||", `if w.Operation != rig.Idle {
			return &hang{worker: i, at: now, detail: "not idle"}
		}
		if w.Operation == rig.Idle ||`)},
		{"blames", "the next worker is named", suddenEnds + "hang/memory",
			in(watchdogGo, "worker: s.worker,", "worker: s.worker + 1,")},
		{"off-by-one", "the limit of processor time is one nanosecond less", trials + "TestJudge",
			in(watchdogGo, "case ran > spin:\n\t\treturn fmt.Sprintf(\"not done", "case ran > spin-1:\n\t\treturn fmt.Sprintf(\"not done")},
		{"blocked-silent", "only a process that spins is judged a hang", trials + "TestJudge",
			in(watchdogGo, "case share < blockedShare:", "case false && share < blockedShare:")},
		{"rank0-late", "a worker is named where rank 0 does not come on", trials + "TestLateHandlerNeverReturns",
			in(watchdogGo, "s.worker = -1", "s.worker = 0")},
		{"lock-unreaped", "who died with the heap's lock has it until it is reaped", trials + "TestLockOfUnreaped",
			in(lockC, "poll(&end, 1, 0) == 1;", "false;")},
		{"lock-polled", "who waits for the heap's lock wakes all the time", trials + "TestWaitersSleep",
			in(lockC, "patience *= 2;", "patience *= 1;")},
	},
	"broken-neighbour": {
		{"silent", "what is in foreign slots is not looked at", oneWorker + "replaced",
			in(foreignC, "if (v != NULL && (v", "if (false && v != NULL && (v")},
		{"always", "every foreign value counts as another's", foreignKeys + "foreign-before:n=5/key-owner",
			in(foreignC, "v->mark != mark_of(i)))", "v->mark != mark_of(i) || true))")},
		{"blames", "the next worker is named", oneWorker + "replaced",
			blamesNext("EVENT_BROKEN_NEIGHBOUR")},
		{"off-by-one", "the first foreign key is not looked at", oneWorker + "replaced",
			in(foreignC, "for (int i = 0; i < made; i++)", "for (int i = 1; i < made; i++)")},
		{"call-silent", "a library's call that never returns is not reported", trials + "TestPythonHurts/python/clear-0-15/broken-neighbour",
			in(neighbourC, `if (lost)
		note_event`, `if (lost && false)
		note_event`)},
		{"call-starved", "who may yet let a library's call go on is not asked for", trials + "TestPythonWaits/for_a_busy_worker",
			in(neighbourC, "slept && !another_is_awake()", "slept && (!another_is_awake() || true)")},
		{"complaint-silent", "what a library says of itself is not reported", trials + "TestPythonComplains",
			in(neighbourC, `note_event(EVENT_BROKEN_NEIGHBOUR, "%s", text);`, "(void)text;")},
	},
	"lost-slot": {
		{"silent", "no lost slot is reported", oneWorker + "lost",
			unreported("EVENT_LOST_SLOT")},
		{"always", "every foreign slot counts as lost", foreignKeys + "foreign-before:n=5/key-owner",
			in(slotsC, "rig.me->slots_forked[key] == slot->value)", "false)")},
		{"blames", "the next worker is named", oneWorker + "lost",
			blamesNext("EVENT_LOST_SLOT")},
		{"off-by-one", "key 0 is not looked at", oneWorker + "lost",
			in(slotsC, "key = 0; key < rig.block->slots_known", "key = 1; key < rig.block->slots_known")},
	},
	"shared-slots": {
		{"silent", "no shared address is counted", probes + "none",
			in(slotsGo, "held && before != worker &&", "held && before != worker && false &&")},
		{"always", "one more is counted than there are", probes + "key-owner",
			in(slotsGo, "return len(shared)", "return len(shared) + 1")},
		{"passed-on", "what a worker gave back before it forked counts as its own", trials + "TestAddressesPassOn",
			in("workload/rig/hazard_worker_forks.c", "rig.me->used = 0;", "")},
		{"blames", "a worker's objects are taken for the next one's", probes + "key-owner",
			in(slotsGo, "hold(uint64(p), i)", "hold(uint64(p), (i+1)%len(b.workers))")},
		{"off-by-one", "an address that two neighbours have does not count", probes + "none",
			in(slotsGo, "held && before != worker &&", "held && before+1 != worker && before != worker &&")},
	},
}

// fieldDetectors read a daemon from outside: its log, its silence and its end.
// Nobody is blamed there.
var fieldDetectors = map[string][]mutant{
	"field-log": {
		{"silent", "no line of the log tells of damage", daemons + "TestReadLine",
			in(logGo, "range damage {", "range damage[:0] {")},
		{"always", "every line tells of a crash", daemons + "TestReadLine",
			in(logGo, "for _, d := range damage {", `return logEntry{"crash", shorten(message(line))}, true
	for _, d := range damage {`)},
		{"blames", "a double free is taken for a wild one", daemons + "TestReadLine",
			in(logGo, "if d.pattern.MatchString(line) {", `if d.pattern.MatchString(line) {
			if d.kind == "double-free" {
				d.kind = "wild-free"
			}`)},
		{"off-by-one", "the last kind of message is not looked for", daemons + "TestReadLine",
			in(logGo, "range damage {", "range damage[:len(damage)-1] {")},
	},
	"field-silence": {
		{"silent", "a daemon that serves nobody is not judged", daemons + "TestSilentDaemon/waits",
			in(daemonGo, "if used < watched/50 {", "if used < watched/50 && false {")},
		{"always", "it is judged before its time", daemons + "TestSilentDaemon/brief",
			in(daemonGo, "if watched < silence {", "if watched < silence && false {")},
		{"processor", "that it wants a processor counts for nothing", daemons + "TestSilentDaemon/works",
			in(daemonGo, "if used < watched/50 {", "if used < watched/50 || true {")},
		{"timers", "many timers together want a processor all the time", daemons + "TestBusiest",
			in(daemonProcessGo, "wanted = max(wanted, u.wanted", "wanted += max(0, u.wanted")},
	},
	"field-exit": {
		{"silent", "the end of the daemon under load is no event", daemons + "TestDaemonEndsUnderLoad",
			in(daemonGo, "exit = t.exit()", "")},
		{"always", "a daemon that is stopped counts as one that ended", daemons + "TestStrategyIsSetUp/serves",
			in(daemonGo, "if t.died {\n\t\texit", "if t.died || true {\n\t\texit")},
		{"off-by-one", "the signal's number is one more", daemons + "TestDaemonEndsUnderLoad/killed",
			in(daemonGo, `killed by signal %d", n)`, `killed by signal %d", n+1)`)},
	},
	"field-disturbed": {
		{"silent", "a process that was stopped from outside hangs", daemons + "TestDaemonIsStopped/at_start",
			in(daemonProcessGo, "if workload.IsStopped(q.PID) {", "if false && workload.IsStopped(q.PID) {")},
		{"always", "what a death cut off counts by itself", daemons + "TestWhatADeathCutsOff",
			in(daemonGo, "cut && (death > 0 ||", "cut && (false ||")},
		{"pause", "a peer that ran late counts", daemons + "TestWhatADeathCutsOff",
			in(daemonGo, "|| t.During", "|| false && t.During")},
		{"traced", "what a tracer saw is no evidence if the harness paused", trials + "TestPausedTrials",
			in(watchdogGo, "t.peers != nil && !t.cfg.Traced():", "t.peers != nil:")},
	},
	"field-hazards": {
		{"silent", "the events of the preload object are not read", daemons + "TestReadLine",
			in(logGo, `strings.CutPrefix(said, "event ")`, `strings.CutPrefix(said, "event: ")`)},
		{"always", "a module that does not load is taken for one that does", daemons + "TestFIPSConfigurationThatDoesNotFit",
			in(daemonHazardsC, "if (chosen == &hazard_fips && !done) {", "if (chosen == &hazard_fips && false) {")},
		{"idle", "no reader uses the provider", daemons + "TestProviderStateInTheDaemon",
			in(daemonHazardsC, "chosen->each(mine);", "(void)mine;")},
	},
}

// fixes are the strategies with their mutants, at least two each.
var fixes = map[string][]mutant{
	"none": {
		{"clears", "the positive control is key-owner", trials + "TestNoneIsDamaged/memory",
			takenFor("none", "key-owner")},
		{"stops-thread", "the positive control is thread-stop", trials + "TestNoneIsDamaged/memory",
			takenFor("none", "thread-stop")},
	},
	"temp-thread": {
		{"in-main-thread", "the main thread initialises OpenSSL", probes + "temp-thread",
			in(tempThreadC, "err = pthread_create(", `return fn(arg), 0;
	err = pthread_create(`)},
		{"first-call-only", "the contexts are made in the main thread", probes + "temp-thread",
			in(tempThreadC, "err = pthread_create(", `static int calls;
	if (calls++ > 0)
		return fn(arg), 0;
	err = pthread_create(`)},
		{"not-joined", "nobody waits for the thread", probes + "temp-thread",
			in(tempThreadC, "pthread_join(thread, NULL)", "pthread_detach(thread)")},
	},
	"clear-0-15": {
		{"one-fewer", "key 15 is left", foreignKeys + "foreign-before:n=40/clear-0-15",
			in(clear015C, `"n", 16);`, `"n", 16) - 1;`)},
		{"one-more", "key 16 is cleared too", foreignKeys + "foreign-before:n=40/clear-0-15",
			in(clear015C, `"n", 16);`, `"n", 16) + 1;`)},
		{"never", "nothing is cleared", probes + "clear-0-15",
			in(clear015C, "clear_below(bound);", ";")},
	},
	"hwm": {
		{"without-plus-one", "the highest filled key is left", foreignKeys + "foreign-before:n=40/hwm",
			in(hwmC, "mark = key + 1;", "mark = key;")},
		{"one-more", "the key above the highest filled one is cleared too", foreignKeys + "foreign-after/hwm",
			in(hwmC, "mark = key + 1;", "mark = key + 2;")},
		{"whole-scan", "empty keys count as filled", foreignKeys + "foreign-after/hwm",
			in(hwmC, "if (pthread_getspecific(key) != NULL)", "if (1)")},
	},
	"thread-stop": {
		{"first-fork-only", "OpenSSL's state is freed before the first fork alone", trials + "TestActsAtEachFork/thread-stop",
			in(threadStopC, `	thread_stop();`, `	static int forks;
	if (forks++ == 0)
		thread_stop();`)},
		{"never", "OpenSSL's state is not freed", probes + "thread-stop",
			in(threadStopC, `	thread_stop();`, `	;`)},
	},
	"pointer-match": {
		{"one-pointer-fewer", "the private generator is not looked for", trials + "TestPointerMatchClearsThree",
			in(pointerMatchC, "n = own_pointers(own);", "n = own_pointers(own) - 1;")},
		{"one-key-fewer", "key 31 is not looked at", pushedOut + "pointer-match",
			in(pointerMatchC, `"scan", 32);`, `"scan", 32) - 1;`)},
	},
	"shm-match": {
		{"not-the-first", "key 0 is not looked at", probes + "shm-match",
			in(shmMatchC, "pthread_key_t key = 0;", "pthread_key_t key = 1;")},
		{"no-lower-bound", "values below the shared heap count as in it", foreignKeys + "foreign-before:n=5/shm-match",
			in(shmMatchC, "value >= from && value < to", "value < to")},
		{"never", "nothing is cleared", probes + "shm-match",
			in(shmMatchC, "clear_slot(key);", ";")},
	},
	"key-owner": {
		{"foreign", "the keys of others are cleared", probes + "key-owner",
			in(keyOwnerC, "keys_of(KEY_OPENSSL", "keys_of(KEY_FOREIGN")},
		{"not-the-first", "OpenSSL's first key is left", probes + "key-owner",
			in(keyOwnerC, "size_t i = 0;", "size_t i = 1;")},
		{"libssl-only", "libcrypto's keys count as another's", trials + "TestHazardsUnderOracle",
			in(opensslC, "load_address == crypto_base || ", "")},
	},
	"host": {
		{"never-early", "a fix that wants to be first is registered after all others", trials + "TestEarlyFixComesFirst",
			in(hostC, "strategy->abi >= 2 && strategy->early", "false")},
		{"child-handler-in-parent", "what the child should do, rank 0 does", foreignKeys + "foreign-before:n=5/hwm",
			in(hostC, `handlers[HANDLER_PARENT] = strategy->parent;
	handlers[HANDLER_CHILD] = strategy->child;`, "handlers[HANDLER_PARENT] = strategy->child;")},
		{"prepare-handler-in-child", "what rank 0 should do, the child does", probes + "thread-stop",
			in(hostC, "handlers[HANDLER_PREPARE] = strategy->prepare;", "", "handlers[HANDLER_CHILD] = strategy->child;", "handlers[HANDLER_CHILD] = strategy->prepare;")},
	},
}
