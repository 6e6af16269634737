/*
 * heap.h: the shared heap behind CRYPTO_set_mem_functions().
 */
#ifndef TLSBENCH_HEAP_H
#define TLSBENCH_HEAP_H

#include "block.h"
#include "openssl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps the heap in rank 0, for it and the workers it will fork. */
void heap_open(enum heap_policy policy, uint64_t bytes, uint32_t workers);

/* Under the policy traced: where the tracer's pages begin, behind the heap itself. */
void *heap_traced(void);

/* In a new worker: from here on it uses its own part of the heap. */
void heap_enter(uint32_t worker);

/* The shared heap's; a bad free is an event, not a crash. */
extern const struct allocator heap_allocator;

bool heap_contains(const void *p);

enum { HEAP_NO_BLOCK = -2 };

/* The worker that took a block, -1 for rank 0; HEAP_NO_BLOCK if p is not a block in use. */
int heap_owner(const void *p);

/* Makes a block another process's, for heap_owner and the events of the block. */
void heap_set_owner(void *p, int worker);

/* Bytes that this process took, less what it freed, since it was forked. */
int64_t heap_live(void);

/* Takes the heap's lock and keeps it: the caller is going to die with it. */
void heap_hold(void);

/* Whether this process is in the heap, with its lock held. */
bool heap_locked_here(void);

/* A process was reaped: frees the lock that it died with, unless a waiter has taken it; true if it died with it. */
bool heap_bury(uint32_t pid);

#endif
