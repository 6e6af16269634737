/*
 * pointer-match: the child asks OpenSSL for the pointers of its own per-thread
 * objects, looks for these pointers among the keys, sets just those slots to
 * NULL, and touches OpenSSL again so that it makes new objects. It finds no
 * slot that points to something else, such as a table of objects.
 */
#include "strategy.h"

typedef void *(*get_state)(void);
typedef void *(*get_generator)(void *library_context);
typedef void *(*get_drbg)(void);

static get_state error_state;
static get_generator generators[2]; /* 3.0 and later: public, private */
static get_drbg drbgs[2];           /* 1.1.1: public, private */
static pthread_key_t scan;

static int look_up(struct strategy_context *ctx)
{
	error_state = (get_state)ctx->symbol("ERR_get_state");
	generators[0] = (get_generator)ctx->symbol("RAND_get0_public");
	generators[1] = (get_generator)ctx->symbol("RAND_get0_private");
	drbgs[0] = (get_drbg)ctx->symbol("RAND_DRBG_get0_public");
	drbgs[1] = (get_drbg)ctx->symbol("RAND_DRBG_get0_private");
	scan = (pthread_key_t)ctx->parameter(ctx, "scan", 32);
	return 0;
}

/*
 * The three pointers that OpenSSL hands out. It allocates an object that is missing
 * here, in the at-fork child, under its own locks and the heap's: 65 to 140 us on
 * 1.1.1 to 3.5, and not async-signal-safe if rank 0 has threads.
 */
static size_t own_pointers(void *own[3])
{
	size_t n = 0;

	own[n++] = error_state();
	for (int i = 0; i < 2; i++) {
		if (generators[i] != NULL)
			own[n++] = generators[i](NULL);
		else
			own[n++] = drbgs[i]();
	}
	return n;
}

static void clear_matches(struct strategy_context *ctx)
{
	void *own[3];
	size_t n = own_pointers(own);

	(void)ctx;
	for (pthread_key_t key = 0; key < scan; key++) {
		void *value = pthread_getspecific(key);

		for (size_t i = 0; value != NULL && i < n; i++) {
			if (value == own[i]) {
				(void)pthread_setspecific(key, NULL);
				break;
			}
		}
	}
	(void)own_pointers(own);
}

static const char *const needs[] = {
	"ERR_get_state",
	"RAND_get0_public|RAND_DRBG_get0_public",
	"RAND_get0_private|RAND_DRBG_get0_private",
	NULL,
};

STRATEGY(pointer_match) = {
	.abi = STRATEGY_ABI,
	.name = "pointer-match",
	.needs = needs,
	.after_setup = look_up,
	.child = clear_matches,
};
