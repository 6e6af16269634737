/*
 * forkloop.h: rank 0 of a fork trial, once it is set up like any other.
 *
 * The paired loop alternates in random order between forks under the strategy
 * and forks with its handlers masked, from the same rank 0, so that both meet
 * the same state of the kernel. A child under the strategy goes on to its first
 * random draw and its first handshake; a masked one only ends. Until the parent
 * has its time, both wait: what a child does then is in no fork's time, on one
 * processor either. The sustained loop counts forks a second, the child's end
 * and its reaping included.
 */
#ifndef TLSBENCH_FORKLOOP_H
#define TLSBENCH_FORKLOOP_H

#include "contexts.h"
#include "forkblock.h"

/*
 * Begins when the harness says so; the children are the last worker and have
 * its contexts. Returns when all is done, or when a fork failed or a child did
 * not end well.
 */
void fork_loop_run(const struct contexts *contexts);

/* One fork, as parent and child see it. */
struct fork_try {
	struct fork_record *record;
	uint64_t began;
	uint64_t times[HANDLERS]; /* cold */
	uint32_t number;
	bool masked;
};

/*
 * A warm handler is one that ran just before: its pages are this process' own,
 * its code and data in the caches. One that takes less than WARM_SHORT ticks
 * runs more times, for the steps of the counter to even out; one that takes
 * WARM_LONG allocates, and may not give back: it runs fewer times.
 */
enum { WARM_SHORT = 500, WARM_LONG = 10000 };
enum { WARM_SHORT_RUNS = 128, WARM_RUNS = 32, WARM_LONG_RUNS = 4 };

/* forkwarm.c */

/*
 * Times some of the handlers, of which the strategy may have none; which has a
 * bit for each enum handler. refill, outside the time, makes this thread's
 * slots what they are before a fork.
 */
void fork_warm(struct fork_record *record, uint32_t which, void (*refill)(void));

/* forkchild.c */

/* Rank 0's slots as they are now; the child's warm handler finds them again. */
void fork_child_prepare(void);

/* What a child does between fork() and its end. */
_Noreturn void fork_child(const struct fork_try *try, const struct contexts *contexts);

#endif
