/*
 * fault.h: damage made on purpose, to see that the detectors find it. A trial
 * with a fault is not a measurement of a strategy.
 *
 * Faults come at random times that know nothing of handshakes and checks: each
 * worker has its own seed. A fault whose time has come strikes at the next point
 * of the worker's way. These points are dense: every allocation of OpenSSL's is
 * one, some thousand for each handshake. A fault that has a place of its own, as
 * what a read returned, strikes there.
 */
#ifndef TLSBENCH_FAULT_H
#define TLSBENCH_FAULT_H

#include "heap.h"

/*
 * In rank 0, when OpenSSL has been loaded and before it is set up. If the trial
 * has a fault: puts the faults' wrappers around the allocator and into the table
 * of OpenSSL's functions, and arms each new worker.
 */
void fault_install(struct allocator *allocator);

/* faultrace.c: blocks to race on, and a worker's use of them. */
void fault_race_prepare(const struct allocator *allocator);
void fault_race_act(void);

#endif
