/*
 * temp-thread: whatever may initialise OpenSSL in rank 0 runs in a temporary
 * thread that is joined. OpenSSL fills that thread's slots and frees them when
 * it ends; rank 0's own slots stay NULL, and NULL is what workers inherit.
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
