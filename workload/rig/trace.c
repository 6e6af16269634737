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

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "the tracer steps x86-64 instructions"
#endif

enum {
	TRAP_FLAG = 0x100,
	FAULT_WRITE = 2, /* of the page fault's error code */
	LISTS = 64,      /* free blocks of up to as many pages */
	KNOWN = 8,       /* writes without news to a settled block until it is left open */
	UNCHANGED = 32,  /* ... to another one, and */
	SAMPLED = 1000,  /* as many by that instruction, until it is left open for a while */
	RESTS = 1024,    /* blocks that are open for a while */
	TICK = 4096,     /* calls of the allocator from one closing to the next */
	RANGES = 64,
};

/* What this process's pages of a block are. */
enum page { CLOSED = 0, OPEN, RESTING, SEALED, READ_SEEN };

static struct trace *record;
static char *region;
static struct trace_under under;
static uint32_t self = TRACE_RANK0;
static uint32_t free_lists[LISTS + 1];
static uint8_t *pages_of;          /* enum page, by block */
static uint16_t *no_news;          /* writes in a row that told nothing, by block */
static uint16_t seen[TRACE_SITES]; /* writes by an instruction that told nothing */
static uint32_t rests[RESTS], resting;
static uint32_t calls;
static struct {
	uintptr_t from, to;
} shared[RANGES];
static uint32_t ranges;

#define OF_THREAD static __thread __attribute__((tls_model("initial-exec")))

/* The instruction that is being stepped: blocks that it has opened. */
OF_THREAD uint32_t stepped[8], steps;
OF_THREAD sigset_t mask_before;

bool trace_contains(const void *p)
{
	return record != NULL && (const char *)p >= region &&
	       (const char *)p < region + (size_t)TRACE_PAGES * TRACE_PAGE;
}

bool trace_shared_memory(const volatile void *p)
{
	for (uint32_t i = 0; i < ranges; i++) {
		if ((uintptr_t)p >= shared[i].from && (uintptr_t)p < shared[i].to)
			return true;
	}
	return false;
}

/* Without an allocator: one may be below this one. */
static void survey_shared_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], flags[5];
	unsigned long from, to;

	if (maps == NULL)
		FAIL(errno, "read /proc/self/maps, for the memory that processes share");
	ranges = 0;
	while (ranges < RANGES && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, flags) != 3 || flags[3] != 's' || flags[1] != 'w')
			continue;
		if (ranges > 0 && shared[ranges - 1].to == from) {
			shared[ranges - 1].to = to;
			continue;
		}
		shared[ranges].from = from;
		shared[ranges++].to = to;
	}
	fclose(maps);
}

static struct trace_block *block_at(const void *p)
{
	uint32_t id =
		__atomic_load_n(&record->owner[(size_t)((const char *)p - region) / TRACE_PAGE], __ATOMIC_ACQUIRE);

	return id == 0 ? NULL : &record->list[id - 1];
}

static uint32_t number(const struct trace_block *block)
{
	return (uint32_t)(block - record->list);
}

static bool inherited(const struct trace_block *block)
{
	return block->fork != __atomic_load_n(&record->forks, __ATOMIC_RELAXED);
}

static void protect(const struct trace_block *block, int protection)
{
	if (mprotect((void *)(uintptr_t)block->address, (size_t)block->pages * TRACE_PAGE, protection) != 0)
		FAIL(errno,
			"change the protection of %u traced pages; there may be more mappings than "
			"/proc/sys/vm/max_map_count allows",
			block->pages);
}

static void open_block(const struct trace_block *block)
{
	protect(block, PROT_READ | PROT_WRITE);
}

/* As it was before it was opened for one instruction. */
static void shut_block(const struct trace_block *block)
{
	switch ((enum page)pages_of[number(block)]) {
	case OPEN:
	case RESTING:
		return;
	case SEALED:
		protect(block, PROT_NONE);
		return;
	default:
		protect(block, PROT_READ);
	}
}

