/*
 * heap.c: see heap.h. One shared mapping, cut into arenas of free lists by size
 * class. Under the policy global there is one arena behind one lock, as in
 * Kamailio. Under scalable each process has an arena that only it takes from;
 * a block freed by another process is pushed onto its home arena's remote list,
 * which the owner empties when it runs short. Both carve from one region under
 * the lock, in chunks, so that scalable seldom meets it.
 *
 *   | header 16 | what was asked for ... | guard 8 | slack up to the class |
 *
 * A free block keeps its list link and the link's complement where the data
 * was, so that a write after free shows when the block is taken again. A block
 * changes state by atomic exchange: of two processes that free it at once one
 * finds it free already. Blocks are never joined; classes are at most a quarter
 * apart.
 */
#include "heap.h"

#include "heapclass.h"
#include "lock.h"
#include "rig.h"
#include "traceblock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	CHUNK = 64 * 1024,
	STATE_LIVE = 0x4c495645,
	STATE_FREE = 0x46524545,
};

struct header {
	uint32_t state;
	uint32_t size; /* as asked for */
	uint16_t class;
	uint16_t home;  /* arena */
	uint16_t owner; /* process that took it: 0 rank 0, else worker + 1 */
	uint16_t guard;
};

/* What lies in the data part of a free block. */
struct link {
	uint64_t next;  /* offset of the next header, 0 = none */
	uint64_t check; /* its complement */
};

struct arena {
	uint64_t free[CLASSES];
	uint64_t from, to; /* rest of the current chunk */
	uint64_t remote __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct heap {
	struct lock lock;
	uint64_t carved __attribute__((aligned(64))); /* offset of what was never used */
	uint64_t limit;                               /* and where it ends */
	struct arena arenas[];
};

static struct heap *heap;
static char *base;
static uint64_t size_of_heap;
static enum heap_policy policy;
static uint32_t place; /* this process: 0 rank 0, else worker + 1 */
static struct arena *own;
static bool watched; /* else only what a heap needs to work is looked at */
static int64_t live; /* of this process alone: no one else counts here */

static size_t block_size(size_t size)
{
	size_t room = size < sizeof(struct link) ? sizeof(struct link) : size;

	return sizeof(struct header) + room + sizeof(uint64_t);
}

static uint64_t offset_of(const struct header *h)
{
	return (uint64_t)((const char *)h - base);
}

static struct header *at_offset(uint64_t offset)
{
	return (struct header *)(base + offset);
}

static void *data_of(struct header *h)
{
	return h + 1;
}

static uint16_t front_guard(uint64_t offset)
{
	return (uint16_t)(0x9e37u ^ (offset >> 4) ^ (offset >> 20));
}

static uint64_t tail_guard(uint64_t offset)
{
	return 0x5bd1e9955bd1e995ull ^ offset;
}

static void set_tail(struct header *h)
{
	uint64_t guard = tail_guard(offset_of(h));

	memcpy((char *)data_of(h) + h->size, &guard, sizeof guard);
}

static bool tail_whole(struct header *h)
{
	uint64_t guard;

	memcpy(&guard, (char *)data_of(h) + h->size, sizeof guard);
	return guard == tail_guard(offset_of(h));
}

bool heap_contains(const void *p)
{
	return heap != NULL && (const char *)p >= base && (const char *)p < base + size_of_heap;
}

/* Whether an offset can be that of a header at all. */
static bool plausible(uint64_t offset)
{
	return offset % 16 == 0 && offset >= sizeof(struct heap) &&
	       offset < __atomic_load_n(&heap->carved, __ATOMIC_RELAXED);
}

static void bad_free(enum event_kind kind, const char *what, const struct header *h, const char *file, int line)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : file;

	note_event(kind, "%s, %u bytes of process %d, at %s:%d", what, h != NULL ? h->size : 0,
		h != NULL ? h->owner - 1 : -2, name != NULL ? name : "?", line);
	if (rig.config->heap_abort)
		abort();
}

/* Takes a fresh chunk or large block from the region; 0 = the heap is full. */
static uint64_t carve(size_t bytes)
{
	uint64_t offset = heap->carved;

	if (bytes > heap->limit - offset) {
		if (__atomic_fetch_add(&rig.block->heap_exhausted, 1, __ATOMIC_RELAXED) == 0)
			rig.block->heap_full_at = now_ns();
		return 0;
	}
	__atomic_store_n(&heap->carved, offset + bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&rig.block->heap_used, offset + bytes, __ATOMIC_RELAXED);
	return offset;
}

static uint64_t carve_locked(size_t bytes)
{
	uint64_t offset;

	if (policy == HEAP_GLOBAL) /* the caller holds the lock */
		return carve(bytes);
	lock_take(&heap->lock, rig.pid);
	offset = carve(bytes);
	lock_give(&heap->lock);
	return offset;
}

static struct header *fresh(struct arena *arena, unsigned class)
{
	size_t bytes = class_size(class);
	uint64_t offset;
	struct header *h;

