/*
 * heap.h: the shared heap behind CRYPTO_set_mem_functions().
 */
#ifndef TLSBENCH_HEAP_H
#define TLSBENCH_HEAP_H

#include "block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps the heap in rank 0, for it and the workers it will fork. */
void heap_open(enum heap_policy policy, uint64_t bytes, uint32_t workers);

/* Under the policy traced: where the tracer's pages begin, behind the heap itself. */
void *heap_traced(void);

/* In a new worker: from here on it uses its own part of the heap. */
void heap_enter(uint32_t worker);

/* OpenSSL's three functions; a bad free is an event, not a crash. */
void *heap_malloc(size_t size, const char *file, int line);
void *heap_realloc(void *p, size_t size, const char *file, int line);
void heap_free(void *p, const char *file, int line);

bool heap_contains(const void *p);

/* Bytes that this process took, less what it freed, since it was forked. */
int64_t heap_live(void);

/* Calls that this process made; it tells what happened right after what. */
uint64_t heap_calls(void);

/* For faults: blocks taken from now on are this worker's. */
void heap_pretend(int worker);

/* Takes the heap's lock and keeps it, for a fault. */
void heap_hold(void);

/* Whether this process is in the heap, with its lock held. */
bool heap_locked_here(void);

/* Rank 0 reaped a process: frees the lock and says so if it died inside it. */
bool heap_bury(uint32_t pid);

#endif