/* Takes pages that were never used, or those of a block that nobody inherited. */
static struct trace_block *take(size_t size)
{
	size_t pages = size == 0 ? 1 : (size + TRACE_PAGE - 1) / TRACE_PAGE;
	struct trace_block *block = NULL;

	trace_hold(&record->busy);
	if (pages <= LISTS && free_lists[pages] != 0) {
		block = &record->list[free_lists[pages] - 1];
		free_lists[pages] = block->next;
		if (inherited(block))
			open_block(block);
	} else if (record->blocks < TRACE_BLOCKS && pages <= TRACE_PAGES - record->pages) {
		block = &record->list[record->blocks++];
		block->address = (uint64_t)(uintptr_t)(region + (size_t)record->pages * TRACE_PAGE);
		block->pages = (uint32_t)pages;
		for (size_t i = 0; i < pages; i++)
			__atomic_store_n(&record->owner[record->pages + i], record->blocks, __ATOMIC_RELEASE);
		record->pages += (uint32_t)pages;
	} else {
		FAIL(0, "traced heap: no room for %zu bytes, rank 0 has %u blocks on %u pages; choose fewer workers",
			size, record->blocks, record->pages);
	}
	block->fork = record->forks;
	trace_release(&record->busy);
	return block;
}

static void recycle(struct trace_block *block)
{
	uint64_t address = block->address;
	uint32_t pages = block->pages, fork = block->fork;

	trace_hold(&record->busy);
	memset(block, 0, sizeof *block);
	block->address = address;
	block->pages = pages;
	block->fork = fork;
	if (pages <= LISTS) {
		block->next = free_lists[pages];
		free_lists[pages] = number(block) + 1;
	}
	trace_release(&record->busy);
}

static void touch(struct trace_block *block, uint32_t how, uint32_t site, uint32_t offset)
{
	struct trace_touch touch = {.process = self, .offset = offset, .how = how, .site = site};

	touch.nlocks = trace_locks_held(touch.locks, TRACE_LOCKS);
	if (trace_in_lock())
		touch.how |= TRACE_IN_LOCK;
	if (trace_note(record, block, &touch))
		no_news[number(block)] = 0;
	else if (no_news[number(block)] < UINT16_MAX)
		no_news[number(block)]++;
}

/* Closes what was left open for a while; in the second pass, what one other process writes, to reads as well. */
static void tick(void)
{
	for (uint32_t i = 0; i < resting; i++) {
		if (pages_of[rests[i]] != RESTING)
			continue;
		pages_of[rests[i]] = CLOSED;
		no_news[rests[i]] = 0;
		shut_block(&record->list[rests[i]]);
	}
	resting = 0;
	if (__atomic_load_n(&record->pass, __ATOMIC_RELAXED) < 2)
		return;
	for (uint32_t i = 0; i < record->blocks; i++) {
		struct trace_block *block = &record->list[i];

		if (pages_of[i] != CLOSED || block->state == TRACE_UNUSED || !trace_one_writes(block, self))
			continue;
		pages_of[i] = SEALED;
		shut_block(block);
	}
}

static void count_call(void)
{
	if (trace_on && ++calls % TICK == 0)
		tick();
}

void *trace_malloc(size_t size, const char *file, int line)
{
	struct trace_block *block;
	uint32_t site;

	count_call();
	if (self != TRACE_RANK0)
		return under.malloc(size, file, line);
	if (size > (size_t)TRACE_PAGES * TRACE_PAGE)
		return NULL;
	site = trace_site_of_allocation(record, file, line);
	if (record->sites[site].lock_only)
		return under.malloc(size, file, line);
	block = take(size);
	block->size = size;
	block->site = site;
	__atomic_store_n(&block->state, TRACE_LIVE, __ATOMIC_RELEASE);
	return (void *)(uintptr_t)block->address;
}

