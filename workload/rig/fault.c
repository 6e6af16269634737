/* fault.c: see fault.h. */
#include "fault.h"

#include "strategy.h"
#include "openssl.h"
#include "rig.h"
#include "watch.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ERR_LIB_SSL and SSL_R_NO_SHARED_CIPHER, of sslerr.h in every release. */
enum { LIBRARY_SSL = 20, NO_SHARED_CIPHER = 193 };

static struct allocator under;
static struct openssl real; /* the functions that are replaced in the table */

/* What a detector sees of two faults in one queue, or one echo, is one. */
static uint64_t handshakes_apart(void)
{
	uint32_t kind = rig.config->fault.kind;

	return kind == FAULT_FOREIGN_ERROR || kind == FAULT_SWALLOWED_ERROR || kind == FAULT_WRONG_DATA;
}

static uint64_t state; /* of the random numbers */
static bool armed, striking;
static uint64_t due_at;        /* 0: not planned yet */
static uint64_t plan_from;     /* handshakes */
static const char *allocating; /* file, NULL if none */

static uint64_t chance(uint64_t n)
{
	return split_mix(&state) % n;
}

static bool chosen(void)
{
	return rig.config->fault.worker < 0 || rig.config->fault.worker == rig.worker;
}

/*
 * The time runs from when the next fault may come, and is uniform from nothing to
 * twice the mean: its phase has nothing to do with the load's.
 */
static bool waits(enum fault fault)
{
	if (!armed || rig.config->fault.kind != (uint32_t)fault || rig.me->handshakes < plan_from)
		return false;
	if (due_at == 0)
		due_at = now_ns() + chance(2 * rig.config->fault.gap + 1);
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
	if (allocating != NULL)
		snprintf(injection->file, sizeof injection->file, "%s", allocating);
	__atomic_store_n(&injection->complete, 1, __ATOMIC_RELEASE);
}

/* Whether the fault is to happen now; counts it then. other is for the record, see block.h. */
static bool due(enum fault fault, int other)
{
	if (!waits(fault))
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
	void *p = under.malloc(block_bytes(), __FILE__, __LINE__);

	if (p == NULL)
		FAIL(ENOMEM, "fault: allocate");
	return p;
}

static void release(void *p)
{
	under.free(p, __FILE__, __LINE__);
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

/* Another worker, by chance; this one where there is no other. */
static int other_worker(void)
{
	uint32_t n = rig.config->workers;

	return n < 2 ? rig.worker : (int)(((uint32_t)rig.worker + 1 + chance(n - 1)) % n);
}

static int disguise; /* whose blocks are taken now, if not this worker's */
static bool disguised;

static void put_entry_of(int other)
{
	disguise = other;
	disguised = true;
	if (chance(2) == 0)
		openssl_put_error(ERR_LIB_USER, MARKER_FIRST + other, 0);
	else
		openssl_put_error(LIBRARY_SSL, NO_SHARED_CIPHER, 0);
	disguised = false;
}

/*
 * As if another worker took this one's state for its own: half are its marker,
 * half an error as its bad peers make them.
 */
static void strike_queue(void)
{
	if (waits(FAULT_FOREIGN_ERROR)) {
		int other = other_worker();

		due(FAULT_FOREIGN_ERROR, other);
		put_entry_of(other);
	} else if (watch_is_mine(openssl.ERR_peek_error()) && due(FAULT_SWALLOWED_ERROR, -1)) {
		openssl.ERR_clear_error();
	}
}

static const char *base_name(const char *file)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;

	return slash != NULL ? slash + 1 : file;
}

/*
 * A point at which any fault may strike that has no point of its own. file is
 * the caller's, as OpenSSL's allocations give it, or NULL.
 */
static void point(const char *file)
{
	enum fault fault = (enum fault)rig.config->fault.kind;
	void (*strike)(void) = strikes[fault];

	if (striking || !armed)
		return;
	striking = true;
	allocating = base_name(file);
	if (strike != NULL) {
		if (due(fault, -1))
			strike();
	} else if (!openssl_queue_file(file)) { /* from there they cannot be called again */
		strike_queue();
	}
	allocating = NULL;
	striking = false;
}

static void *faulty_malloc(size_t size, const char *file, int line)
{
	void *p;

	point(file);
	p = under.malloc(size, file, line);
	if (p != NULL && disguised)
		heap_set_owner(p, disguise);
	return p;
}

static void *faulty_realloc(void *p, size_t size, const char *file, int line)
{
	void *q;

	point(file);
	q = under.realloc(p, size, file, line);
	if (q != NULL && q != p && disguised)
		heap_set_owner(q, disguise);
	return q;
}

static void faulty_free(void *p, const char *file, int line)
{
	point(file);
	under.free(p, file, line);
}

