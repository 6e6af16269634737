package workload

// The tracer's files that are edited.
const (
	traceC     = "workload/rig/trace.c"
	traceLockC = "workload/rig/tracelock.c"
	traceRaceC = "workload/rig/tracerace.c"
	traceStepC = "workload/rig/tracestep.c"
	traceCallC = "workload/rig/tracecalls.c"
	locksC     = "workload/rig/locks.c"

	tracingC = "workload/daemon/inject/tracing.c"

	races    = trials + "TestInjectedRaces/"
	preloads = daemons + "TestPreloadTraces"
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
			in(traceC, "__ATOMIC_RELAXED), __ATOMIC_RELAXED);\n\ttrace_close_all();", "__ATOMIC_RELAXED), __ATOMIC_RELAXED);")},
		{"free-no-write", "a free is no write", races + "race-free",
			in(traceC, "\ttrace_touch_block(block, TRACE_FREE,", "\tif (line < 0)\n\ttrace_touch_block(block, TRACE_FREE,")},
		{"atomic-ignored", "an atomic instruction is one like any other", races + "race-atomic",
			in(traceStepC, "return code[i] == 0x86 || code[i] == 0x87;", "return false;", "case 0xf0:\n\t\t\treturn true;", "case 0xf0:\n\t\t\treturn false;")},
		{"reads-unseen", "no block is closed to reads", races + "race-read$",
			in(traceRaceC, "if (block->verdict == TRACE_RACED || block->has_lock || block->lock_only)", "if (block != NULL)")},
		{"one-page-opened", "of a block's pages the first alone is opened and closed", races + "race-pages",
			in(traceStepC, "(size_t)block->pages * TRACE_PAGE, protection", "(size_t)TRACE_PAGE, protection")},
		{"signal-in-a-step", "signals come between the instruction and its trap", races + "race-signal",
			in(traceStepC, "sigfillset(&context->uc_sigmask);", "")},
		{"signals-blocked", "a process may block the tracer's signals", races + "race-masked",
			in(traceCallC, "if (tracer.record == NULL)\n\t\treturn;\n\tsigdelset", "return;\n\tsigdelset")},
		{"call-not-opened", "a buffer stays closed to the kernel", races + "race-kernel$",
			in(traceStepC, "\ttrace_open_block(block);\n}\n\nvoid trace_kernel_closes", "}\n\nvoid trace_kernel_closes")},
		{"buffers-not-opened", "listed buffers stay closed to the kernel", races + "race-kernel$",
			in(traceCallC, "trace_kernel_opens(list[i].iov_base, list[i].iov_len, writes, caller);", "(void)i;")},
		{"call-not-closed", "a buffer is left open after the call", races + "race-kernel$",
			in(traceStepC, "\tif (block != NULL)\n\t\tshut_block(block);", "")},
		{"kernel-reads-unseen", "what a system call reads is no read", races + "race-kernel-read",
			in(traceStepC, "TRACE_KERNEL | (writes ? 0 : TRACE_READ)", "TRACE_KERNEL | (writes ? 0 : TRACE_IN_LOCK)")},
		{"own-blocks-untraced", "a worker's own blocks are not traced", races + "race-child",
			in(traceC, "|| tracer.self < tracer.children;", ";")},
		{"child-is-its-parent", "a worker's child counts as the worker", races + "race-child",
			in(traceC, "tracer.self = tracer.children + worker;", "")},
		{"write-lock-ignored", "a lock held for writing counts as held for reading", races + "race-write-locked",
			in(locksC, "TAKE(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), TRACE_EXCLUSIVE)", "TAKE(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), TRACE_SHARED)")},
		{"spin-lock-ignored", "spin locks are not followed", races + "race-spin-locked",
			in(locksC, "TAKE(pthread_spin_lock, (pthread_spinlock_t * lock), (lock), TRACE_EXCLUSIVE)", "")},
		{"lock-lost-in-wait", "the lock is not held again after a wait", races + "race-waited",
			in(locksC, "trace_lock_given(lock), trace_lock_taken(lock, TRACE_EXCLUSIVE))", "trace_lock_given(lock), (void)0)")},
		{"forks-unnumbered", "in any program: all of its children are one process", preloads,
			in(tracingC, "trace_in_child(next_number);", "trace_in_child(0);")},
		{"dead-count", "a worker that has ended counts as one that lives", preloads,
			in(traceC, "errno == ESRCH)", "errno == 0)")},
		{"no-second-pass", "in any program: reads are never looked for", preloads,
			in(tracingC, "\ttrace_second_pass();", "")},
		{"signal-kept", "in any program: its own handler of SIGUSR2 is not called", preloads,
			in(tracingC, "\ttrace_pass_on(number, info, context);", "")},
	},
}
