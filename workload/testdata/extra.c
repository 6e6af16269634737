/*
 * extra: key-owner whose worker burns EXTRA_PPM millionths of its processor time
 * more, to show what a duet finds.
 *
 *	cc -shared -fPIC -O2 -DEXTRA_PPM=5000 -Istrategies -o extra-5000.so workload/testdata/extra.c
 *	tlsbench run --measure duet --strategy ./extra-5000.so --against ./extra-0.so
 *
 * OpenSSL calls back for each new SSL object, so the extra is spread evenly over
 * the handshakes. What comes in bursts, such as from a timer, is in few blocks of
 * a duet, and its trimmed mean leaves those out.
 */
#include "clear.h"
#include "strategy.h"

#include <stdint.h>
#include <time.h>

#ifndef EXTRA_PPM
#define EXTRA_PPM 5000
#endif
#define TEXT(number) #number
#define NAME(number) "extra-" TEXT(number)

enum { MAX_KEYS = 1024, INDEX_OF_SSL = 0 };

typedef void callback(void *parent, void *value, void *data, int index, long number, void *pointer);
typedef int new_index(int of, long number, void *pointer, callback *when_new, void *when_copied, callback *when_freed);

static new_index *get_index;
static int64_t last, owed; /* ns; owed in millionths of one */

static int64_t used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void burn(void *parent, void *value, void *data, int index, long number, void *pointer)
{
	int64_t from = used(), now = from;

	(void)parent, (void)value, (void)data, (void)index, (void)number, (void)pointer;
	owed += (from - last) * EXTRA_PPM;
	while ((now - from) * 1000000 < owed)
		now = used();
	owed -= (now - from) * 1000000;
	last = now;
}

static int look_up(struct strategy_context *ctx)
{
	get_index = (new_index *)ctx->symbol("CRYPTO_get_ex_new_index");
	return 0;
}

static void clear_and_begin(struct strategy_context *ctx)
{
	pthread_key_t keys[MAX_KEYS];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, MAX_KEYS);

	for (size_t i = 0; i < n && i < MAX_KEYS; i++)
		clear_slot(keys[i]);
	last = used();
	if (get_index(INDEX_OF_SSL, 0, NULL, burn, NULL, NULL) < 0)
		__builtin_trap();
}

static const char *const needs[] = {"CRYPTO_get_ex_new_index", NULL};

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = NAME(EXTRA_PPM),
	.needs = needs,
	.after_setup = look_up,
	.child = clear_and_begin,
};
