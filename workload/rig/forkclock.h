/*
 * forkclock.h: the clock of fork trials. Where the time-stamp counter is
 * invariant and the kernel itself keeps time by it, that is read directly: in
 * a fresh child the first clock_gettime() takes a page fault on the vDSO, which
 * a fork does not map in. Elsewhere it is CLOCK_MONOTONIC.
 */
#ifndef TLSBENCH_FORKCLOCK_H
#define TLSBENCH_FORKCLOCK_H

#include "rig.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

extern bool fork_clock_tsc;

/* Chooses the clock and measures what reading it costs. */
void fork_clock_open(void);

/* Notes both clocks, to turn ticks into nanoseconds. */
void fork_clock_moment(struct fork_moment *moment);

/*
 * Fenced on both sides: nothing that is to be timed may run before the first
 * reading or after the second.
 */
static inline uint64_t fork_ticks(void)
{
#if defined(__x86_64__)
	if (fork_clock_tsc) {
		uint64_t ticks;

		_mm_lfence();
		ticks = __rdtsc();
		_mm_lfence();
		return ticks;
	}
#endif
	return now_ns();
}

#endif