/*
 * What is about to be kept becomes what was kept of another worker at some time,
 * if anything was. Nothing is taken twice, and nothing that was taken itself:
 * whose it was is clear.
 */
static void repeat(enum fault fault, unsigned char *value)
{
	struct draw *source;
	uint64_t n;
	int other;

	if (!waits(fault) || rig.me->draws >= rig.config->draws_per_worker)
		return;
	other = other_worker();
	n = __atomic_load_n(&rig.workers[other].draws, __ATOMIC_ACQUIRE);
	source = n > 0 ? &watch_draws(other)[chance(n)] : NULL;
	if (source == NULL ||
		(__atomic_fetch_or(&source->source, DRAW_OF_FAULT, __ATOMIC_RELAXED) & DRAW_OF_FAULT) != 0)
		return;
	due(fault, other);
	memcpy(value, source->value, DRAW_BYTES);
	watch_draws(rig.worker)[rig.me->draws].source = DRAW_OF_FAULT; /* where the detector will keep it */
}

static int drawn(int ok, unsigned char *bytes, int n)
{
	if (ok == 1 && n == DRAW_BYTES)
		repeat(FAULT_REPEATED_RANDOM, bytes);
	point(NULL);
	return ok;
}

static int faulty_random(unsigned char *bytes, int n)
{
	point(NULL);
	return drawn(real.RAND_bytes(bytes, n), bytes, n);
}

static int faulty_private_random(unsigned char *bytes, int n)
{
	point(NULL);
	return drawn(real.RAND_priv_bytes(bytes, n), bytes, n);
}

static size_t faulty_hello(const SSL *ssl, unsigned char *random, size_t n)
{
	n = real.SSL_get_server_random(ssl, random, n);
	repeat(FAULT_REPEATED_HELLO, random);
	return n;
}

static size_t faulty_share(void *key, unsigned char **share)
{
	size_t n = real.EVP_PKEY_get1_encoded_public_key(key, share);

	if (n > DRAW_BYTES)
		repeat(FAULT_REPEATED_SHARE, *share + 1);
	return n;
}

static const SSL *cut; /* the connection whose server does no handshake */

static void faulty_accept(SSL *ssl)
{
	real.SSL_set_accept_state(ssl);
	cut = due(FAULT_CUT, -1) ? ssl : NULL;
}

static int faulty_handshake(SSL *ssl)
{
	return ssl == cut ? -1 : real.SSL_do_handshake(ssl);
}

static int faulty_read(SSL *ssl, void *bytes, int n)
{
	int got = real.SSL_read(ssl, bytes, n);

	if (got > 0) {
		point(NULL);
		if (due(FAULT_WRONG_DATA, -1))
			*(unsigned char *)bytes ^= 1;
	}
	return got;
}

/* Before the first call of a connection and before its last one. */
static SSL *faulty_new(SSL_CTX *ctx)
{
	point(NULL);
	fault_race_act();
	return real.SSL_new(ctx);
}

static void faulty_end(SSL *ssl)
{
	point(NULL);
	real.SSL_free(ssl);
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
	if (n == 0 || chance(2) == 0)
		return;
	n = keys[chance(n)];
	count_injection((int)n);
	if (pthread_setspecific((pthread_key_t)n, NULL) != 0)
		FAIL(0, "fault: clear foreign key %u", n);
}

/*
 * In a new worker, and before the strategy acts there: what a fault takes from
 * another library the strategy does not give back.
 */
static void arm(void)
{
	state = rig.config->seed ^ ((uint64_t)rig.worker << 32) ^ (rig.me->generations << 48);
	plan_from = rig.me->handshakes + 1; /* OpenSSL's state of this worker is there then */
	armed = chosen();
	if (armed && rig.config->fault.kind == FAULT_LOST_SLOT)
		lose_slot();
}

void fault_install(struct allocator *allocator)
{
	int err;

	if (rig.config->fault.kind == FAULT_NONE)
		return;
	under = *allocator;
	fault_race_prepare(allocator);
	*allocator = (struct allocator){faulty_malloc, faulty_realloc, faulty_free};
	real = openssl;
	openssl.RAND_bytes = faulty_random;
	openssl.RAND_priv_bytes = faulty_private_random;
	openssl.SSL_get_server_random = faulty_hello;
	openssl.EVP_PKEY_get1_encoded_public_key = faulty_share;
	openssl.SSL_set_accept_state = faulty_accept;
	openssl.SSL_do_handshake = faulty_handshake;
	openssl.SSL_read = faulty_read;
	openssl.SSL_new = faulty_new;
	openssl.SSL_free = faulty_end;
	err = pthread_atfork(NULL, NULL, arm);
	if (err != 0)
		FAIL(err, "fault: register fork handler");
}
