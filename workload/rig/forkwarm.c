/*
 * forkwarm.c: the warm handlers of a fork trial: the same work as at the fork,
 * once more and again in the same process, on rank 0's slots.
 *
 * A handler that clears two slots takes as long as reading the clock twice, and
 * a virtual machine's counter may step by ten nanoseconds. So the time kept is
 * the mean of several runs, less the mean of as many runs of a handler that
 * does nothing, timed the same way and in turn with them.
 */
#include "forkclock.h"
#include "forkloop.h"
#include "host.h"
#include "rig.h"

/* In ticks. Doing nothing takes this long only if an interrupt came between. */
enum { INTERRUPTED = 1000, TRIES = 4 };

enum { PAGE = 4096, AHEAD = 256 * 1024, BEHIND = 64 * 1024 };

struct warm {
	uint64_t handler[HANDLERS], nothing[HANDLERS]; /* sums of ticks */
};

static void do_nothing(void) {}

/* Volatile, as the strategy's own handlers are out of the compiler's sight. */
static void (*volatile nothing)(void) = do_nothing;

/*
 * Taken again after an interrupt: the mean would be above the handler's, and the
 * lowest values of a trial be those that were interrupted here.
 */
static uint64_t time_nothing(void)
{
	uint64_t ticks = INTERRUPTED;

	for (int i = 0; i < TRIES && ticks >= INTERRUPTED; i++) {
		uint64_t began = fork_ticks();

		nothing();
		ticks = fork_ticks() - began;
	}
	return ticks;
}

/* Runs the handlers once, and gives the time in all of them. */
static uint64_t run(uint32_t which, void (*refill)(void), struct warm *warm)
{
	uint64_t sum = 0;

	refill();
	for (uint32_t i = 0; i < HANDLERS; i++) {
		uint64_t ticks;

		if ((which & (1u << i)) == 0)
			continue;
		warm->nothing[i] += time_nothing();
		ticks = host_repeat((enum handler)i);
		warm->handler[i] += ticks;
		sum += ticks;
	}
	return sum;
}

/*
 * A handler that makes OpenSSL allocate takes new memory at each run, and a
 * fork maps nothing of a shared heap: the pages that come next are touched.
 * What is there stays as it is, others may be using it.
 */
static void touch_heap(void)
{
	uint64_t used = rig.block->heap_from + __atomic_load_n(&rig.block->heap_used, __ATOMIC_RELAXED);
	uint64_t from = used - rig.block->heap_from > BEHIND ? used - BEHIND : rig.block->heap_from;
	uint64_t to = rig.block->heap_to - used > AHEAD ? used + AHEAD : rig.block->heap_to;

	for (uint64_t at = from; at < to; at += PAGE)
		(void)__atomic_fetch_or((unsigned char *)(uintptr_t)at, 0, __ATOMIC_RELAXED);
}

/* Never 0: that would say that the handler did not run. */
static uint64_t mean(uint64_t handler, uint64_t without, uint32_t runs)
{
	uint64_t net = handler > without ? (handler - without) * FORK_WARM_SCALE / runs : 0;

	return net > 0 ? net : 1;
}

void fork_warm(struct fork_record *record, uint32_t which, void (*refill)(void))
{
	struct warm warm = {0};
	uint32_t runs, wanted;
	uint64_t ticks;

	which &= rig.block->fork.handlers;
	if (which == 0)
		return;
	/* Not counted: each page that a handler writes is copied first. */
	(void)run(which, refill, &warm);
	ticks = run(which, refill, &warm);
	wanted = ticks < WARM_SHORT ? WARM_SHORT_RUNS : WARM_RUNS;
	if (ticks >= WARM_LONG) {
		wanted = WARM_LONG_RUNS;
		touch_heap();
	}
	warm = (struct warm){0};
	for (runs = 0; runs < wanted; runs++)
		(void)run(which, refill, &warm);
	for (uint32_t i = 0; i < HANDLERS; i++) {
		if ((which & (1u << i)) != 0)
			record->warm[i] = mean(warm.handler[i], warm.nothing[i], runs);
	}
}
