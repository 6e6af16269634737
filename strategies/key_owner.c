/*
 * key-owner: the child clears exactly the keys that libcrypto, libssl and the
 * modules they load created, as the ledger of keys knows. No daemon can do this
 * without such a ledger: it is the oracle, what a perfect fix would do, and the
 * negative control: a rig in which this one is damaged is wrong.
 */
#include "clear.h"
#include "strategy.h"

enum { MAX_KEYS = 1024 }; /* all there can be, PTHREAD_KEYS_MAX: one left out is shared */

static void clear_owned(struct strategy_context *ctx)
{
	pthread_key_t keys[MAX_KEYS];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, MAX_KEYS);

	for (size_t i = 0; i < n && i < MAX_KEYS; i++)
		clear_slot(keys[i]);
}

STRATEGY(key_owner) = {
	.abi = STRATEGY_ABI,
	.name = "key-owner",
	.child = clear_owned,
	.early = true, /* before another library's child handler uses what is rank 0's */
};
