/* An own fix that looks right and is not: each child begins with an empty error
 * queue, but the queue is still one for all. */
#include "strategy.h"

static void (*clear_error)(void);

static int look_up(struct strategy_context *ctx)
{
	clear_error = (void (*)(void))ctx->symbol("ERR_clear_error");
	return clear_error == NULL;
}

static void empty(struct strategy_context *ctx)
{
	(void)ctx;
	clear_error();
}

const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "bad", .after_setup = look_up, .child = empty};
