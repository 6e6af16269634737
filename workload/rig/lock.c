/* lock.c: the slow paths of lock.h. */
#include "lock.h"

#include "rig.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same on every architecture; headers before Linux 5.3 lack it */
#endif

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

/* 0 if it was woken, or the word had changed; else ETIMEDOUT, or EINTR after a signal. */
static int sleep_on(struct lock *lock, uint32_t seen, uint64_t ns)
{
	struct timespec wait = {(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};

	if (syscall(SYS_futex, &lock->word, FUTEX_WAIT, seen, &wait, NULL, 0) == 0 || errno == EAGAIN)
		return 0;
	return errno;
}

/* Whether a process has ended, reaped or not; before Linux 5.3 only one that was reaped is seen. */
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

	/* Who has ended gives no lock any more: if the word is still the same, he died with it. */
	if (!has_ended((pid_t)holder) || __atomic_load_n(&lock->word, __ATOMIC_RELAXED) != seen)
		return false;
	__atomic_store_n(&lock->dead, holder, __ATOMIC_RELAXED); /* before the word, which lock_bury reads first */
	if (!__atomic_compare_exchange_n(&lock->word, &seen, self | LOCK_WAITERS, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_add(&rig.block->lock_recovered, 1, __ATOMIC_RELAXED);
	return true;
}

/*
 * The time between two looks at the holder doubles. A waiter that woke every 20 ms
 * would seem to want a processor on a busy machine, and the watchdog would not see
 * that it hangs. A signal is no reason to wait longer; its handler may come often.
 */
void lock_wait(struct lock *lock, uint32_t self)
{
	uint64_t patience = LOOK_AFTER_NS;
	int saved = errno, why;

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
		why = sleep_on(lock, marked, patience);
		if (why == 0) {
			patience = LOOK_AFTER_NS;
			continue;
		}
		if (take_from_dead(lock, marked, self))
			break;
		if (why == ETIMEDOUT)
			patience *= 2;
	}
	errno = saved; /* OpenSSL is in malloc() or free() */
}

void lock_wake(struct lock *lock)
{
	syscall(SYS_futex, &lock->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool lock_bury(struct lock *lock, uint32_t pid)
{
	uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_ACQUIRE);

	/* A waiter may mark it meanwhile, or find the holder dead and take it. */
	while ((seen & ~(uint32_t)LOCK_WAITERS) == pid) {
		if (!__atomic_compare_exchange_n(&lock->word, &seen, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			continue;
		__atomic_fetch_add(&rig.block->lock_recovered, 1, __ATOMIC_RELAXED);
		lock_wake(lock);
		return true;
	}
	return __atomic_load_n(&lock->dead, __ATOMIC_RELAXED) == pid;
}
