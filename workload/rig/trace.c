/*
 * trace.c: sees every write to inherited memory. Each block that rank 0
 * allocates lies on pages of its own. From the first fork on the pages are
 * closed in every process: mprotect() acts on one process even where the memory
 * is shared. A write raises SIGSEGV; it is written down, the block is opened and
 * the processor's trap flag set, so that SIGTRAP comes after the one instruction
 * and closes the block again.
 *
 *   write ─▶ SIGSEGV: note, open, trap flag ─▶ the instruction ─▶ SIGTRAP: close
 *
 * A process leaves a block open for good when its writes cannot change the
 * verdict any more, and for a while when it learns nothing new from them.
 */
#include "trace.h"

#include "rig.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
	LISTS = 64,  /* free blocks of up to as many pages */
	TICK = 4096, /* calls of the allocator from one closing to the next */
};

struct tracer tracer = {.self = TRACE_RANK0};
static struct allocator under;
static uint32_t free_lists[LISTS + 1];
static uint32_t calls;

bool trace_contains(const void *p)
{
	return tracer.record != NULL && (const char *)p >= tracer.region &&
	       (const char *)p < tracer.region + (size_t)TRACE_PAGES * TRACE_PAGE;
}

struct trace_block *trace_block_at(const void *p)
{
	uint32_t id = __atomic_load_n(&tracer.record->owner[(size_t)((const char *)p - tracer.region) / TRACE_PAGE],
		__ATOMIC_ACQUIRE);

	return id == 0 ? NULL : &tracer.record->list[id - 1];
}

uint32_t trace_number(const struct trace_block *block)
{
	return (uint32_t)(block - tracer.record->list);
}

/* Whether its owner has forked since. */
static bool inherited(const struct trace_block *block)
{
	return __atomic_load_n(&tracer.record->forked[block->owner], __ATOMIC_RELAXED) > block->fork;
}

/* Whether others can inherit what this process allocates. */
static bool has_heirs(void)
{
	return tracer.self == TRACE_RANK0 || tracer.self < tracer.children;
}

/* Takes pages that were never used, or those of a block that nobody inherited. */
static struct trace_block *take(size_t size)
{
	size_t pages = size == 0 ? 1 : (size + TRACE_PAGE - 1) / TRACE_PAGE;
	struct trace_block *block = NULL;
	struct trace *record = tracer.record;

	trace_hold(&record->busy);
	if (pages <= LISTS && free_lists[pages] != 0) {
		block = &record->list[free_lists[pages] - 1];
		free_lists[pages] = block->next;
		if (inherited(block))
			trace_open_block(block);
	} else if (record->blocks < TRACE_BLOCKS && pages <= TRACE_PAGES - record->pages) {
		block = &record->list[record->blocks++];
		block->address = (uint64_t)(uintptr_t)(tracer.region + (size_t)record->pages * TRACE_PAGE);
		block->pages = (uint32_t)pages;
		for (size_t i = 0; i < pages; i++)
			__atomic_store_n(&record->owner[record->pages + i], record->blocks, __ATOMIC_RELEASE);
		record->pages += (uint32_t)pages;
	} else {
		FAIL(0, "traced heap: no room for %zu bytes, there are %u blocks on %u pages; choose fewer workers",
			size, record->blocks, record->pages);
	}
	block->owner = tracer.self;
	block->fork = record->forks;
	trace_release(&record->busy);
	return block;
}

static void recycle(struct trace_block *block)
{
	uint64_t address = block->address;
	uint32_t pages = block->pages, owner = block->owner, fork = block->fork;

	trace_hold(&tracer.record->busy);
	memset(block, 0, sizeof *block);
	block->address = address;
	block->pages = pages;
	block->owner = owner;
	block->fork = fork;
	if (pages <= LISTS) {
		block->next = free_lists[pages];
		free_lists[pages] = trace_number(block) + 1;
	}
	trace_release(&tracer.record->busy);
}

static void count_call(void)
{
	if (trace_on && ++calls % TICK == 0)
		trace_tick();
}

static void *trace_malloc(size_t size, const char *file, int line)
{
	struct trace_block *block;
	uint32_t site;

	count_call();
	if (!has_heirs())
		return under.malloc(size, file, line);
	if (size > (size_t)TRACE_PAGES * TRACE_PAGE)
		return NULL;
	site = trace_site_of_allocation(tracer.record, file, line);
	if (tracer.record->sites[site].lock_only)
		return under.malloc(size, file, line);
	block = take(size);
	block->size = size;
	block->site = site;
	__atomic_store_n(&block->state, TRACE_LIVE, __ATOMIC_RELEASE);
	return (void *)(uintptr_t)block->address;
}

