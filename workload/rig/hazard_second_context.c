/*
 * hazard_second_context.c: a library in the process has library contexts of its
 * own (OSSL_LIB_CTX), as those do that want providers to themselves. Up to 3.5
 * each context has random generators behind pthread keys of its own, made when
 * it is. Rank 0 makes and uses them after set-up; so does each worker after it.
 */
#include "hazard.h"
#include "serve.h"
#include "watch.h"

enum { MAX_CONTEXTS = 32, CALLS = 200 };

static void *libraries[MAX_CONTEXTS];

static int wanted(void)
{
	return (int)hazard_number("second-context", "n", 1);
}

static bool available(void)
{
	if (openssl.OSSL_LIB_CTX_new == NULL)
		not_applicable("OSSL_LIB_CTX_new");
	return false;
}

static bool make(struct contexts *all)
{
	unsigned char bytes[DRAW_BYTES];

	(void)all;
	for (int i = 0; i < wanted(); i++) {
		libraries[i] = openssl.OSSL_LIB_CTX_new();
		if (libraries[i] == NULL || openssl.RAND_bytes_ex(libraries[i], bytes, sizeof bytes, 0) != 1 ||
			openssl.RAND_priv_bytes_ex(libraries[i], bytes, sizeof bytes, 0) != 1)
			FAIL(0, "use library context %d of %d: %s", i + 1, wanted(), openssl_error());
	}
	return true;
}

static bool draw(struct contexts *mine)
{
	(void)mine;
	begin_operation(OP_CHECK);
	for (int i = 0; i < wanted() * CALLS; i++)
		watch_draw_from(libraries[i % wanted()]);
	return true;
}

const struct hazard hazard_second_context = {
	.name = "second-context",
	.every = 1,
	.before_setup = available,
	.after_setup = make,
	.each = draw,
};
