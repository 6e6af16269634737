/* An own fix as a maintainer would bring it: each child loses what the keys of
 * OpenSSL held. Nothing of the suite but strategy.h. */
#include "strategy.h"

static pthread_key_t keys[64];
static size_t count;

static void look(struct strategy_context *ctx)
{
	count = ctx->keys_of(KEY_OPENSSL, keys, 64);
}

static void forget(struct strategy_context *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < count && i < 64; i++)
		pthread_setspecific(keys[i], NULL);
}

const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "good", .prepare = look, .child = forget};