static void trace_free(void *p, const char *file, int line)
{
	struct trace_block *block;

	count_call();
	if (!trace_contains(p)) {
		under.free(p, file, line);
		return;
	}
	block = trace_block_at(p);
	if (block == NULL || block->address != (uint64_t)(uintptr_t)p) {
		under.free(p, file, line); /* whoever is below tells a bad address */
		return;
	}
	if (tracer.self == block->owner && !inherited(block)) {
		recycle(block);
		return;
	}
	trace_touch_block(block, TRACE_FREE, trace_site_of_write(tracer.record, (uintptr_t)__builtin_return_address(0)),
		0);
	if (__atomic_exchange_n(&block->state, TRACE_FREED, __ATOMIC_ACQ_REL) == TRACE_FREED)
		under.free(p, file, line);
}

static void *trace_realloc(void *p, size_t size, const char *file, int line)
{
	struct trace_block *block;
	void *moved;

	if (p == NULL)
		return trace_malloc(size, file, line);
	if (!trace_contains(p))
		return under.realloc(p, size, file, line);
	if (size == 0) {
		trace_free(p, file, line);
		return NULL;
	}
	block = trace_block_at(p);
	if (block == NULL || block->address != (uint64_t)(uintptr_t)p)
		return under.realloc(p, size, file, line);
	if (tracer.self == block->owner && !inherited(block) && size <= (size_t)block->pages * TRACE_PAGE) {
		block->size = size;
		return p;
	}
	moved = trace_malloc(size, file, line);
	if (moved == NULL)
		return NULL;
	memcpy(moved, p, block->size < size ? block->size : size);
	trace_free(p, file, line);
	return moved;
}

/* A lock in a traced block. What is nothing but a lock is not traced, nor what comes from the same place. */
void trace_lock_made(const void *lock, size_t size)
{
	struct trace_block *block;

	if (tracer.record == NULL || !trace_contains(lock))
		return;
	block = trace_block_at(lock);
	if (block == NULL)
		return;
	block->has_lock = 1;
	if (block->address == (uint64_t)(uintptr_t)lock && block->size == size) {
		block->lock_only = 1;
		tracer.record->sites[block->site].lock_only = 1;
	}
}

void trace_before_fork(void)
{
	if (tracer.record == NULL || !has_heirs())
		return;
	if (tracer.record->forked[tracer.self] == 0)
		trace_survey_roots();
	if (!trace_on) {
		struct trace_block *probe = take(1);

		trace_survey_memory();
		trace_handle_signals(probe);
		recycle(probe);
		tracer.record->tracing = 1;
		trace_on = true;
	}
	__atomic_store_n(&tracer.record->forked[tracer.self],
		__atomic_add_fetch(&tracer.record->forks, 1, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	trace_close_all();
}

static void set_alive(uint32_t worker)
{
	__atomic_fetch_or(&tracer.record->alive, UINT64_C(1) << worker, __ATOMIC_RELAXED);
}

void trace_in_parent(uint32_t worker)
{
	if (tracer.record != NULL && tracer.self == TRACE_RANK0)
		set_alive(worker);
}

void trace_in_child(uint32_t worker)
{
	if (tracer.record == NULL)
		return;
	if (worker != tracer.self && (tracer.self == TRACE_RANK0 || tracer.children == 0)) {
		tracer.self = worker;
		tracer.record->pids[worker] = getpid();
		set_alive(worker);
	} else if (worker < tracer.children) {
		tracer.self = tracer.children + worker;
	}
	memset(free_lists, 0, sizeof free_lists); /* they are the parent's */
	trace_close_all();
}

void trace_forking_workers(uint32_t workers)
{
	if (tracer.record == NULL)
		return;
	if (2 * workers > TRACE_RANK0)
		FAIL(0, "the tracer tells %d processes apart, %u workers and their children are more; choose fewer workers",
			TRACE_PROCESSES, workers);
	tracer.children = workers;
}

/* One that has ended and was reaped is no process any more. */
uint64_t trace_alive(struct trace *record)
{
	uint64_t alive = __atomic_load_n(&record->alive, __ATOMIC_RELAXED), gone = 0;
	int saved = errno;

	for (uint64_t left = alive; left != 0; left &= left - 1) {
		int worker = __builtin_ctzll(left);

		if (record->pids[worker] != 0 && kill(record->pids[worker], 0) != 0 && errno == ESRCH)
			gone |= UINT64_C(1) << worker;
	}
	if (gone != 0)
		__atomic_fetch_and(&record->alive, ~gone, __ATOMIC_RELAXED);
	errno = saved;
	return alive & ~gone;
}

void trace_second_pass(void)
{
	if (tracer.record == NULL)
		return;
	__atomic_store_n(&tracer.record->pass, 2, __ATOMIC_RELAXED);
	trace_tick();
}

void trace_install(struct trace *record, void *blocks, struct allocator *allocator)
{
	under = *allocator;
	*allocator = (struct allocator){trace_malloc, trace_realloc, trace_free};
	tracer.record = record;
	tracer.region = blocks;
	record->pids[TRACE_RANK0] = getpid();
	trace_step_open();
}
