/* slots.c: see slots.h. */
#include "slots.h"

#include "heap.h"
#include "keys.h"
#include "openssl.h"
#include "rig.h"

#include <stdio.h>

void slots_survey(void)
{
	for (pthread_key_t key = 0; key < MAX_SLOTS; key++) {
		struct slot *slot = &rig.block->slots[key];
		void *value = pthread_getspecific(key);

		slot->created = key_known(key);
		slot->owner = key_owner(key);
		slot->value = (uint64_t)(uintptr_t)value;
		slot->in_heap = heap_contains(value);
		snprintf(slot->object, sizeof slot->object, "%s", key_creator(key));
		if (slot->created || value != NULL)
			rig.block->slots_known = key + 1;
	}
}

static bool watched(void)
{
	return (rig.config->detectors & DETECT_SLOTS) != 0;
}

static void read_values(uint64_t *values)
{
	for (pthread_key_t key = 0; key < MAX_SLOTS; key++)
		values[key] = (uint64_t)(uintptr_t)pthread_getspecific(key);
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

void slots_after_fork(void)
{
	if (!watched())
		return;
	read_values(rig.me->slots_forked);
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
	read_values(rig.me->slots_used);
	__atomic_store_n(&rig.me->used, 1, __ATOMIC_RELEASE);
}

void slots_after_handshake(void)
{
	if (!rig.me->used && watched())
		keep_used();
}
