/*
 * forkchild.c: the child of a fork trial. Everything it writes before its times
 * are taken lies on its stack: any other page would be copied first, and the
 * strategy be charged for it.
 */
#include "forkclock.h"
#include "forkloop.h"
#include "heap.h"
#include "keys.h"
#include "openssl.h"
#include "pair.h"
#include "rig.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	KEPT = 1024,     /* PTHREAD_KEYS_MAX of glibc */
	LIFETIME_S = 20, /* of processor time: a child that is not done by then hangs */
	OWN_KEYS = 64,
};

static void *kept[KEPT];
static uint32_t kept_keys; /* one above the highest that was ever filled */

void fork_child_prepare(void)
{
	for (uint32_t key = 0; key < KEPT; key++) {
		void *value = pthread_getspecific(key);

		if (kept[key] != value) /* the same value again would cost a copy of the page */
			kept[key] = value;
		if (value != NULL && key >= kept_keys)
			kept_keys = key + 1;
	}
}

/* The parent takes its time first. It has ended if it leaves us waiting. */
static void await_parent(uint32_t number)
{
	uint32_t *go = &rig.block->fork.go;
	struct timespec second = {1, 0};
	uint32_t now;

	while ((now = __atomic_load_n(go, __ATOMIC_ACQUIRE)) != number) {
		syscall(SYS_futex, go, FUTEX_WAIT, now, &second, NULL, 0);
		if ((uint32_t)getppid() != rig.rank0)
			_exit(EXIT_FAILED);
	}
}

/*
 * No child outlives rank 0, and none goes round in circles for ever. One that
 * gets no processor has all the time it needs, and one that is blocked is seen
 * by the watchdog.
 */
static void bound_life(void)
{
	struct itimerval life = {.it_value = {.tv_sec = LIFETIME_S}};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		FAIL(errno, "tie the child to rank 0");
	if ((uint32_t)getppid() != rig.rank0)
		_exit(EXIT_FAILED);
	if (setitimer(ITIMER_PROF, &life, NULL) != 0)
		FAIL(errno, "limit the child's processor time");
}

/* Whether OpenSSL finds nothing of rank 0's here, and will make its own state. */
static bool starts_afresh(void)
{
	pthread_key_t keys[OWN_KEYS];
	size_t n = keys_of(KEY_OPENSSL, keys, OWN_KEYS);

	for (size_t i = 0; i < n && i < OWN_KEYS; i++) {
		if (heap_contains(pthread_getspecific(keys[i])))
			return false;
	}
	return true;
}

static void draw(struct fork_record *record)
{
	unsigned char bytes[16];
	uint64_t began = fork_ticks();
	int ok = openssl.RAND_bytes(bytes, sizeof bytes);

	record->first_random = fork_ticks() - began;
	if (ok != 1)
		note_event(EVENT_FAILED_HANDSHAKE, "first random draw: %s", openssl_error());
}

static void shake(struct fork_record *record, const struct contexts *contexts)
{
	struct pair pair;
	uint64_t began = fork_ticks();
	bool ok = pair_open(&pair, contexts->server, contexts->clients[CLIENT_GOOD]) && pair_shake(&pair);

	record->first_handshake = fork_ticks() - began;
	if (!ok)
		note_event(EVENT_FAILED_HANDSHAKE, "first handshake: %s", openssl_error());
	pair_close(&pair);
}

/*
 * What a child allocates in the shared heap outlives it, and there are many
 * children. State that is all its own goes back; where slots were inherited,
 * OpenSSL's list of what to free may be rank 0's, and is left alone.
 */
static void free_own_state(void)
{
	void (*thread_stop)(void) = (void (*)(void))openssl_symbol("OPENSSL_thread_stop");

	if (thread_stop != NULL)
		thread_stop();
}

static void refill(void)
{
	for (pthread_key_t key = 0; key < kept_keys; key++) {
		if (pthread_getspecific(key) != kept[key])
			(void)pthread_setspecific(key, kept[key]);
	}
}

void fork_child(const struct fork_try *try, const struct contexts *contexts)
{
	uint64_t ready = fork_ticks();
	struct fork_record *record = try->record;
	bool afresh;

	record->ready = ready - try->began;
	record->cold[HANDLER_CHILD] = try->times[HANDLER_CHILD];
	await_parent(try->number);
	if (try->masked)
		_exit(0);
	bound_life();
	afresh = starts_afresh();
	draw(record);
	shake(record, contexts);
	if (afresh)
		free_own_state();
	fork_warm(record, 1u << HANDLER_CHILD, refill);
	_exit(0);
}
