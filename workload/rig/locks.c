/*
 * locks.c: see locks.h. OpenSSL puts its locks into the shared heap but makes
 * them process-private, and a waiter in another process would never be woken.
 * As Kamailio does, the program exports its own initialising functions, which
 * add the attribute PTHREAD_PROCESS_SHARED. Kamailio does so for mutexes and
 * rwlocks; OpenSSL 3.5 and later use condition variables too.
 */
#include "locks.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static enum lock_sharing sharing = LOCKS_PRIVATE;

void locks_share(enum lock_sharing wanted)
{
	sharing = wanted;
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
	if (sharing != LOCKS_SHARED)
		return next(condition, given);
	if (given != NULL)
		shared = *given; /* keeps the clock */
	else
		pthread_condattr_init(&shared);
	pthread_condattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return next(condition, &shared);
}
