/*
 * detect.c: see detect.h.
 *
 * A worker's error queue is its own affair: from one check to the next nobody
 * else puts anything in, and as long as its connections go well it stays empty.
 * It is looked at wherever OpenSSL or the daemon is about to clear it, so that
 * nothing is cleared unseen. In the first half of a check the queue must
 * stay empty; in the second it must hold exactly the marker that the worker put
 * there. The marker names its worker, so that whoever finds it in the wrong
 * queue can tell whose it is. The draws lie between clearing and looking: they
 * are what makes the time in which another process can interfere.
 */
#include "detect.h"

#include "errqueue.h"
#include "fault.h"
#include "heap.h"
#include "keys.h"
#include "openssl.h"
#include "rig.h"

#include <string.h>

/* ERR_LIB_SSL and SSL_R_NO_SHARED_CIPHER, of sslerr.h in every release. */
enum { LIBRARY_SSL = 20, NO_SHARED_CIPHER = 193 };
enum { DRAWS = 4, DRAW_BYTES = sizeof(((struct draw *)0)->value), REASON_FIRST = 200, DRAW_OF_FAULT = 2 };

static int serial;
static bool clearing; /* what was reported already */
static bool settled;  /* the queue is empty, or holds what is not mine */

static bool watches(enum detector detector)
{
	return (rig.config->detectors & (uint32_t)detector) != 0;
}

static void put_error(int library, int reason, int line)
{
	if (openssl.ERR_set_error != NULL) {
		openssl.ERR_new();
		openssl.ERR_set_debug("tlsbench", line, "check");
		openssl.ERR_set_error(library, reason, NULL);
	} else {
		openssl.ERR_put_error(library, 0, reason, "tlsbench", line);
	}
}

static void put_marker(void)
{
	serial = serial % 1000000 + 1;
	put_error(ERR_LIB_USER, REASON_FIRST + rig.worker, serial);
}

/* The oldest entry and the line it came from, without taking it. */
static unsigned long peek(int *line)
{
	const char *text;
	int flags;

	*line = 0;
	if (openssl.ERR_peek_error_all != NULL)
		return openssl.ERR_peek_error_all(&text, line, &text, &text, &flags);
	return openssl.ERR_peek_error_line(&text, line);
}

static bool is_marker(unsigned long code)
{
	/* the library number is in the top byte to 1.1.1, in bits 23 to 30 later */
	unsigned long library = openssl.ERR_set_error != NULL ? (code >> 23) & 0xff : (code >> 24) & 0xff;

	return library == ERR_LIB_USER;
}

static int marker_worker(unsigned long code)
{
	return (int)(code & 0xfff) - REASON_FIRST;
}

static void foreign(const char *when, unsigned long code)
{
	char text[80];

	if (errqueue_told(code))
		return;
	if (code == 0) {
		note_event(EVENT_FOREIGN_ERROR, "%s: my entry is gone", when);
	} else if (is_marker(code)) {
		note_event(EVENT_FOREIGN_ERROR, "%s: entry of worker %d", when, marker_worker(code));
	} else {
		openssl.ERR_error_string_n(code, text, sizeof text);
		note_event(EVENT_FOREIGN_ERROR, "%s: %s", when, text);
	}
}

static struct draw *draws_of(int worker)
{
	struct draw *all = (struct draw *)((char *)rig.block + rig.config->draws_at);

	return all + (uint64_t)worker * rig.config->draws_per_worker;
}

/*
 * The fault: what another worker drew at some time, if it drew anything. No draw
 * is taken twice, and none that was taken itself: whose it was is clear.
 */
static bool repeat_draw(unsigned char *value)
{
	struct draw *source;
	uint64_t n;
	int other;

	if (!fault_waits(FAULT_REPEATED_RANDOM))
		return false;
	other = fault_other_worker();
	n = __atomic_load_n(&rig.workers[other].draws, __ATOMIC_ACQUIRE);
	source = n > 0 ? &draws_of(other)[fault_random(n)] : NULL;
	if (source == NULL || (__atomic_fetch_or(&source->kind, DRAW_OF_FAULT, __ATOMIC_RELAXED) & DRAW_OF_FAULT) != 0)
		return false;
	fault_due(FAULT_REPEATED_RANDOM, other);
	memcpy(value, source->value, DRAW_BYTES);
	return true;
}

/* Told once: a generator that is damaged stays so. */
static void refuse_draw(uint32_t kind)
{
	static bool told_already;

	if (!told_already)
		note_event(EVENT_FAILED_HANDSHAKE, "%s: %s", kind == 0 ? "RAND_bytes" : "RAND_priv_bytes",
			openssl_error());
	told_already = true;
}

/* False if OpenSSL refused: its own error is in the queue then. */
static bool draw(uint32_t kind)
{
	unsigned char value[DRAW_BYTES];
	struct draw *kept;
	int ok;

	ok = kind == 0 ? openssl.RAND_bytes(value, DRAW_BYTES) : openssl.RAND_priv_bytes(value, DRAW_BYTES);
	if (ok != 1) {
		refuse_draw(kind);
		return false;
	}
	if (rig.me->draws >= rig.config->draws_per_worker) {
		bump(&rig.me->draws_lost);
		return true;
	}
	if (repeat_draw(value))
		kind += DRAW_OF_FAULT;
	kept = draws_of(rig.worker) + rig.me->draws;
	memcpy(kept->value, value, DRAW_BYTES);
	kept->at_us = (uint32_t)((now_ns() - rig.block->load_start) / 1000);
	kept->kind = kind;
	/* counted last: a draw that is counted is whole */
	__atomic_store_n(&rig.me->draws, rig.me->draws + 1, __ATOMIC_RELEASE);
	return true;
}

