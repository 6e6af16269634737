/*
 * temp-thread: what is known to initialise OpenSSL in rank 0 runs in a temporary
 * thread that is joined. OpenSSL fills that thread's slots and frees them when
 * it ends; rank 0's own slots stay NULL, and NULL is what workers inherit, as long
 * as nothing that is not wrapped uses OpenSSL there: between forks, in a fork
 * handler, in a library.
 *
 * A daemon should block all signals around pthread_create(): the temporary thread
 * inherits the mask, and could otherwise take a SIGCHLD or SIGTERM.
 */
#include "strategy.h"

#include <pthread.h>

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static void *run_call(void *p)
{
	struct call *call = p;

	call->fn(call->arg);
	return NULL;
}

static int run_in_thread(struct strategy_context *ctx, void (*fn)(void *arg), void *arg)
{
	struct call call = {fn, arg};
	pthread_t thread;
	int err;

	(void)ctx;
	err = pthread_create(&thread, NULL, run_call, &call);
	if (err != 0)
		return err;
	return pthread_join(thread, NULL);
}

STRATEGY(temp_thread) = {
	.abi = STRATEGY_ABI,
	.name = "temp-thread",
	.initialise = run_in_thread,
};
