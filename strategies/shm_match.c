/*
 * shm-match: the child clears every slot whose value points into the shared
 * heap. It needs to know neither which keys are OpenSSL's nor what OpenSSL keeps
 * in them: a pointer into memory that all workers share, in a slot that was
 * meant for one thread, is what does the damage. A daemon knows the bounds of
 * its own segment.
 *
 * It fails where the state hangs behind something else than a key's value: a
 * __thread variable, or private memory that in turn points into the heap. It also
 * clears a third party's value that lies in the heap on purpose. And it comes too
 * late if a library registered a child handler earlier and uses OpenSSL in it: a
 * daemon should register this one in main().
 */
#include "clear.h"
#include "strategy.h"

#include <limits.h>
#include <stdint.h>

static void clear_shared(struct strategy_context *ctx)
{
	uintptr_t from = (uintptr_t)ctx->heap_from, to = (uintptr_t)ctx->heap_to;

	for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
		uintptr_t value = (uintptr_t)pthread_getspecific(key);

		if (value >= from && value < to)
			clear_slot(key);
	}
}

STRATEGY(shm_match) = {
	.abi = STRATEGY_ABI,
	.name = "shm-match",
	.child = clear_shared,
};
