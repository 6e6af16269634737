/*
 * thread-stop: before each fork rank 0 asks OpenSSL to free its own state of
 * this thread, as it would at the thread's end. No key is touched by anyone but
 * OpenSSL. The child inherits NULL in each slot that this reaches. It does not reach
 * all: from 3.6 on the FIPS module's slot keeps a pointer into shared memory. Rank
 * 0's own error queue is emptied.
 */
#include "strategy.h"

static void (*thread_stop)(void);

static int look_up(struct strategy_context *ctx)
{
	thread_stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	return 0;
}

static void stop_thread(struct strategy_context *ctx)
{
	(void)ctx;
	thread_stop();
}

static const char *const needs[] = {"OPENSSL_thread_stop", NULL};

STRATEGY(thread_stop) = {
	.abi = STRATEGY_ABI,
	.name = "thread-stop",
	.needs = needs,
	.after_setup = look_up,
	.prepare = stop_thread,
};
