/*
 * hazard_foreign.c: pthread keys of other libraries, made before OpenSSL's or
 * after. The keys' values are rank 0's; a worker whose strategy leaves them
 * alone inherits them. Which are lost is seen for all foreign keys alike
 * (slots_after_fork), those of real libraries too; here each worker also follows
 * the pointers, as their owner would.
 */
#include "hazard.h"
#include "openssl.h"

#include <pthread.h>

enum { KEYS_MAX = 100, REUSED = 4 }; /* the survey of slots has room for 128 */

struct value {
	uint64_t mark;
};

static pthread_key_t keys[KEYS_MAX];
static struct value values[KEYS_MAX];
static struct value *in_heap[KEYS_MAX]; /* of those whose value lies in the shared heap */
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

/* Keys that are deleted after OpenSSL has made its own: their numbers are free again. */
static pthread_key_t given_back[REUSED];

static bool reserve(void)
{
	if (hazard_number("foreign-after", "reuse", 0) == 0)
		return false;
	for (int i = 0; i < REUSED; i++) {
		int err = pthread_key_create(&given_back[i], NULL);

		if (err != 0)
			FAIL(err, "create key %d of those to be given back", i);
	}
	return true;
}

static bool after(struct contexts *all)
{
	(void)all;
	for (int i = 0; i < REUSED && hazard_number("foreign-after", "reuse", 0) != 0; i++)
		pthread_key_delete(given_back[i]);
	return make(made + hazard_number("foreign-after", "n", 12));
}

/*
 * A value that lies in shared memory on purpose, as a module keeps its own
 * per-process pointer into the daemon's segment: nobody writes there, and each
 * worker is to find it.
 */
static bool after_in_heap(struct contexts *all)
{
	int64_t n = made + hazard_number("foreign-shared", "n", 2);

	(void)all;
	for (; made < n && made < KEYS_MAX; made++) {
		struct value *shared = openssl.CRYPTO_malloc(sizeof *shared, __FILE__, __LINE__);
		int err = pthread_key_create(&keys[made], NULL);

		if (shared == NULL || err != 0)
			FAIL(err, "create foreign key %d with a value in the shared heap", made);
		shared->mark = mark_of(made);
		in_heap[made] = shared;
		err = pthread_setspecific(keys[made], shared);
		if (err != 0)
			FAIL(err, "fill foreign key %d", made);
	}
	return made > 0;
}

static bool check(void)
{
	for (int i = 0; i < made; i++) {
		const struct value *v = pthread_getspecific(keys[i]);

		if (v != NULL && (v != (in_heap[i] != NULL ? in_heap[i] : &values[i]) || v->mark != mark_of(i)))
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
	.before_openssl = reserve,
	.after_setup = after,
	.in_worker = check,
};

const struct hazard hazard_foreign_shared = {
	.name = "foreign-shared",
	.after_setup = after_in_heap,
	.in_worker = check,
};