void trace_free(void *p, const char *file, int line)
{
	struct trace_block *block;

	count_call();
	if (!trace_contains(p)) {
		under.free(p, file, line);
		return;
	}
	block = block_at(p);
	if (block == NULL || block->address != (uint64_t)(uintptr_t)p) {
		under.free(p, file, line); /* whoever is below tells a bad address */
		return;
	}
	if (self == TRACE_RANK0 && !inherited(block)) {
		recycle(block);
		return;
	}
	touch(block, TRACE_FREE, trace_site_of_write(record, (uintptr_t)__builtin_return_address(0)), 0);
	if (__atomic_exchange_n(&block->state, TRACE_FREED, __ATOMIC_ACQ_REL) == TRACE_FREED)
		under.free(p, file, line);
}

void *trace_realloc(void *p, size_t size, const char *file, int line)
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
	block = block_at(p);
	if (block == NULL || block->address != (uint64_t)(uintptr_t)p)
		return under.realloc(p, size, file, line);
	if (self == TRACE_RANK0 && !inherited(block) && size <= (size_t)block->pages * TRACE_PAGE) {
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

	if (record == NULL || !trace_contains(lock))
		return;
	block = block_at(lock);
	if (block == NULL)
		return;
	block->has_lock = 1;
	if (block->address == (uint64_t)(uintptr_t)lock && block->size == size) {
		block->lock_only = 1;
		record->sites[block->site].lock_only = 1;
	}
}

/* Whether the instruction there is atomic: a lock prefix, or an exchange with memory. */
static bool is_atomic(const uint8_t *code)
{
	for (int i = 0; i < 14; i++) {
		switch (code[i]) {
		case 0xf0:
			return true;
		case 0x66:
		case 0x67:
		case 0xf2:
		case 0xf3:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x26:
		case 0x64:
		case 0x65:
			continue;
		}
		if ((code[i] & 0xf0) == 0x40) /* REX */
			continue;
		return code[i] == 0x86 || code[i] == 0x87;
	}
	return false;
}

/* A fault that is not the tracer's: it is to end the process as it would without one. */
static void give_up(int signal)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	sigaction(signal, &standard, NULL);
}

static void leave_open(struct trace_block *block, enum page state)
{
	uint32_t i = number(block);

	if (state == RESTING) {
		if (resting == RESTS)
			return;
		rests[resting++] = i;
		block->sampled = 1;
		__atomic_fetch_add(&record->sampled, 1, __ATOMIC_RELAXED);
	}
	pages_of[i] = (uint8_t)state;
}

static void step(struct trace_block *block, ucontext_t *context)
{
	if (steps == 0) {
		/* Nothing may come between the instruction and the trap, but a fault of the instruction's. */
		mask_before = context->uc_sigmask;
		sigfillset(&context->uc_sigmask);
		sigdelset(&context->uc_sigmask, SIGSEGV);
		sigdelset(&context->uc_sigmask, SIGTRAP);
		context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	}
	if (steps < sizeof stepped / sizeof *stepped)
		stepped[steps++] = number(block);
}

static bool known_site(uint32_t site)
{
	if (seen[site] < SAMPLED)
		seen[site]++;
	return seen[site] == SAMPLED;
}

static void on_write(struct trace_block *block, ucontext_t *context, uint32_t offset)
{
	uintptr_t at = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
	uint32_t how = is_atomic((const uint8_t *)at) ? TRACE_ATOMIC : 0;
	uint32_t site = trace_site_of_write(record, at);
	uint16_t idle;

	touch(block, how, site, offset);
	idle = no_news[number(block)];
	open_block(block);
	if (block->lock_only || (idle >= KNOWN && trace_settled(block, self)))
		leave_open(block, OPEN);
	else if (idle >= UNCHANGED && known_site(site))
		leave_open(block, RESTING);
	else
		step(block, context);
}

static void on_fault(int signal, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	bool writes = (context->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) != 0;
	struct trace_block *block = trace_contains(info->si_addr) ? block_at(info->si_addr) : NULL;
	int saved = errno;

	if (block == NULL || info->si_code <= 0) {
		give_up(signal);
		return;
	}
	__atomic_fetch_add(&record->faults, 1, __ATOMIC_RELAXED);
	if (writes) {
		on_write(block, context, (uint32_t)((uint64_t)(uintptr_t)info->si_addr - block->address));
	} else {
		touch(block, TRACE_READ, trace_site_of_write(record, (uintptr_t)context->uc_mcontext.gregs[REG_RIP]),
			0);
		pages_of[number(block)] = READ_SEEN;
		shut_block(block);
	}
	errno = saved;
}

