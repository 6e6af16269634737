/*
 * hwm: after OpenSSL is set up, rank 0 makes it fill its slots and takes one
 * above the highest filled key as the high-water mark; the child clears every
 * key below the mark. The thought is that OpenSSL came first, so that whatever
 * lies below the mark is its own. Which slots OpenSSL fills is left to two calls,
 * one for the error state and one for the random generators.
 */
#include "clear.h"
#include "strategy.h"

#include <errno.h>

static pthread_key_t mark;

static int take_mark(struct strategy_context *ctx)
{
	void (*err_clear_error)(void) = (void (*)(void))ctx->symbol("ERR_clear_error");
	int (*rand_bytes)(unsigned char *, int) = (int (*)(unsigned char *, int))ctx->symbol("RAND_bytes");
	pthread_key_t scan = (pthread_key_t)ctx->parameter(ctx, "scan", 32);
	unsigned char byte;

	err_clear_error();
	if (rand_bytes(&byte, 1) != 1)
		return EIO;
	mark = 0;
	for (pthread_key_t key = 0; key < scan; key++) {
		if (pthread_getspecific(key) != NULL)
			mark = key + 1;
	}
	return 0;
}

static void clear_keys(struct strategy_context *ctx)
{
	(void)ctx;
	clear_below(mark);
}

static const char *const needs[] = {"ERR_clear_error", "RAND_bytes", NULL};

STRATEGY(hwm) = {
	.abi = STRATEGY_ABI,
	.name = "hwm",
	.needs = needs,
	.after_setup = take_mark,
	.child = clear_keys,
};
