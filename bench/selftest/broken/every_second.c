/* every-second: forgets every second one of OpenSSL's keys. */
#include "clear.h"
#include "strategy.h"

static void clear_some(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; i < n && i < 64; i += 2)
		clear_slot(keys[i]);
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "every-second",
	.child = clear_some,
};
