/*
 * locks.c: see locks.h. OpenSSL puts its locks into the shared heap but makes
 * them process-private, and a waiter in another process would never be woken.
 * As Kamailio does, the program exports its own initialising functions, which
 * add the attribute PTHREAD_PROCESS_SHARED. Kamailio does so for mutexes and
 * rwlocks; OpenSSL 3.5 and later use condition variables too.
 *
 * For the tracer the functions that take and give locks are followed as well.
 * Without it they pass through.
 */
#include "locks.h"

#include "trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

static enum lock_sharing sharing = LOCKS_PRIVATE;

void locks_share(enum lock_sharing wanted)
{
	sharing = wanted;
}

static void (*follower)(const volatile void *lock);

void locks_follow(void (*fn)(const volatile void *lock))
{
	follower = fn;
}

static void taken(const volatile void *lock, enum trace_mode mode)
{
	if (trace_on)
		trace_lock_taken(lock, mode);
	if (follower != NULL && mode == TRACE_EXCLUSIVE)
		follower(lock);
}

static void *next_function(void **next, const char *name)
{
	if (*next == NULL)
		*next = dlsym(RTLD_NEXT, name);
	return *next;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *given)
{
	static void *found;
	int (*next)(pthread_mutex_t *, const pthread_mutexattr_t *) =
		(int (*)(pthread_mutex_t *, const pthread_mutexattr_t *))next_function(&found, "pthread_mutex_init");
	pthread_mutexattr_t shared;

	if (next == NULL)
		return ENOSYS;
	trace_lock_made(mutex, sizeof(pthread_mutex_t));
	if (sharing == LOCKS_PRIVATE)
		return next(mutex, given);
	if (given != NULL)
		shared = *given; /* keeps the type, recursive for one */
	else
		pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return next(mutex, &shared);
}

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *given)
{
	static void *found;
	int (*next)(pthread_rwlock_t *, const pthread_rwlockattr_t *) =
		(int (*)(pthread_rwlock_t *, const pthread_rwlockattr_t *))next_function(&found, "pthread_rwlock_init");
	pthread_rwlockattr_t shared;

	if (next == NULL)
		return ENOSYS;
	trace_lock_made(lock, sizeof *lock);
	if (sharing == LOCKS_PRIVATE)
		return next(lock, given);
	if (given != NULL)
		shared = *given;
	else
		pthread_rwlockattr_init(&shared);
	pthread_rwlockattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return next(lock, &shared);
}

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *given)
{
	static void *found;
	int (*next)(pthread_cond_t *, const pthread_condattr_t *) =
		(int (*)(pthread_cond_t *, const pthread_condattr_t *))next_function(&found, "pthread_cond_init");
	pthread_condattr_t shared;

	if (next == NULL)
		return ENOSYS;
	trace_lock_made(condition, sizeof(pthread_cond_t));
	if (sharing != LOCKS_SHARED)
		return next(condition, given);
	if (given != NULL)
		shared = *given; /* keeps the clock */
	else
		pthread_condattr_init(&shared);
	pthread_condattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return next(condition, &shared);
}

/*
 * FOLLOW defines a function of the C library anew: the next one of that name
 * does the work. What it writes meanwhile is the lock's own affair.
 */
#define FOLLOW(name, parameters, arguments, before, after)                               \
	int name parameters                                                              \
	{                                                                                \
		static void *found;                                                      \
		int(*next) parameters = (int(*) parameters)next_function(&found, #name); \
		int err;                                                                 \
                                                                                         \
		if (next == NULL)                                                        \
			return ENOSYS;                                                   \
		if (!trace_on && follower == NULL)                                       \
			return next arguments;                                           \
		before;                                                                  \
		trace_lock_enter();                                                      \
		err = next arguments;                                                    \
		trace_lock_leave();                                                      \
		after;                                                                   \
		return err;                                                              \
	}

#define TAKE(name, parameters, arguments, mode) \
	FOLLOW(name, parameters, arguments, (void)0, if (err == 0) taken(lock, mode))
#define GIVE(type, name) FOLLOW(name, (type * lock), (lock), trace_lock_given(lock), (void)0)
#define WAIT(name, parameters, arguments) \
	FOLLOW(name, parameters, arguments, trace_lock_given(lock), trace_lock_taken(lock, TRACE_EXCLUSIVE))
#define WAKE(name) FOLLOW(name, (pthread_cond_t * condition), (condition), (void)0, (void)0)

TAKE(pthread_mutex_lock, (pthread_mutex_t * lock), (lock), TRACE_EXCLUSIVE)
TAKE(pthread_mutex_trylock, (pthread_mutex_t * lock), (lock), TRACE_EXCLUSIVE)
TAKE(pthread_mutex_timedlock, (pthread_mutex_t * lock, const struct timespec *end), (lock, end), TRACE_EXCLUSIVE)
TAKE(pthread_mutex_clocklock, (pthread_mutex_t * lock, clockid_t clock, const struct timespec *end), (lock, clock, end),
	TRACE_EXCLUSIVE)
GIVE(pthread_mutex_t, pthread_mutex_unlock)

TAKE(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), TRACE_SHARED)
TAKE(pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock), TRACE_SHARED)
TAKE(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *end), (lock, end), TRACE_SHARED)
TAKE(pthread_rwlock_clockrdlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *end),
	(lock, clock, end), TRACE_SHARED)
TAKE(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), TRACE_EXCLUSIVE)
TAKE(pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock), TRACE_EXCLUSIVE)
TAKE(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *end), (lock, end), TRACE_EXCLUSIVE)
TAKE(pthread_rwlock_clockwrlock, (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *end),
	(lock, clock, end), TRACE_EXCLUSIVE)
GIVE(pthread_rwlock_t, pthread_rwlock_unlock)

TAKE(pthread_spin_lock, (pthread_spinlock_t * lock), (lock), TRACE_EXCLUSIVE)
TAKE(pthread_spin_trylock, (pthread_spinlock_t * lock), (lock), TRACE_EXCLUSIVE)
GIVE(pthread_spinlock_t, pthread_spin_unlock)

WAIT(pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t *lock), (condition, lock))
WAIT(pthread_cond_timedwait, (pthread_cond_t * condition, pthread_mutex_t *lock, const struct timespec *end),
	(condition, lock, end))
WAIT(pthread_cond_clockwait,
	(pthread_cond_t * condition, pthread_mutex_t *lock, clockid_t clock, const struct timespec *end),
	(condition, lock, clock, end))
WAKE(pthread_cond_signal)
WAKE(pthread_cond_broadcast)
