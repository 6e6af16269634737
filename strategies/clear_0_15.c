/*
 * clear-0-15: the child sets every filled key below a fixed bound to NULL,
 * whoever owns it. The bound is a guess at how far OpenSSL's keys reach.
 */
#include "clear.h"
#include "strategy.h"

static pthread_key_t bound;

static int read_bound(struct strategy_context *ctx)
{
	bound = (pthread_key_t)ctx->parameter(ctx, "n", 16);
	return 0;
}

static void clear_keys(struct strategy_context *ctx)
{
	(void)ctx;
	clear_below(bound);
}

STRATEGY(clear_0_15) = {
	.abi = STRATEGY_ABI,
	.name = "clear-0-15",
	.after_setup = read_bound,
	.child = clear_keys,
};
