/*
 * stop-and-refill: an example of a fix that is not part of the suite. As
 * thread-stop does, rank 0 lets OpenSSL free its own state of this thread
 * before each fork; after the fork it draws a random byte, so that the state is
 * there again before anything that counts waits for it.
 *
 *	make
 *	tlsbench probe --strategy ./stop_and_refill.so
 *	tlsbench run --strategy none,thread-stop,./stop_and_refill.so
 *	tlsbench field --strategy none,./stop_and_refill.so
 */
#include "strategy.h"

static void (*thread_stop)(void);
static int (*rand_bytes)(unsigned char *, int);

/* OpenSSL is set up: look up what the handlers need, so that they only call. */
static int look_up(struct strategy_context *ctx)
{
	thread_stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	rand_bytes = (int (*)(unsigned char *, int))ctx->symbol("RAND_bytes");
	return 0;
}

static void stop(struct strategy_context *ctx)
{
	(void)ctx;
	thread_stop();
}

static void refill(struct strategy_context *ctx)
{
	unsigned char byte;

	(void)ctx;
	(void)rand_bytes(&byte, 1); /* a failure shows where random bytes are needed */
}

/* Without these two a build is "not applicable", and named so. */
static const char *const needs[] = {"OPENSSL_thread_stop", "RAND_bytes", NULL};

const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI,
	.name = "stop-and-refill",
	.needs = needs,
	.after_setup = look_up,
	.prepare = stop,
	.parent = refill,
};
