/*
 * rig.h: what the rig's files share: the block, failures and events, time.
 */
#ifndef TLSBENCH_RIG_H
#define TLSBENCH_RIG_H

#include "block.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* This process's place: -1 in rank 0, else the worker's number. */
struct rig {
	struct block *block;
	const struct config *config;
	struct worker *workers;
	struct worker *me; /* NULL in rank 0 */
	int worker;
	uint32_t pid;
	uint32_t rank0;
};

extern struct rig rig;

/* report.c */

/* The rig itself cannot go on: records where and why, and ends the process. */
#define FAIL(error, ...) fail_at(__FILE__, __LINE__, (error), __VA_ARGS__)
_Noreturn void fail_at(const char *file, int line, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Exit status of a rig process that recorded a failure. */
enum { EXIT_FAILED = 3, EXIT_LAYOUT = 4, EXIT_NOT_APPLICABLE = 5, EXIT_SKIPPED = 6 };

/* A detector noticed damage. */
void note_event(enum event_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note_event_of(int worker, enum event_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* main entry of each mode */
_Noreturn void run_rank0(void);      /* rank0.c */
_Noreturn void run_plain(void);      /* plain.c */
_Noreturn void run_fork_plain(void); /* forkplain.c */

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* splitmix64 (Steele, Lea and Flood, 2014): small, and any seed will do. */
static inline uint64_t split_mix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Counters have one writer; readers in other processes see whole values. */
static inline void bump(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

#endif
