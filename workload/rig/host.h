/*
 * host.h: the host of the strategy under test: finds it, gives it its context,
 * and calls it at its five points.
 */
#ifndef TLSBENCH_HOST_H
#define TLSBENCH_HOST_H

#include "forkblock.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds the strategy by name, or loads the user's shared object; registers the
 * at-fork handlers of one that wants to be early.
 */
void host_load(void);

/* The function that the strategy needs and this OpenSSL lacks, NULL if it has all. */
const char *host_missing(void);

/* Where the shared heap lies, for the strategy's context. */
void host_heap(const void *from, const void *to);

/* Runs fn as the strategy wants functions run that may initialise OpenSSL. */
void host_initialise(void (*fn)(void *arg), void *arg);

/* Whether the strategy has functions run elsewhere than in rank 0's thread. */
bool host_initialises_elsewhere(void);

/* After set-up: the strategy's own set-up, then its at-fork handlers if they are not there yet. */
void host_after_setup(void);

/* Which at-fork handlers the strategy has, a bit for each enum handler. */
uint32_t host_handlers(void);

/* From here on forks run the strategy's handlers, or they do not. */
void host_mask(bool masked);

/* Where the handlers' time is noted, in ticks; NULL, as it is at first: nowhere. */
extern uint64_t *host_times;

/* Runs a handler without a fork and gives its time; 0 if there is none. */
uint64_t host_repeat(enum handler handler);

#endif
