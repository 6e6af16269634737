/*
 * neighbour.h: what the hazards that are real libraries share: loading one by
 * its file, and calling it in a worker so that a call that never comes back is
 * an event and not the end of the trial.
 */
#ifndef TLSBENCH_NEIGHBOUR_H
#define TLSBENCH_NEIGHBOUR_H

#include <stdbool.h>

/* Loads the library that the harness found; a missing one skips the trial. */
void *neighbour_open(const char *text);

/* A function of it; a missing one skips the trial. */
void *neighbour_symbol(void *library, const char *name);

/*
 * Runs fn(arg) in a worker. The call is abandoned if it is still not done after
 * limit_ms and, where it can wait for nobody but the rig (local), has then slept for a
 * second while all of the rig did; and after 15 s in any case. An event is noted then,
 * and every later call refused: what the library holds, it holds for ever. Returns
 * what fn does, false if it was not or will not be done.
 */
bool neighbour_call(const char *what, bool local, unsigned limit_ms, bool (*fn)(void *arg), void *arg);

/* The neighbour itself says that it does not work. In a worker only. */
void neighbour_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
