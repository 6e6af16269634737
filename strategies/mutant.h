/*
 * mutant.h: code that is wrong on purpose, to see that a test turns red. Built
 * with the Go tag "mutants" all mutants are there, and the environment variable
 * TLSBENCH_MUTANT names the one that lives; rank 0 and the workers inherit it.
 * In every other build MUTANT() is the constant 0, and the compiler drops what
 * depends on it, the name too.
 *
 * workload/mutants_table_test.go lists them all, with the tests that kill each.
 */
#ifndef TLSBENCH_MUTANT_H
#define TLSBENCH_MUTANT_H

#ifdef TLSBENCH_MUTANTS

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool mutant_lives(const char *name)
{
	static const char *living;

	if (living == NULL)
		living = getenv("TLSBENCH_MUTANT");
	if (living == NULL)
		living = "";
	return strcmp(living, name) == 0;
}

/* A place of its own for each use: whether it was passed before. */
static inline bool mutant_first(const char *name, bool *passed)
{
	bool first = !*passed && mutant_lives(name);

	*passed = true;
	return first;
}

#define MUTANT(name) mutant_lives(name)

/* True once in a process, the first time that it is asked. */
#define MUTANT_ONCE(name)                      \
	(__extension__({                       \
		static bool passed;            \
		mutant_first((name), &passed); \
	}))

#else

#define MUTANT(name) 0
#define MUTANT_ONCE(name) 0

#endif

#endif
