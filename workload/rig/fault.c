/* fault.c: see fault.h. */
#include "fault.h"

#include "detect.h"
#include "heap.h"
#include "keys.h"
#include "openssl.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a detector sees of two faults in one queue, or one handshake, is one. */
static uint64_t handshakes_apart(void)
{
	return rig.config->fault == FAULT_FOREIGN_ERROR || rig.config->fault == FAULT_SWALLOWED_ERROR;
}

static uint64_t state; /* of the random numbers */
static bool armed, striking;
static uint64_t due_at;    /* 0: not planned yet */
static uint64_t plan_from; /* handshakes */
static const char *place;

uint64_t fault_random(uint64_t n)
{
	return split_mix(&state) % n;
}

static bool chosen(void)
{
	return rig.config->fault_worker < 0 || rig.config->fault_worker == rig.worker;
}

/*
 * The time runs from when the next fault may come, and is uniform from nothing to
 * twice the mean: its phase has nothing to do with the load's.
 */
bool fault_waits(enum fault fault)
{
	if (!armed || rig.config->fault != (uint32_t)fault || rig.me->handshakes < plan_from)
		return false;
	if (due_at == 0)
		due_at = now_ns() + fault_random(2 * rig.config->fault_gap + 1);
	return now_ns() >= due_at;
}

/* Counted before it is done: a fault may be a process's last act. */
static void count_injection(int other)
{
	uint64_t i = __atomic_fetch_add(&rig.block->next_injection, 1, __ATOMIC_RELAXED);
	struct injection *injection = &rig.block->injections[i % MAX_INJECTIONS];

	bump(&rig.me->injected);
	if (i >= MAX_INJECTIONS)
		return;
	injection->at = now_ns();
	injection->worker = rig.worker;
	injection->other = other;
	if (place != NULL)
		snprintf(injection->place, sizeof injection->place, "%s", place);
	__atomic_store_n(&injection->complete, 1, __ATOMIC_RELEASE);
}

bool fault_due(enum fault fault, int other)
{
	if (!fault_waits(fault))
		return false;
	due_at = 0;
	plan_from = rig.me->handshakes + handshakes_apart();
	count_injection(other);
	return true;
}

/*
 * A size that OpenSSL does not ask for in a handshake, and each worker another
 * one: nobody can take the block between the two frees of a double free.
 */
static size_t block_bytes(void)
{
	unsigned n = (unsigned)rig.worker % 24;

	return ((size_t)(5 + n % 4) << (13 + n / 4)) - 100;
}

static void *block(void)
{
	void *p = heap_malloc(block_bytes(), __FILE__, __LINE__);

	if (p == NULL)
		FAIL(ENOMEM, "fault: allocate");
	return p;
}

static void release(void *p)
{
	heap_free(p, __FILE__, __LINE__);
}

static void double_free(void)
{
	void *p = block();

	release(p);
	release(p);
}

static void wild_free(void)
{
	char *p = block();

	release(p + 32);
	release(p);
}

static void overrun(void)
{
	char *p = block();

	p[block_bytes()] ^= 1;
	release(p);
}

static void write_after_free(void)
{
	void *p = block();

	release(p);
	memset(p, 0x5a, 16);
	release(block()); /* takes the same block */
}

static void crash(void)
{
	raise(SIGSEGV);
}

static void leave(void)
{
	_exit(0);
}

static void spin(void)
{
	for (volatile uint64_t i = 0;; i++)
		continue;
}

static void block_for_ever(void)
{
	static uint32_t word;

	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void die_with_lock(void)
{
	heap_hold();
	kill(getpid(), SIGKILL);
}

static void (*const strikes[FAULTS])(void) = {
	[FAULT_DOUBLE_FREE] = double_free,
	[FAULT_WILD_FREE] = wild_free,
	[FAULT_OVERRUN] = overrun,
	[FAULT_HEAP_DAMAGE] = write_after_free,
	[FAULT_CRASH] = crash,
	[FAULT_EXIT] = leave,
	[FAULT_HANG] = block_for_ever,
	[FAULT_SPIN] = spin,
	[FAULT_LOCK_HOLDER] = die_with_lock,
};

int fault_other_worker(void)
{
	uint32_t n = rig.config->workers;

	return n < 2 ? rig.worker : (int)(((uint32_t)rig.worker + 1 + fault_random(n - 1)) % n);
}

/*
 * As if another worker took this one's state for its own: half are its marker,
 * half an error as its bad peers make them.
 */
static void strike_queue(void)
{
	if (fault_waits(FAULT_FOREIGN_ERROR)) {
		int other = fault_other_worker();

		fault_due(FAULT_FOREIGN_ERROR, other);
		heap_pretend(other);
		detect_put(fault_random(2) == 0 ? other : -1);
		heap_pretend(rig.worker);
	} else if (detect_mine() && fault_due(FAULT_SWALLOWED_ERROR, -1)) {
		openssl.ERR_clear_error();
	}
}

static const char *base_name(const char *file)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;

	return slash != NULL ? slash + 1 : file;
}

void fault_strike(const char *file)
{
	enum fault fault = (enum fault)rig.config->fault;
	void (*strike)(void) = strikes[fault];

	if (striking || !armed)
		return;
	striking = true;
	place = base_name(file);
	if (strike != NULL) {
		if (fault_due(fault, -1))
			strike();
	} else if (!openssl_queue_file(file)) { /* no place to call them again */
		strike_queue();
	}
	place = NULL;
	striking = false;
}

/* Filled in rank 0, not OpenSSL's, and still as it was. */
static bool may_be_lost(uint32_t key)
{
	const struct slot *slot = &rig.block->slots[key];

	return slot->value != 0 && !(slot->created && slot->owner == KEY_OPENSSL) &&
	       pthread_getspecific((pthread_key_t)key) != NULL;
}

/* One in two workers loses one slot of another library. */
static void lose_slot(void)
{
	uint32_t n = 0, keys[MAX_SLOTS];

	for (uint32_t key = 0; key < rig.block->slots_known; key++) {
		if (may_be_lost(key))
			keys[n++] = key;
	}
	if (n == 0 || fault_random(2) == 0)
		return;
	n = keys[fault_random(n)];
	count_injection((int)n);
	if (pthread_setspecific((pthread_key_t)n, NULL) != 0)
		FAIL(0, "fault: clear foreign key %u", n);
}

void fault_after_fork(void)
{
	state = rig.config->seed ^ ((uint64_t)rig.worker << 32) ^ (rig.me->generations << 48);
	plan_from = rig.me->handshakes + 1; /* OpenSSL's state of this worker is there then */
	armed = chosen();
	if (armed && rig.config->fault == FAULT_LOST_SLOT)
		lose_slot();
}