static bool draw_both(void)
{
	bool ok;

	if (!watches(DETECT_RANDOM))
		return true;
	fault_point(NULL);
	ok = draw(0);
	fault_point(NULL);
	ok = draw(1) && ok;
	fault_point(NULL);
	return ok;
}

static bool marker_whole(void)
{
	int line;
	unsigned long code = peek(&line);
	unsigned long last = openssl.ERR_peek_last_error();

	if (code == 0 || !is_marker(code) || marker_worker(code) != rig.worker)
		foreign("with my entry", code);
	else if (line != serial)
		foreign("with my entry, an old one of mine instead", code);
	else if (last != code)
		foreign("behind my entry", last);
	else
		return true;
	return false;
}

static void clear_queue(void)
{
	clearing = true;
	openssl.ERR_clear_error();
	clearing = false;
}

static void check_empty(void)
{
	unsigned long code = 0;

	if (settled)
		detect_look("between two checks");
	else
		openssl.ERR_clear_error();
	if (draw_both())
		code = openssl.ERR_peek_error();
	else
		openssl.ERR_clear_error();
	if (code != 0) {
		foreign("empty queue", code);
		clear_queue();
	}
}

static void check_marked(void)
{
	bool drawn;

	put_marker();
	drawn = draw_both();
	if (drawn && marker_whole())
		openssl.ERR_get_error(); /* takes mine out; what comes now is not mine */
	else
		clear_queue();
	settled = true;
}

void detect_check(void)
{
	if (watches(DETECT_QUEUE)) {
		check_empty();
		check_marked();
	} else {
		draw_both();
		draw_both();
	}
	bump(&rig.me->checks);
}

void detect_look(const char *when)
{
	unsigned long code;

	if (!settled)
		return;
	code = openssl.ERR_peek_error();
	if (code == 0)
		return;
	foreign(when, code);
	clear_queue();
}

/* An entry has two texts or three, which are freed one right after the other. */
void detect_freed(int owner, const char *file)
{
	enum { TOGETHER = 4 };
	static uint64_t last;
	uint64_t call = heap_calls();

	if (clearing || rig.me == NULL || rig.config->check_rate == 0 || !watches(DETECT_QUEUE) ||
		!openssl_queue_file(file))
		return;
	if (last == 0 || call > last + TOGETHER)
		note_event(EVENT_FOREIGN_ERROR, "cleared by OpenSSL: entry of worker %d", owner);
	last = call;
}

void detect_passing(unsigned long code)
{
	foreign("in the middle of a call", code);
}

bool detect_is_mine(unsigned long code)
{
	return is_marker(code) && marker_worker(code) == rig.worker;
}

void detect_own_errors(void)
{
	settled = false;
}

void detect_drain(void)
{
	bool watching = rig.config->check_rate > 0 && watches(DETECT_QUEUE);
	bool found = false;
	unsigned long code;

	while ((code = openssl.ERR_get_error()) != 0) {
		if (!watching || !is_marker(code)) /* no peer makes those */
			continue;
		foreign("among a refused peer's errors", code);
		found = true;
	}
	if (found)
		clear_queue(); /* the texts of what was taken out are still there */
	settled = watching;
}

void detect_put(int worker)
{
	if (worker < 0)
		put_error(LIBRARY_SSL, NO_SHARED_CIPHER, 0);
	else
		put_error(ERR_LIB_USER, REASON_FIRST + worker, 0);
}

bool detect_mine(void)
{
	unsigned long code = openssl.ERR_peek_error();

	return code != 0 && detect_is_mine(code);
}

/*
 * A slot that is not OpenSSL's belongs to someone who will miss what rank 0 had
 * put into it.
 */
static void find_lost_slots(void)
{
	for (uint32_t key = 0; key < rig.block->slots_known; key++) {
		const struct slot *slot = &rig.block->slots[key];

		if (slot->value == 0 || (slot->created && slot->owner == KEY_OPENSSL) ||
			rig.me->slots_forked[key] == slot->value)
			continue;
		note_event(EVENT_LOST_SLOT, "key %u of %s: rank 0's value is gone", key,
			slot->created ? slot->object : "an unknown owner");
	}
}

void detect_forked(void)
{
	if (!watches(DETECT_SLOTS))
		return;
	keys_values(rig.me->slots_forked);
	if (rig.config->fork.keys == 0) /* those of a fork trial are there to be cleared */
		find_lost_slots();
	__atomic_store_n(&rig.me->forked, 1, __ATOMIC_RELEASE);
}

static uint64_t number(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static uint64_t generator(void *(*get0)(void *), void *(*drbg)(void))
{
	if (get0 != NULL)
		return number(get0(NULL));
	return drbg != NULL ? number(drbg()) : 0;
}

static void keep_used(void)
{
	if (openssl.ERR_get_state != NULL)
		rig.me->objects[0] = number(openssl.ERR_get_state());
	/* with an own random method OpenSSL's generators are not in use */
	if (!rig.config->rand_method) {
		rig.me->objects[1] = generator(openssl.RAND_get0_public, openssl.RAND_DRBG_get0_public);
		rig.me->objects[2] = generator(openssl.RAND_get0_private, openssl.RAND_DRBG_get0_private);
	}
	keys_values(rig.me->slots_used);
	__atomic_store_n(&rig.me->used, 1, __ATOMIC_RELEASE);
}

void detect_used(void)
{
	if (!rig.me->used && watches(DETECT_SLOTS))
		keep_used();
}
