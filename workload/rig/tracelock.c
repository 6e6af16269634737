/*
 * tracelock.c: the locks that this thread holds, as the interposed functions
 * report them. Only a lock in memory that the processes share keeps one of them
 * out; a lock held for reading is not an exclusive one.
 */
#include "rig.h"
#include "trace.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>

enum { HELD = 64, RANGES = 64 };

/* Read in a signal handler: no allocation at first use. */
#define OF_THREAD static __thread __attribute__((tls_model("initial-exec")))

struct held {
	const volatile void *lock;
	enum trace_mode mode;
};

OF_THREAD struct held held[HELD];
OF_THREAD uint32_t count, depth;

bool trace_on;

/* Mappings that processes share. */
static struct {
	uintptr_t from, to;
} shared[RANGES];
static uint32_t ranges;

bool trace_shared_memory(const volatile void *p)
{
	for (uint32_t i = 0; i < ranges; i++) {
		if ((uintptr_t)p >= shared[i].from && (uintptr_t)p < shared[i].to)
			return true;
	}
	return false;
}

void trace_survey_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	if (maps == NULL)
		FAIL(errno, "read /proc/self/maps, for the memory that processes share");
	ranges = 0;
	while (ranges < RANGES && fgets(line, sizeof line, maps) != NULL) {
		/* As in proc(5): "from-to rwxs ...", the s for what is shared. */
		char *flags;
		unsigned long from = strtoul(line, &flags, 16);
		unsigned long to = *flags == '-' ? strtoul(flags + 1, &flags, 16) : 0;

		if (to <= from || strlen(flags) < 5 || flags[4] != 's' || flags[2] != 'w')
			continue;
		if (ranges > 0 && shared[ranges - 1].to == from) {
			shared[ranges - 1].to = to;
			continue;
		}
		shared[ranges].from = from;
		shared[ranges++].to = to;
	}
	fclose(maps);
}

void trace_lock_enter(void)
{
	depth++;
}

void trace_lock_leave(void)
{
	depth--;
}

bool trace_in_lock(void)
{
	return depth > 0;
}

void trace_lock_taken(const volatile void *lock, enum trace_mode mode)
{
	if (count < HELD)
		held[count++] = (struct held){lock, mode};
}

void trace_lock_given(const volatile void *lock)
{
	for (uint32_t i = count; i-- > 0;) {
		if (held[i].lock != lock)
			continue;
		for (count--; i < count; i++)
			held[i] = held[i + 1];
		return;
	}
}

uint32_t trace_locks_held(uint64_t *locks, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = count; i-- > 0 && n < max;) {
		if (held[i].mode == TRACE_EXCLUSIVE && trace_shared_memory(held[i].lock))
			locks[n++] = (uint64_t)(uintptr_t)held[i].lock;
	}
	return n;
}