	if (bytes > CHUNK / 4) {
		offset = carve_locked(bytes);
	} else {
		if (arena->to - arena->from < bytes) {
			arena->from = carve_locked(CHUNK);
			arena->to = arena->from != 0 ? arena->from + CHUNK : 0;
		}
		offset = arena->from;
		arena->from += offset != 0 ? bytes : 0;
	}
	if (offset == 0)
		return NULL;
	h = at_offset(offset);
	h->state = STATE_FREE;
	h->class = (uint16_t)class;
	h->home = (uint16_t)(arena - heap->arenas);
	h->guard = front_guard(offset);
	return h;
}

/* Drops a list whose head is damaged: what hangs on it is lost, not followed. */
static struct header *damaged(uint64_t *list, uint64_t offset, const char *what)
{
	note_event(EVENT_HEAP_DAMAGE, "free list: %s at offset %#llx", what, (unsigned long long)offset);
	*list = 0;
	return NULL;
}

/* What is wrong with a free block, NULL if nothing is. */
static const char *wrong_with(const struct header *h, const struct link *link, unsigned class)
{
	if (h->guard != front_guard(offset_of(h)) || h->class != class)
		return "header overwritten";
	if (__atomic_load_n(&h->state, __ATOMIC_RELAXED) != STATE_FREE)
		return "block in use";
	if (link->check != ~link->next)
		return "written after free";
	return NULL;
}

static struct header *pop(uint64_t *list, unsigned class)
{
	uint64_t offset = *list;
	const char *wrong;
	struct link *link;
	struct header *h;

	if (offset == 0)
		return NULL;
	if (!plausible(offset))
		return damaged(list, offset, "link leads nowhere");
	h = at_offset(offset);
	link = data_of(h);
	wrong = watched ? wrong_with(h, link, class) : NULL;
	if (wrong != NULL)
		return damaged(list, offset, wrong);
	*list = link->next;
	return h;
}

static void push(uint64_t *list, struct header *h)
{
	struct link *link = data_of(h);

	link->next = *list;
	link->check = ~link->next;
	*list = offset_of(h);
}

/* Brings home what other processes freed. */
static void collect(struct arena *arena)
{
	uint64_t list = __atomic_exchange_n(&arena->remote, 0, __ATOMIC_ACQUIRE);

	while (list != 0) {
		uint64_t offset = list;
		struct header *h = at_offset(offset);
		struct link *link = data_of(h);

		if (!plausible(offset) || h->guard != front_guard(offset) || h->class >= CLASSES ||
			link->check != ~link->next) {
			damaged(&list, offset, "remote list");
			return;
		}
		list = link->next;
		push(&arena->free[h->class], h);
	}
}

static void push_remote(struct arena *arena, struct header *h)
{
	struct link *link = data_of(h);
	uint64_t head = __atomic_load_n(&arena->remote, __ATOMIC_RELAXED);

	do {
		link->next = head;
		link->check = ~head;
	} while (!__atomic_compare_exchange_n(&arena->remote, &head, offset_of(h), true, __ATOMIC_RELEASE,
		__ATOMIC_RELAXED));
}

static struct header *take(unsigned class)
{
	struct header *h;

	if (policy == HEAP_GLOBAL) {
		lock_take(&heap->lock, rig.pid);
		h = pop(&own->free[class], class);
		if (h == NULL)
			h = fresh(own, class);
		lock_give(&heap->lock);
		return h;
	}
	h = pop(&own->free[class], class);
	if (h != NULL)
		return h;
	if (__atomic_load_n(&own->remote, __ATOMIC_RELAXED) != 0) {
		collect(own);
		h = pop(&own->free[class], class);
	}
	return h != NULL ? h : fresh(own, class);
}

static void put(struct header *h)
{
	struct arena *home = &heap->arenas[h->home];

	if (policy == HEAP_GLOBAL) {
		lock_take(&heap->lock, rig.pid);
		push(&own->free[h->class], h);
		lock_give(&heap->lock);
	} else if (home == own) {
		push(&own->free[h->class], h);
	} else {
		push_remote(home, h);
	}
}

static void *heap_malloc(size_t size, const char *file, int line)
{
	struct header *h;

	(void)file;
	(void)line;
	if (size > LARGEST || block_size(size) > LARGEST)
		return NULL;
	h = take(class_of(block_size(size)));
	if (h == NULL)
		return NULL;
	h->size = (uint32_t)size;
	h->owner = (uint16_t)place;
	live += (int64_t)size;
	if (watched)
		set_tail(h);
	__atomic_store_n(&h->state, STATE_LIVE, __ATOMIC_RELEASE);
	return data_of(h);
}

/* The header of a block that may be touched, NULL (and an event) if p is none. */
static struct header *header_of(void *p, const char *file, int line)
{
	struct header *h = (struct header *)p - 1;

