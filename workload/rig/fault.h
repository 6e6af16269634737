/*
 * fault.h: damage made on purpose, to see that the detectors find it. A trial
 * with a fault is no measurement of a strategy.
 */
#ifndef TLSBENCH_FAULT_H
#define TLSBENCH_FAULT_H

#include "rig.h"

/* Whether this fault is to happen now; counts it as injected if so. */
bool fault_due(enum fault fault);

/* Faults at the end of a handshake: the heap's, and a process's sudden end. */
void fault_after_handshake(void);

#endif