static void on_trap(int signal, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	int saved = errno;

	(void)info;
	if (steps == 0) {
		give_up(signal);
		return;
	}
	while (steps > 0)
		shut_block(&record->list[stepped[--steps]]);
	context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	context->uc_sigmask = mask_before;
	__atomic_fetch_add(&record->steps, 1, __ATOMIC_RELAXED);
	errno = saved;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}, before;

	sigfillset(&ours.sa_mask);
	if (sigaction(signal, &ours, &before) != 0)
		FAIL(errno, "handle signal %d", signal);
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		FAIL(0, "the tracer needs signal %d (%s), which has a handler already", signal, strsignal(signal));
}

/* All of them, in one call; only locks stay open. */
static void close_all(void)
{
	memset(pages_of, CLOSED, TRACE_BLOCKS);
	memset(no_news, 0, TRACE_BLOCKS * sizeof *no_news);
	resting = 0;
	if (record->pages > 0 && mprotect(region, (size_t)record->pages * TRACE_PAGE, PROT_READ) != 0)
		FAIL(errno, "close %u traced pages", record->pages);
	for (uint32_t i = 0; i < record->blocks; i++) {
		if (!record->list[i].lock_only)
			continue;
		open_block(&record->list[i]);
		pages_of[i] = OPEN;
	}
}

void trace_before_fork(void)
{
	if (record == NULL || self != TRACE_RANK0)
		return;
	if (!trace_on) {
		survey_shared_memory();
		handle(SIGSEGV, on_fault);
		handle(SIGTRAP, on_trap);
		record->tracing = 1;
		trace_on = true;
	}
	__atomic_fetch_add(&record->forks, 1, __ATOMIC_RELAXED);
	close_all();
}

static void set_alive(uint32_t worker)
{
	__atomic_fetch_or(&record->alive, UINT64_C(1) << worker, __ATOMIC_RELAXED);
}

void trace_in_parent(uint32_t worker)
{
	if (record != NULL && self == TRACE_RANK0)
		set_alive(worker);
}

void trace_in_child(uint32_t worker)
{
	if (record == NULL)
		return;
	self = worker;
	set_alive(worker);
	close_all();
}

void trace_ended(uint32_t worker)
{
	if (record != NULL)
		__atomic_fetch_and(&record->alive, ~(UINT64_C(1) << worker), __ATOMIC_RELAXED);
}

void trace_second_pass(void)
{
	if (record == NULL)
		return;
	__atomic_store_n(&record->pass, 2, __ATOMIC_RELAXED);
	tick();
}

uint32_t trace_kernel_opens(const void *p, size_t n, bool writes, const void *caller)
{
	struct trace_block *block;

	if (!trace_on || n == 0 || !trace_contains(p) || (block = block_at(p)) == NULL)
		return 0;
	touch(block, TRACE_KERNEL | (writes ? 0 : TRACE_READ), trace_site_of_write(record, (uintptr_t)caller),
		(uint32_t)((uint64_t)(uintptr_t)p - block->address));
	open_block(block);
	return number(block) + 1;
}

void trace_kernel_closes(uint32_t opened)
{
	if (opened != 0)
		shut_block(&record->list[opened - 1]);
}

void trace_open(struct trace *shared_record, void *blocks, struct trace_under below)
{
	void *mine = mmap(NULL, TRACE_BLOCKS * (sizeof *no_news + sizeof *pages_of), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mine == MAP_FAILED)
		FAIL(errno, "map what a process knows of %d traced blocks", TRACE_BLOCKS);
	record = shared_record;
	region = blocks;
	under = below;
	no_news = mine;
	pages_of = (uint8_t *)(no_news + TRACE_BLOCKS);
}
