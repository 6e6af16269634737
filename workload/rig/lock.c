/* lock.c: the slow paths of lock.h. */
#include "lock.h"

#include "rig.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 200, LOOK_AFTER_NS = 20 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

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
static bool sleep_on(struct lock *lock, uint32_t seen, uint64_t ns)
{
	struct timespec wait = {(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};

	return syscall(SYS_futex, &lock->word, FUTEX_WAIT, seen, &wait, NULL, 0) != 0 && errno == ETIMEDOUT;
}

/* Whether a process has ended, reaped or not. */
static bool has_ended(pid_t pid)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool ended;

	if (end.fd < 0)
		return kill(pid, 0) != 0 && errno == ESRCH;
	ended = poll(&end, 1, 0) == 1;
	close(end.fd);
	return ended;
}

/*
 * Rank 0 frees the lock when it reaps a dead worker (lock_bury). It may not come
 * to that: before a fork it may itself wait for whoever waits here, with one of
 * OpenSSL's locks in its hand.
 */
static bool take_from_dead(struct lock *lock, uint32_t seen, uint32_t self)
{
	uint32_t holder = seen & ~(uint32_t)LOCK_WAITERS;

	if (!has_ended((pid_t)holder))
		return false;
	if (!__atomic_compare_exchange_n(&lock->word, &seen, self | LOCK_WAITERS, false, __ATOMIC_ACQUIRE,
		    __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&lock->dead, holder, __ATOMIC_RELAXED);
	__atomic_fetch_add(&rig.block->lock_recovered, 1, __ATOMIC_RELAXED);
	return true;
}

/*
 * Each look at the holder is twice as far from the last: whoever waits for a
 * holder that never gives the lock is to be seen to sleep by the watchdog, on a
 * machine too where every waking waits for a processor.
 */
void lock_wait(struct lock *lock, uint32_t self)
{
	uint64_t patience = LOOK_AFTER_NS;

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
		if (!sleep_on(lock, marked, patience)) {
			patience = LOOK_AFTER_NS;
			continue;
		}
		if (take_from_dead(lock, marked, self))
			return;
		patience *= 2;
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
	return __atomic_load_n(&lock->dead, __ATOMIC_RELAXED) == pid;
}
