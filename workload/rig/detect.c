/*
 * detect.c: see detect.h.
 *
 * A worker's error queue is its own affair: between clearing it and looking
 * again nobody puts anything in. In the first half of a check the queue must
 * stay empty; in the second it must hold exactly the marker that the worker put
 * there. The marker names its worker, so that whoever finds it in the wrong
 * queue can tell whose it is. The draws lie between clearing and looking: they
 * are what makes the time in which another process can interfere.
 */
#include "detect.h"

#include "../../strategies/mutant.h"
#include "fault.h"
#include "keys.h"
#include "openssl.h"
#include "rig.h"

#include <string.h>

enum { DRAWS = 4, DRAW_BYTES = sizeof(((struct draw *)0)->value), REASON_FIRST = 200 };

static int serial;

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

	if (MUTANT("foreign-error-silent") || (code == 0 && MUTANT("foreign-error-gone-silent")))
		return;
	if (code == 0) {
		note_event(EVENT_FOREIGN_ERROR, "%s: my entry is gone", when);
	} else if (is_marker(code)) {
		note_event(EVENT_FOREIGN_ERROR, "%s: entry of worker %d", when,
			marker_worker(code) + MUTANT("foreign-error-owner"));
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

/* The fault: what the next worker drew last, if it drew anything. */
static void repeat_draw(unsigned char *value)
{
	int other = (rig.worker + 1) % (int)rig.config->workers;
	uint64_t n = __atomic_load_n(&rig.workers[other].draws, __ATOMIC_ACQUIRE);

	if (n > 0 && fault_due(FAULT_REPEATED_RANDOM))
		memcpy(value, draws_of(other)[n - 1].value, DRAW_BYTES);
}

/* False if OpenSSL refused: its own error is in the queue then. */
static bool draw(uint32_t kind)
{
	unsigned char value[DRAW_BYTES];
	struct draw *kept;
	int ok;

	ok = kind == 0 ? openssl.RAND_bytes(value, DRAW_BYTES) : openssl.RAND_priv_bytes(value, DRAW_BYTES);
	if (ok != 1)
		return false;
	if (rig.me->draws >= rig.config->draws_per_worker) {
		bump(&rig.me->draws_lost);
		return true;
	}
	repeat_draw(value);
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
	bool ok = draw(0);

	return draw(1) && ok;
}

static void check_marker(void)
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
}

void detect_check(void)
{
	unsigned long code;
	bool drawn;

	openssl.ERR_clear_error();
	drawn = draw_both();
	if (fault_due(FAULT_FOREIGN_ERROR))
		put_error(ERR_LIB_USER, REASON_FIRST + rig.worker + 1, 0);
	if (MUTANT("foreign-error-off-by-one"))
		openssl.ERR_get_error(); /* one entry is let pass */
	code = openssl.ERR_peek_error();
	if ((code != 0 || MUTANT("foreign-error-always")) && drawn)
		foreign("empty queue", code);
	openssl.ERR_clear_error();
	put_marker();
	drawn = draw_both();
	if (fault_due(FAULT_SWALLOWED_ERROR))
		openssl.ERR_clear_error();
	if (drawn)
		check_marker();
	openssl.ERR_clear_error();
	bump(&rig.me->checks);
}

/*
 * A slot that is not OpenSSL's belongs to someone who will miss what rank 0 had
 * put into it.
 */
static void find_lost_slots(void)
{
	for (uint32_t key = MUTANT("lost-slot-off-by-one"); key < rig.block->slots_known; key++) {
		const struct slot *slot = &rig.block->slots[key];

		if (slot->value == 0 || (slot->created && slot->owner == KEY_OPENSSL) ||
			(rig.me->slots_forked[key] == slot->value && !MUTANT("lost-slot-always")) ||
			MUTANT("lost-slot-silent"))
			continue;
		note_event(EVENT_LOST_SLOT, "key %u of %s: rank 0's value is gone", key,
			slot->created ? slot->object : "an unknown owner");
	}
}

void detect_forked(void)
{
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

void detect_used(void)
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
