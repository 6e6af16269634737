/* one-too-many: clears OpenSSL's keys and the next filled one, whoever owns it. */
#include "clear.h"
#include "strategy.h"

static void clear_more(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		clear_slot(keys[i]);
	for (pthread_key_t key = 0; key < 64; key++) {
		if (pthread_getspecific(key) != NULL) {
			clear_slot(key);
			return;
		}
	}
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "one-too-many",
	.child = clear_more,
};
