/*
 * good: clears the keys that key-owner clears in each child. What the broken ones
 * are told from, compiled and loaded in the same way.
 */
#include "clear.h"
#include "strategy.h"

static void clear_owned(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		clear_slot(keys[i]);
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "good",
	.child = clear_owned,
};
