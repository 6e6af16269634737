/* forkloop.c: see forkloop.h. */
#include "forkloop.h"

#include "forkclock.h"
#include "heap.h"
#include "host.h"
#include "openssl.h"
#include "rig.h"

#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP_PAIRS = 8, WASH_OUT_FORKS = 2, PAIRS_IN_ORDER = 8, SUSTAINED_BLOCK = 20 };

static const struct contexts *contexts;
static struct fork_state *state;
static uint64_t random_state;
static uint32_t number; /* of forks */

static bool next_bit(void)
{
	return split_mix(&random_state) >> 63 != 0;
}

/*
 * Rank 0 uses OpenSSL, so that its slots are filled: a handler that empties
 * them in the parent would else have nothing to do from the second fork on. A
 * strategy that keeps OpenSSL out of rank 0's thread keeps this out too, and
 * its slots stay as empty as they were. One whose children free what rank 0
 * still uses makes the draw fail.
 */
static void fill_slots(void)
{
	unsigned char byte;

	if (host_initialises_elsewhere())
		return;
	openssl.ERR_clear_error();
	if (openssl.RAND_bytes(&byte, 1) != 1 || openssl.RAND_priv_bytes(&byte, 1) != 1)
		note_event(EVENT_FAILED_HANDSHAKE, "rank 0 draws between forks: %s", openssl_error());
}

static void let_go(void)
{
	__atomic_store_n(&state->go, number, __ATOMIC_RELEASE);
	syscall(SYS_futex, &state->go, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* False if the child did not end well, which ends the loop. */
static bool reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid) {
		if (errno != EINTR)
			FAIL(errno, "wait for process %d", (int)pid);
	}
	if (status == 0)
		return true;
	heap_bury((uint32_t)pid);
	state->child_status = status;
	return false;
}

/* Forks a child that ends at once. */
static bool fork_bare(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0) {
		state->error = errno;
		return false;
	}
	return reap(pid);
}

/*
 * What every timed fork finds is the same in both arms: the child before it did
 * nothing, and rank 0 has just used OpenSSL, and did so before that fork too. A
 * fork that follows the long life of a child is some 5 % slower.
 */
static bool wash_out(void)
{
	host_mask(true);
	fill_slots();
	for (int i = 0; i < WASH_OUT_FORKS; i++) {
		if (!fork_bare())
			return false;
	}
	fill_slots();
	fork_child_prepare();
	return true;
}

static bool fork_timed(enum fork_arm arm, struct fork_record *record)
{
	struct fork_try try = {.record = record, .masked = arm == ARM_MASKED && !rig.config->fork.same_arms};
	uint64_t ended;
	pid_t pid;

	if (!wash_out())
		return false;
	record->arm = arm;
	try.number = ++number;
	host_mask(try.masked);
	host_times = try.times;
	try.began = fork_ticks();
	pid = fork();
	if (pid == 0)
		fork_child(&try, contexts);
	ended = fork_ticks();
	host_times = NULL;
	if (pid < 0) {
		state->error = errno;
		return false;
	}
	let_go();
	record->fork = ended - try.began;
	record->cold[HANDLER_PREPARE] = try.times[HANDLER_PREPARE];
	record->cold[HANDLER_PARENT] = try.times[HANDLER_PARENT];
	if (!reap(pid))
		return false;
	fork_warm(record, 1u << HANDLER_PREPARE | 1u << HANDLER_PARENT, fill_slots);
	return true;
}

static bool time_over(void)
{
	uint64_t limit = rig.config->fork.limit_ns;

	return limit != 0 && now_ns() - state->begin.ns > limit;
}

/*
 * Both arms of a pair follow each other. Which one is first is left to chance at
 * every eighth pair; from there on the order is turned round at each pair, so
 * that each arm follows itself as often as it follows the other.
 */
static bool pair_loop(struct fork_record *records, uint64_t pairs)
{
	enum fork_arm arm = ARM_STRATEGY;

	for (uint64_t i = 0; i < pairs && !time_over(); i++) {
		if (i % PAIRS_IN_ORDER == 0)
			arm = next_bit() ? ARM_MASKED : ARM_STRATEGY;
		for (uint32_t j = 0; j < FORK_ARMS; j++) {
			struct fork_record *record = &records[2 * i + j];

			if (!fork_timed(j == 0 ? arm : ARM_MASKED - arm, record))
				return false;
			record->complete = 1;
			__atomic_store_n(&state->records, 2 * i + j + 1, __ATOMIC_RELEASE);
		}
		arm = ARM_MASKED - arm;
		fork_clock_moment(&state->end); /* whatever ends us, ticks can be read */
	}
	return true;
}

/* The same loop, its times thrown away. */
static bool warm_up(struct fork_record *scrap)
{
	for (int i = 0; i < WARM_UP_PAIRS; i++) {
		if (!fork_timed(ARM_STRATEGY, scrap) || !fork_timed(ARM_MASKED, scrap))
			return false;
		fork_clock_moment(&state->end);
	}
	return true;
}

static bool fork_counted(enum fork_arm arm)
{
	struct fork_sum *sum = &state->sustained[arm];
	uint64_t began;

	fill_slots(); /* in both arms: it writes to pages that a fork shares */
	began = fork_ticks();
	if (!fork_bare())
		return false;
	sum->ticks += fork_ticks() - began;
	sum->forks++;
	return true;
}

static bool count_block(enum fork_arm arm)
{
	host_mask(arm == ARM_MASKED && !rig.config->fork.same_arms);
	for (int i = 0; i < SUSTAINED_BLOCK; i++) {
		if (state->sustained[arm].forks == rig.config->fork.sustained)
			return true;
		if (!fork_counted(arm))
			return false;
	}
	return true;
}

/* One block of each arm is made in any case: pairs may have taken all the time. */
static void sustained_loop(void)
{
	uint64_t blocks = (rig.config->fork.sustained + SUSTAINED_BLOCK - 1) / SUSTAINED_BLOCK;

	for (uint64_t i = 0; i < blocks && (i == 0 || !time_over()); i++) {
		enum fork_arm first = next_bit() ? ARM_MASKED : ARM_STRATEGY;

		if (!count_block(first) || !count_block(ARM_MASKED - first))
			return;
	}
}

static void await_harness(void)
{
	char byte;

	if (read(FD_CONTROL, &byte, 1) != 1)
		FAIL(errno, "wait for the harness");
}

void fork_loop_run(const struct contexts *mine)
{
	struct fork_record *records = (struct fork_record *)((char *)rig.block + rig.config->forks_at);
	uint64_t pairs = rig.config->fork.pairs;

	contexts = mine;
	state = &rig.block->fork;
	state->handlers = host_handlers();
	random_state = rig.config->seed;
	await_harness();
	fork_clock_open();
	fork_clock_moment(&state->begin);
	if (!warm_up(&records[2 * pairs])) {
		fork_clock_moment(&state->end);
		return;
	}
	fork_clock_moment(&state->begin);
	if (pair_loop(records, pairs))
		sustained_loop();
	fork_clock_moment(&state->end);
}
