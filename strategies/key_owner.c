/*
 * key-owner: the child clears the keys that were made while libcrypto, libssl or
 * a module of theirs was on the stack, as the ledger of keys knows. No daemon can
 * do this without such a ledger: it is the oracle, the best that a fix on keys can
 * do, and the negative control: a rig in which this one is damaged under hazard
 * plain is wrong. Other hazards damage it too, where keys are not what matters.
 */
#include "clear.h"
#include "strategy.h"

#include <limits.h>

static void clear_owned(struct strategy_context *ctx)
{
	pthread_key_t keys[PTHREAD_KEYS_MAX]; /* all there can be: one left out is shared */
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, PTHREAD_KEYS_MAX);

	for (size_t i = 0; i < n && i < PTHREAD_KEYS_MAX; i++)
		clear_slot(keys[i]);
}

STRATEGY(key_owner) = {
	.abi = STRATEGY_ABI,
	.name = "key-owner",
	.child = clear_owned,
	.early = true, /* before another library's child handler uses what is rank 0's */
};
