package workload

// The tracer's files that are edited.
const (
	traceC     = "workload/rig/trace.c"
	traceLockC = "workload/rig/tracelock.c"
	traceRaceC = "workload/rig/tracerace.c"
	traceStepC = "workload/rig/tracestep.c"

	races = trials + "TestInjectedRaces/"
)

// tracers are the mutants of the tracer.
var tracers = map[string][]mutant{
	"tracer": {
		{"lock-ignored", "no lock is held", races + "race-locked",
			in(traceStepC, "touch.nlocks = trace_locks_held(touch.locks, TRACE_LOCKS);", "touch.nlocks = 0;")},
		{"read-lock-counts", "a lock held for reading counts as an exclusive one", races + "race-read-locked",
			in(traceLockC, "held[i].mode == TRACE_EXCLUSIVE && ", "")},
		{"second-writer-ignored", "all workers are the first", races + "race$",
			in(traceC, "tracer.self = worker;", "tracer.self = 0;")},
		{"page-left-open", "a block stays open after the first write", races + "race-late",
			in(traceStepC, "\t\tstep(block, context);", "\t\t(void)step;")},
		{"rank-0-not-traced", "rank 0 closes nothing", races + "race-rank0",
			in(traceC, "&tracer.record->forks, 1, __ATOMIC_RELAXED);\n\ttrace_close_all();", "&tracer.record->forks, 1, __ATOMIC_RELAXED);")},
		{"free-no-write", "a free is no write", races + "race-free",
			in(traceC, "\ttrace_touch_block(block, TRACE_FREE,", "\tif (line < 0)\n\ttrace_touch_block(block, TRACE_FREE,")},
		{"atomic-ignored", "an atomic instruction is one like any other", races + "race-atomic",
			in(traceStepC, "return code[i] == 0x86 || code[i] == 0x87;", "return false;", "case 0xf0:\n\t\t\treturn true;", "case 0xf0:\n\t\t\treturn false;")},
		{"reads-unseen", "no block is closed to reads", races + "race-read$",
			in(traceRaceC, "if (block->verdict == TRACE_RACED || block->has_lock || block->lock_only)", "if (block != NULL)")},
	},
}
