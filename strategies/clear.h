/*
 * clear.h: what the strategies that clear slots in the child share.
 *
 * A slot is cleared only if it is filled: pthread_setspecific on a key that
 * nobody created is an error, and on an empty slot it would be a write for
 * nothing. pthread_getspecific of such a key is undefined in POSIX, and NULL in
 * glibc.
 */
#ifndef TLSBENCH_CLEAR_H
#define TLSBENCH_CLEAR_H

#include <pthread.h>

static inline void clear_slot(pthread_key_t key)
{
	if (pthread_getspecific(key) != NULL)
		(void)pthread_setspecific(key, NULL);
}

static inline void clear_below(pthread_key_t mark)
{
	for (pthread_key_t key = 0; key < mark; key++)
		clear_slot(key);
}

#endif
