/*
 * tracerace.c: the discipline, Eraser's (Savage et al., 1997), on what the
 * tracer saw: a block is raced if two processes write it without an exclusive
 * lock that all these writes have in common, and not by atomic instructions
 * alone. Eraser knows no order of events. The fork is one, so it is followed
 * here: rank 0's write races only with workers that lived then.
 */
#include "trace.h"

#include <sched.h>
#include <string.h>

/*
 * Held for nanoseconds with all signals blocked. A process that is killed right
 * then must not stop the others: after a while the lock counts as free.
 */
void trace_hold(uint32_t *word)
{
	for (uint32_t i = 0; i < 1u << 16; i++) {
		if (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) == 0)
			return;
		if (i > 64)
			sched_yield();
	}
}

void trace_release(uint32_t *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static uint64_t bit(uint32_t process)
{
	return UINT64_C(1) << process;
}

static bool holds(const struct trace_touch *touch, uint64_t lock)
{
	for (uint32_t i = 0; i < touch->nlocks; i++) {
		if (touch->locks[i] == lock)
			return true;
	}
	return false;
}

static void intersect(struct trace_lockset *set, const struct trace_touch *touch)
{
	uint32_t kept = 0;

	if (!set->begun) {
		set->begun = 1;
		set->n = touch->nlocks;
		memcpy(set->locks, touch->locks, sizeof set->locks);
		return;
	}
	for (uint32_t i = 0; i < set->n; i++) {
		if (holds(touch, set->locks[i]))
			set->locks[kept++] = set->locks[i];
	}
	set->n = kept;
}

static bool have_common(const struct trace_lockset *a, const struct trace_lockset *b)
{
	for (uint32_t i = 0; i < a->n; i++) {
		for (uint32_t j = 0; j < b->n; j++) {
			if (a->locks[i] == b->locks[j])
				return true;
		}
	}
	return false;
}

static bool two_workers(uint64_t set)
{
	set &= ~bit(TRACE_RANK0);
	return (set & (set - 1)) != 0;
}

/* A word that one process writes by atomic instructions and another one not. */
static bool mixed(struct trace_block *block, const struct trace_touch *touch)
{
	uint32_t offset = touch->offset & ~3u;

	if (touch->process == TRACE_RANK0)
		return false;
	for (uint32_t i = 0; i < TRACE_WORDS; i++) {
		struct trace_word *word = &block->words[i];

		if (!word->used && !(touch->how & TRACE_ATOMIC))
			return false;
		if (!word->used) {
			word->used = 1;
			word->offset = offset;
		}
		if (word->offset != offset)
			continue;
		*(touch->how & TRACE_ATOMIC ? &word->atomic : &word->plain) |= bit(touch->process);
		return word->plain != 0 && word->atomic != 0 && two_workers(word->plain | word->atomic);
	}
	return false;
}

static bool raced(const struct trace_block *block)
{
	if (two_workers(block->plain) && block->workers.n == 0)
		return true;
	return (block->plain & block->witnesses) != 0 && !have_common(&block->workers, &block->rank0);
}

static void judge(struct trace_block *block)
{
	uint64_t rank0 = bit(TRACE_RANK0), workers = block->plain & ~rank0;

	if (block->verdict == TRACE_RACED)
		return;
	if (raced(block)) {
		block->verdict = TRACE_RACED;
		return;
	}
	if (workers != 0 && !two_workers(workers) && block->workers.n == 0 && (block->readers & ~workers) != 0)
		block->verdict = TRACE_READ_RACED;
	if (block->rank0.begun && block->rank0.n == 0 && (block->readers & block->witnesses) != 0)
		block->verdict = TRACE_READ_RACED;
}

static bool keep_write(struct trace_block *block, const struct trace_touch *touch)
{
	uint32_t how = touch->how | (touch->nlocks > 0 ? TRACE_LOCKED : 0);

	for (uint32_t i = 0; i < TRACE_WRITES; i++) {
		struct trace_write *write = &block->writes[i];
		bool news = write->count == 0 || (write->by & bit(touch->process)) == 0;

		if (write->count != 0 && (write->site != touch->site || write->how != how))
			continue;
		write->site = touch->site;
		write->how = how;
		write->by |= bit(touch->process);
		write->count++;
		return news;
	}
	return false;
}

static bool apply(struct trace *record, struct trace_block *block, const struct trace_touch *touch)
{
	uint32_t how = touch->how;
	uint64_t self = bit(touch->process);
	bool rank0 = touch->process == TRACE_RANK0;

	if (how & TRACE_IN_LOCK)
		return false;
	if (how & TRACE_READ) {
		bool news = (block->readers & self) == 0;

		block->readers |= self;
		return news;
	}
	if (mixed(block, touch))
		block->verdict = TRACE_RACED;
	if (how & TRACE_ATOMIC) {
		bool news = (block->atomic & self) == 0;

		block->atomic |= self;
		return news;
	}
	if (rank0)
		block->witnesses |= trace_alive(record);
	intersect(rank0 ? &block->rank0 : &block->workers, touch);
	block->plain |= self;
	return false;
}

bool trace_note(struct trace *record, struct trace_block *block, const struct trace_touch *touch)
{
	bool news;

	trace_hold(&block->busy);
	news = keep_write(block, touch);
	news = apply(record, block, touch) || news;
	judge(block);
	trace_release(&block->busy);
	return news;
}

bool trace_settled(const struct trace_block *block, uint32_t process)
{
	const struct trace_lockset *set = process == TRACE_RANK0 ? &block->rank0 : &block->workers;

	return block->verdict == TRACE_RACED || ((block->plain & bit(process)) != 0 && set->begun && set->n == 0);
}

bool trace_one_writes(const struct trace_block *block, uint32_t reader)
{
	uint64_t rank0 = bit(TRACE_RANK0), workers = block->plain & ~rank0;

	if (block->verdict == TRACE_RACED || block->has_lock || block->lock_only)
		return false;
	if (workers != 0 && !two_workers(workers) && block->workers.n == 0 && workers != bit(reader))
		return true;
	return block->rank0.begun && block->rank0.n == 0 && (block->witnesses & bit(reader)) != 0;
}
