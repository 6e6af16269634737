/* Right without FIPS: the parent lets OpenSSL free what it knows of. */
#include "strategy.h"

static void (*thread_stop)(void);

static int look_up(struct strategy_context *ctx)
{
	thread_stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	return thread_stop == NULL;
}

static void stop(struct strategy_context *ctx)
{
	(void)ctx;
	thread_stop();
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI, .name = "stop_only", .after_setup = look_up, .prepare = stop};
