/*
 * locks.h: which of the locks that libraries initialise work across processes.
 */
#ifndef TLSBENCH_LOCKS_H
#define TLSBENCH_LOCKS_H

#include "block.h"

/* Sharing of locks initialised from here on; until then calls pass through. */
void locks_share(enum lock_sharing sharing);

/* Calls fn whenever this process has taken a lock exclusively; NULL: no more. */
void locks_follow(void (*fn)(const volatile void *lock));

#endif
