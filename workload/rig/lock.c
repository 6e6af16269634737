/* lock.c: the slow paths of lock.h. */
#include "lock.h"

#include "rig.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 200, LOOK_AFTER_NS = 20 * 1000 * 1000 };

/* Tells the processor that this is a spin loop. */
static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool try_take(struct lock *lock, uint32_t value)
{
	uint32_t idle = 0;

	return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
	       __atomic_compare_exchange_n(&lock->word, &idle, value, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* True if the time ran out. */
static bool sleep_on(struct lock *lock, uint32_t seen)
{
	struct timespec wait = {0, LOOK_AFTER_NS};

	return syscall(SYS_futex, &lock->word, FUTEX_WAIT, seen, &wait, NULL, 0) != 0 && errno == ETIMEDOUT;
}

/*
 * A dead worker is a process, if an undead one, until rank 0 has reaped it, and
 * rank 0 frees the lock then (lock_bury). This is for what it could not see:
 * a holder that is gone for good.
 */
static bool take_from_dead(struct lock *lock, uint32_t seen, uint32_t self)
{
	uint32_t holder = seen & ~(uint32_t)LOCK_WAITERS;

	if (kill((pid_t)holder, 0) == 0 || errno != ESRCH)
		return false;
	if (!__atomic_compare_exchange_n(&lock->word, &seen, self | LOCK_WAITERS, false, __ATOMIC_ACQUIRE,
		    __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_add(&rig.block->lock_recovered, 1, __ATOMIC_RELAXED);
	return true;
}

void lock_wait(struct lock *lock, uint32_t self)
{
	for (int i = 0; i < SPINS; i++) {
		if (try_take(lock, self))
			return;
		relax();
	}
	/* Whoever has slept must assume that others still sleep. */
	while (!try_take(lock, self | LOCK_WAITERS)) {
		uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
		uint32_t marked = seen | LOCK_WAITERS;

		if (seen == 0)
			continue;
		if (seen != marked && !__atomic_compare_exchange_n(&lock->word, &seen, marked, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED))
			continue;
		if (sleep_on(lock, marked) && take_from_dead(lock, marked, self))
			return;
	}
}

void lock_wake(struct lock *lock)
{
	syscall(SYS_futex, &lock->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool lock_bury(struct lock *lock, uint32_t pid)
{
	uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);

	/* A waiter may mark it meanwhile, or find the holder dead and take it. */
	while ((seen & ~(uint32_t)LOCK_WAITERS) == pid) {
		if (!__atomic_compare_exchange_n(&lock->word, &seen, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_add(&rig.block->lock_recovered, 1, __ATOMIC_RELAXED);
		lock_wake(lock);
		return true;
	}
	return false;
}
