/*
 * wrong-side: calls OPENSSL_thread_stop() in the child instead of the parent.
 * What it frees there is rank 0's, and each worker frees it once more.
 */
#include "strategy.h"

static void (*thread_stop)(void);

static int look_up(struct strategy_context *ctx)
{
	thread_stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	return 0;
}

static void stop(struct strategy_context *ctx)
{
	(void)ctx;
	thread_stop();
}

static const char *const needs[] = {"OPENSSL_thread_stop", NULL};

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "wrong-side",
	.needs = needs,
	.after_setup = look_up,
	.child = stop,
};
