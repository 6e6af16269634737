/*
 * hazard_foreign.c: pthread keys of other libraries, made before OpenSSL's or
 * after. The keys' values are rank 0's; a worker whose strategy leaves them
 * alone inherits them. Which are lost is seen for all foreign keys alike
 * (slots_after_fork), those of real libraries too; here each worker also follows
 * the pointers, as their owner would.
 */
#include "hazard.h"

#include <pthread.h>

enum { KEYS_MAX = 100 }; /* the survey of slots has room for 128 */

struct value {
	uint64_t mark;
};

static pthread_key_t keys[KEYS_MAX];
static struct value values[KEYS_MAX];
static int made;

static uint64_t mark_of(int i)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1);
}

static bool make(int64_t n)
{
	for (; made < n && made < KEYS_MAX; made++) {
		int err = pthread_key_create(&keys[made], NULL);

		if (err != 0)
			FAIL(err, "create foreign key %d of %lld", made, (long long)n);
		values[made].mark = mark_of(made);
		err = pthread_setspecific(keys[made], &values[made]);
		if (err != 0)
			FAIL(err, "fill foreign key %d of %lld", made, (long long)n);
	}
	return made > 0;
}

static bool before(void)
{
	return make(hazard_number("foreign-before", "n", 14));
}

static bool after(struct contexts *all)
{
	(void)all;
	return make(made + hazard_number("foreign-after", "n", 12));
}

static bool check(void)
{
	for (int i = 0; i < made; i++) {
		const struct value *v = pthread_getspecific(keys[i]);

		if (v != NULL && (v != &values[i] || v->mark != mark_of(i)))
			note_event(EVENT_BROKEN_NEIGHBOUR, "foreign key %u holds a value that is not its own",
				(unsigned)keys[i]);
	}
	return true;
}

const struct hazard hazard_foreign_before = {
	.name = "foreign-before",
	.before_openssl = before,
	.in_worker = check,
};

const struct hazard hazard_foreign_after = {
	.name = "foreign-after",
	.after_setup = after,
	.in_worker = check,
};
