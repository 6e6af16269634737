/*
 * fault.h: damage made on purpose, to see that the detectors find it. A trial
 * with a fault is no measurement of a strategy.
 *
 * Faults come at random times that know nothing of handshakes and checks: each
 * worker has its own seed. A fault whose time has come strikes at the next point
 * of the worker's way. These points are dense: every allocation of OpenSSL's is
 * one, some thousand for each handshake.
 */
#ifndef TLSBENCH_FAULT_H
#define TLSBENCH_FAULT_H

#include "rig.h"

/* In a new worker, once its slots hold what the strategy left there. */
void fault_after_fork(void);

/* What fault_point calls. */
void fault_strike(const char *file);

/*
 * A point at which any fault may strike that is not tied to a place. file is
 * the caller's, as OpenSSL's allocations give it, or NULL.
 */
static inline void fault_point(const char *file)
{
	if (rig.config->fault != FAULT_NONE)
		fault_strike(file);
}

/*
 * For a fault that can come at one place alone: whether it is to happen there
 * now; counts it as injected if so. other is for the record, see block.h.
 */
bool fault_due(enum fault fault, int other);

/* Whether the fault's time has come, without counting it. */
bool fault_waits(enum fault fault);

/* Another worker, by chance; this one where there is no other. */
int fault_other_worker(void);

/* A number below n, for what is left to chance in a fault. */
uint64_t fault_random(uint64_t n);

#endif
