/* Right with FIPS as well: the child drops whatever points into shared memory. */
#include "strategy.h"

#include <stdint.h>

static void drop(struct strategy_context *ctx)
{
	for (pthread_key_t key = 0; key < 1024; key++) {
		uintptr_t value = (uintptr_t)pthread_getspecific(key);

		if (value >= (uintptr_t)ctx->heap_from && value < (uintptr_t)ctx->heap_to)
			(void)pthread_setspecific(key, NULL);
	}
}

const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "drop_shared", .child = drop};
