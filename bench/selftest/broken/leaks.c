/* leaks: right, but for 256 KiB of the shared heap that each child keeps for nothing. */
#include "clear.h"
#include "strategy.h"

#include <errno.h>

enum { LEAK = 256 << 10 };

static void *(*allocate)(size_t size, const char *file, int line);

static int look_up(struct strategy_context *ctx)
{
	allocate = (void *(*)(size_t, const char *, int))ctx->symbol("CRYPTO_malloc");
	return allocate != NULL ? 0 : ENOSYS;
}

static void clear_and_leak(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		clear_slot(keys[i]);
	ctx->state = allocate(LEAK, __FILE__, __LINE__);
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "leaks",
	.after_setup = look_up,
	.child = clear_and_leak,
};
