/*
 * forkblock.h: the part of the control block that fork trials use.
 *
 * Layout: struct config has a struct fork_config, struct block a struct
 * fork_state, and the file ends with one struct fork_record for each fork that
 * was timed. Durations are in ticks of the clock that struct fork_state names;
 * the two points in time it keeps turn ticks into nanoseconds.
 */
#ifndef TLSBENCH_FORKBLOCK_H
#define TLSBENCH_FORKBLOCK_H

#include <stdint.h>

/* The at-fork handlers of a strategy, in the order they run. */
enum handler { HANDLER_PREPARE = 0, HANDLER_PARENT, HANDLER_CHILD, HANDLERS };

/* What a fork is made with; a masked one runs none of the strategy's handlers. */
enum fork_arm { ARM_STRATEGY = 0, ARM_MASKED, FORK_ARMS };

enum fork_clock { FORK_CLOCK_MONOTONIC = 0, FORK_CLOCK_TSC = 1 };

enum { FORK_CLOCK_READS = 1001, MAX_FORK_KEYS = 1000 };

/* Warm handlers are means of several runs, in this part of a tick. */
enum { FORK_WARM_SCALE = 256 };

struct fork_config {
	uint64_t pairs;     /* forks in each arm, each with its record */
	uint64_t sustained; /* forks in each arm of the sustained loop */
	uint64_t limit_ns;  /* of both loops; 0 = none */
	uint64_t memory;    /* private memory that rank 0 is brought up to; 0 = left as it is */
	uint32_t keys;      /* filled keys besides OpenSSL's */
	uint32_t huge_pages;
	uint32_t same_arms; /* both arms are the strategy: a comparison with itself */
	uint32_t reserved;
};

/* One fork; a duration of 0 was not taken. */
struct fork_record {
	uint32_t arm;
	uint32_t complete; /* the child did all it was to do and was reaped */
	uint64_t fork;     /* in the parent: fork(), handlers included */
	uint64_t ready;    /* from before fork() to its return in the child */
	uint64_t cold[HANDLERS];
	uint64_t warm[HANDLERS];                /* in 1/FORK_WARM_SCALE of a tick */
	uint64_t first_random, first_handshake; /* in the child */
};

struct fork_moment {
	uint64_t ns, ticks;
};

struct fork_sum {
	uint64_t forks, ticks; /* from before fork() to after the reaping */
};

struct fork_state {
	uint64_t records; /* complete ones */
	uint32_t go;      /* number of the fork whose child may go on; a futex */
	uint32_t clock;
	uint32_t handlers; /* bit mask of those the strategy has */
	struct fork_moment begin, end;
	uint32_t clock_ticks[FORK_CLOCK_READS]; /* two readings, one right after the other */
	uint64_t private_bytes, huge_bytes;     /* of rank 0 as the loop began */
	struct fork_sum sustained[FORK_ARMS];
	int32_t error;        /* errno of the fork() that failed */
	int32_t child_status; /* of a child that did not end well, as of waitpid */
};

#endif
