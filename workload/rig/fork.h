/*
 * fork.h: what rank 0 hands to a worker at the fork.
 */
#ifndef TLSBENCH_FORK_H
#define TLSBENCH_FORK_H

#include "contexts.h"

_Noreturn void run_worker(int listener, struct contexts *contexts);

#endif
