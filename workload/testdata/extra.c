/*
 * extra: key-owner whose worker burns EXTRA_PPM millionths of its processor time
 * more, to show what a duet finds.
 *
 *	cc -shared -fPIC -O2 -DEXTRA_PPM=5000 -Istrategies -o extra-5000.so workload/testdata/extra.c
 *	tlsbench run --measure duet --strategy ./extra-5000.so
 *
 * A timer of the process's own processor time wakes it now and then, and it burns
 * the share of what the process has used since. The signal itself adds about a
 * microsecond each time, so some 0.02 % more.
 */
#include "clear.h"
#include "strategy.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#ifndef EXTRA_PPM
#define EXTRA_PPM 5000
#endif
#define TEXT(number) #number
#define NAME(number) "extra-" TEXT(number)

enum { MAX_KEYS = 64, EVERY_NS = 8000000 };

static int64_t last, owed; /* ns; owed in millionths of one */

static int64_t used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void burn(int signal)
{
	int64_t now = used(), from = now;

	(void)signal;
	owed += (now - last) * EXTRA_PPM;
	while ((now - from) * 1000000 < owed)
		now = used();
	owed -= (now - from) * 1000000;
	last = now;
}

static void clear_and_wake(struct strategy_context *ctx)
{
	pthread_key_t keys[MAX_KEYS];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, MAX_KEYS);
	struct sigaction act = {.sa_handler = burn, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
	struct itimerspec every = {.it_interval = {.tv_nsec = EVERY_NS}, .it_value = {.tv_nsec = EVERY_NS}};
	timer_t timer;

	for (size_t i = 0; i < n && i < MAX_KEYS; i++)
		clear_slot(keys[i]);
	last = used();
	if (sigaction(SIGPROF, &act, NULL) != 0 || timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) != 0 ||
		timer_settime(timer, 0, &every, NULL) != 0)
		__builtin_trap();
}

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = NAME(EXTRA_PPM),
	.child = clear_and_wake,
};
