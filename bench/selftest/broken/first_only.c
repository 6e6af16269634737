/* first-only: right for the first worker, and does nothing for the others. */
#include "clear.h"
#include "strategy.h"

static int forks;

static void count(struct strategy_context *ctx)
{
	(void)ctx;
	forks++;
}

static void clear_first(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; forks == 1 && i < n && i < 64; i++)
		clear_slot(keys[i]);
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "first-only",
	.prepare = count,
	.child = clear_first,
};