	if (!watched)
		return h;
	if (!heap_contains(p) || !plausible(offset_of(h))) {
		bad_free(EVENT_WILD_FREE, "address outside the heap", NULL, file, line);
		return NULL;
	}
	if (h->guard != front_guard(offset_of(h)) || h->class >= CLASSES || h->home > rig.config->workers) {
		bad_free(EVENT_WILD_FREE, "no block begins there", NULL, file, line);
		return NULL;
	}
	return h;
}

/* Everything that can be seen before the block goes back to its list. */
static bool release(struct header *h, const char *file, int line)
{
	uint32_t was;

	if (!watched) {
		__atomic_store_n(&h->state, STATE_FREE, __ATOMIC_RELEASE);
		return true;
	}
	was = __atomic_exchange_n(&h->state, STATE_FREE, __ATOMIC_ACQ_REL);
	if (was == STATE_FREE) {
		bad_free(EVENT_DOUBLE_FREE, "freed twice", h, file, line);
		return false;
	}
	if (was != STATE_LIVE || block_size(h->size) > class_size(h->class)) {
		bad_free(EVENT_HEAP_DAMAGE, "header overwritten", h, file, line);
		return false;
	}
	if (!tail_whole(h))
		bad_free(EVENT_OVERRUN, "guard word overwritten", h, file, line);
	return true;
}

static void heap_free(void *p, const char *file, int line)
{
	struct header *h;

	if (p == NULL)
		return;
	h = header_of(p, file, line);
	if (h != NULL && release(h, file, line)) {
		live -= (int64_t)h->size;
		put(h);
	}
}

static void *heap_realloc(void *p, size_t size, const char *file, int line)
{
	struct header *h;
	void *q;

	if (p == NULL)
		return heap_malloc(size, file, line);
	if (size == 0) {
		heap_free(p, file, line);
		return NULL;
	}
	h = header_of(p, file, line);
	if (h == NULL)
		return NULL;
	if (__atomic_load_n(&h->state, __ATOMIC_ACQUIRE) == STATE_LIVE && block_size(size) <= class_size(h->class)) {
		if (watched && !tail_whole(h))
			bad_free(EVENT_OVERRUN, "guard word overwritten", h, file, line);
		live += (int64_t)size - (int64_t)h->size;
		h->size = (uint32_t)size;
		if (watched)
			set_tail(h);
		return p;
	}
	q = heap_malloc(size, file, line);
	if (q == NULL)
		return NULL;
	memcpy(q, p, h->size < size ? h->size : size);
	heap_free(p, file, line);
	return q;
}

const struct allocator heap_allocator = {heap_malloc, heap_realloc, heap_free};

int heap_owner(const void *p)
{
	const struct header *h;

	if (!heap_contains(p))
		return HEAP_NO_BLOCK;
	h = (const struct header *)p - 1;
	if (!plausible(offset_of(h)) || h->guard != front_guard(offset_of(h)) ||
		__atomic_load_n(&h->state, __ATOMIC_RELAXED) != STATE_LIVE)
		return HEAP_NO_BLOCK;
	return h->owner - 1;
}

void heap_set_owner(void *p, int worker)
{
	((struct header *)p - 1)->owner = (uint16_t)(worker + 1);
}

void heap_open(enum heap_policy wanted, uint64_t bytes, uint32_t workers)
{
	size_t top = sizeof *heap + (workers + 1) * sizeof(struct arena);

	if (bytes < top + CHUNK)
		FAIL(0, "shared heap of %llu bytes: %u workers need %zu for a start", (unsigned long long)bytes,
			workers, top + CHUNK);
	/* NORESERVE: the size is a limit, only pages that are touched cost. */
	size_of_heap = bytes + (wanted == HEAP_TRACED ? (uint64_t)TRACE_PAGES * TRACE_PAGE : 0);
	base = mmap(NULL, size_of_heap, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		FAIL(errno, "map shared heap of %llu bytes", (unsigned long long)size_of_heap);
	heap = (struct heap *)base;
	policy = wanted == HEAP_TRACED ? HEAP_GLOBAL : wanted;
	heap->limit = bytes;
	watched = (rig.config->detectors & DETECT_HEAP) != 0;
	heap->carved = (top + CHUNK - 1) / CHUNK * CHUNK;
	own = &heap->arenas[0];
	rig.block->heap_from = (uint64_t)(uintptr_t)base;
	rig.block->heap_to = rig.block->heap_from + size_of_heap;
}

void *heap_traced(void)
{
	return base + heap->limit;
}

void heap_enter(uint32_t worker)
{
	if (heap == NULL)
		return;
	place = worker + 1;
	live = 0;
	if (policy == HEAP_SCALABLE)
		own = &heap->arenas[place];
}

void heap_hold(void)
{
	lock_take(&heap->lock, rig.pid);
}

int64_t heap_live(void)
{
	return live;
}

bool heap_locked_here(void)
{
	return heap != NULL &&
	       (__atomic_load_n(&heap->lock.word, __ATOMIC_RELAXED) & ~(uint32_t)LOCK_WAITERS) == rig.pid;
}

bool heap_bury(uint32_t pid)
{
	return heap != NULL && lock_bury(&heap->lock, pid);
}
