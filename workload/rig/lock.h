/*
 * lock.h: a process-shared futex lock that knows its holder, so that a holder's
 * death is noticed and does not stop the others for ever.
 */
#ifndef TLSBENCH_LOCK_H
#define TLSBENCH_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
	uint32_t word; /* 0, or the holder's process id, with LOCK_WAITERS */
	uint32_t dead; /* the last one that a waiter found dead with it */
};

void lock_wait(struct lock *lock, uint32_t self);
void lock_wake(struct lock *lock);

/* Frees the lock that a process died with, or finds that a waiter has taken it since; false if it did not die with it. */
bool lock_bury(struct lock *lock, uint32_t pid);

enum { LOCK_WAITERS = 1u << 30 };

static inline void lock_take(struct lock *lock, uint32_t self)
{
	uint32_t idle = 0;

	if (!__atomic_compare_exchange_n(&lock->word, &idle, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_wait(lock, self);
}

static inline void lock_give(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) & LOCK_WAITERS)
		lock_wake(lock);
}

#endif
