/*
 * tracestep.c: closed pages, and the step over one instruction; see trace.c.
 */
#include "rig.h"
#include "trace.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum {
	KNOWN = 8,      /* writes without news to a settled block until it is left open */
	UNCHANGED = 32, /* ... to another one, and */
	SAMPLED = 1000, /* as many by that instruction in all, until it is left open for a while */
	LOOKS = 4,      /* ... and as many when it has been closed again, until it is left open once more */
	RESTS = 1024,   /* blocks that are open for a while */
};

/* What this process's pages of a block are. */
enum page { CLOSED = 0, OPEN, RESTING, SEALED, READ_SEEN };

static uint8_t *pages_of; /* enum page, by block */
static uint16_t *no_news; /* writes in a row that told nothing, by block */
static uint32_t rests[RESTS], resting;

#define OF_THREAD static __thread __attribute__((tls_model("initial-exec")))

/* The instruction that is being stepped: blocks that it has opened. */
OF_THREAD uint32_t stepped[8], steps;
OF_THREAD sigset_t mask_before;

#if defined(__x86_64__)
enum { STEPS_HERE = 1, TRAP_FLAG = 0x100, FAULT_WRITE = 2 /* of the page fault's error code */ };

static uintptr_t instruction(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static bool is_write(const ucontext_t *context)
{
	return (context->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) != 0;
}

static void set_trap(ucontext_t *context, bool on)
{
	if (on)
		context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	else
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}
#else
enum { STEPS_HERE = 0 };

static uintptr_t instruction(const ucontext_t *context)
{
	(void)context;
	return 0;
}

static bool is_write(const ucontext_t *context)
{
	return context != NULL;
}

static void set_trap(ucontext_t *context, bool on)
{
	(void)context;
	(void)on;
}
#endif

static void protect(const struct trace_block *block, int protection)
{
	if (mprotect((void *)(uintptr_t)block->address, (size_t)block->pages * TRACE_PAGE, protection) != 0)
		FAIL(errno,
			"change the protection of %u traced pages; there may be more mappings than "
			"/proc/sys/vm/max_map_count allows",
			block->pages);
}

void trace_open_block(const struct trace_block *block)
{
	protect(block, PROT_READ | PROT_WRITE);
}

/* As it was before it was opened for one instruction. */
static void shut_block(const struct trace_block *block)
{
	switch ((enum page)pages_of[trace_number(block)]) {
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

void trace_touch_block(struct trace_block *block, uint32_t how, uint32_t site, uint32_t offset)
{
	struct trace_touch touch = {.process = tracer.self, .offset = offset, .how = how, .site = site};

	touch.nlocks = trace_locks_held(touch.locks, TRACE_LOCKS);
	if (trace_in_lock())
		touch.how |= TRACE_IN_LOCK;
	if (trace_note(tracer.record, block, &touch))
		no_news[trace_number(block)] = 0;
	else if (no_news[trace_number(block)] < UINT16_MAX)
		no_news[trace_number(block)]++;
}

/* Closes what was left open for a while; in the second pass, what one other process writes, to reads as well. */
void trace_tick(void)
{
	for (uint32_t i = 0; i < resting; i++) {
		if (pages_of[rests[i]] != RESTING)
			continue;
		pages_of[rests[i]] = CLOSED;
		no_news[rests[i]] = UNCHANGED - LOOKS;
		shut_block(&tracer.record->list[rests[i]]);
	}
	resting = 0;
	if (__atomic_load_n(&tracer.record->pass, __ATOMIC_RELAXED) < 2)
		return;
	for (uint32_t i = 0; i < tracer.record->blocks; i++) {
		struct trace_block *block = &tracer.record->list[i];

		if (pages_of[i] != CLOSED || block->state == TRACE_UNUSED || !trace_one_writes(block, tracer.self))
			continue;
		pages_of[i] = SEALED;
		shut_block(block);
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
		default:
			break;
		}
		if ((code[i] & 0xf0) == 0x40) /* REX */
			continue;
		return code[i] == 0x86 || code[i] == 0x87;
	}
	return false;
}

/* A fault that is not the tracer's: it is to end the process as it would without one. */
static void give_up(int signal, const siginfo_t *info)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	sigaction(signal, &standard, NULL);
	if (info->si_code <= 0) /* sent by a process: it does not come by itself again */
		raise(signal);
}

static void leave_open(struct trace_block *block, enum page state)
{
	uint32_t i = trace_number(block);

	if (state == RESTING) {
		if (resting == RESTS)
			return;
		rests[resting++] = i;
		block->sampled = 1;
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
		set_trap(context, true);
	}
	if (steps < sizeof stepped / sizeof *stepped)
		stepped[steps++] = trace_number(block);
}

static bool known_site(uint32_t site)
{
	return __atomic_add_fetch(&tracer.record->sites[site].idle, 1, __ATOMIC_RELAXED) > SAMPLED;
}

static void on_write(struct trace_block *block, ucontext_t *context, uint32_t offset)
{
	uintptr_t at = instruction(context);
	uint32_t how = is_atomic((const uint8_t *)at) ? TRACE_ATOMIC : 0;
	uint32_t site = trace_site_of_write(tracer.record, at);
	uint16_t idle;

	trace_touch_block(block, how, site, offset);
	idle = no_news[trace_number(block)];
	trace_open_block(block);
	if (block->lock_only || (idle >= KNOWN && trace_settled(block, tracer.self)))
		leave_open(block, OPEN);
	else if (idle >= UNCHANGED && known_site(site))
		leave_open(block, RESTING);
	else
		step(block, context);
}

static void on_fault(int signal, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	bool writes = is_write(context);
	struct trace_block *block = trace_contains(info->si_addr) ? trace_block_at(info->si_addr) : NULL;
	int saved = errno;

	if (block == NULL || info->si_code <= 0) {
		give_up(signal, info);
		return;
	}
	__atomic_fetch_add(&tracer.record->faults, 1, __ATOMIC_RELAXED);
	if (writes) {
		on_write(block, context, (uint32_t)((uint64_t)(uintptr_t)info->si_addr - block->address));
	} else {
		trace_touch_block(block, TRACE_READ, trace_site_of_write(tracer.record, instruction(context)), 0);
		pages_of[trace_number(block)] = READ_SEEN;
		shut_block(block);
	}
	errno = saved;
}

static void on_trap(int signal, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	int saved = errno;

	if (steps == 0) {
		give_up(signal, info);
		return;
	}
	while (steps > 0)
		shut_block(&tracer.record->list[stepped[--steps]]);
	set_trap(context, false);
	context->uc_sigmask = mask_before;
	__atomic_fetch_add(&tracer.record->steps, 1, __ATOMIC_RELAXED);
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
void trace_close_all(void)
{
	memset(pages_of, CLOSED, TRACE_BLOCKS);
	memset(no_news, 0, TRACE_BLOCKS * sizeof *no_news);
	resting = 0;
	if (tracer.record->pages > 0 &&
		mprotect(tracer.region, (size_t)tracer.record->pages * TRACE_PAGE, PROT_READ) != 0)
		FAIL(errno, "close %u traced pages", tracer.record->pages);
	for (uint32_t i = 0; i < tracer.record->blocks; i++) {
		if (!tracer.record->list[i].lock_only)
			continue;
		trace_open_block(&tracer.record->list[i]);
		pages_of[i] = OPEN;
	}
}

void trace_kernel_opens(const void *p, size_t n, bool writes, const void *caller)
{
	struct trace_block *block = trace_on && n > 0 && trace_contains(p) ? trace_block_at(p) : NULL;

	if (block == NULL)
		return;
	trace_touch_block(block, TRACE_KERNEL | (writes ? 0 : TRACE_READ),
		trace_site_of_write(tracer.record, (uintptr_t)caller),
		(uint32_t)((uint64_t)(uintptr_t)p - block->address));
	trace_open_block(block);
}

void trace_kernel_closes(const void *p)
{
	struct trace_block *block = trace_on && trace_contains(p) ? trace_block_at(p) : NULL;

	if (block != NULL)
		shut_block(block);
}

void trace_handle_signals(struct trace_block *probe)
{
	volatile char *byte = (volatile char *)(uintptr_t)probe->address;
	uint64_t before = tracer.record->steps;

	if (!STEPS_HERE)
		FAIL(0, "the tracer steps over instructions of x86-64, this processor is another one");
	handle(SIGSEGV, on_fault);
	handle(SIGTRAP, on_trap);
	protect(probe, PROT_READ);
	*byte = 1;
	if (tracer.record->steps != before + 1)
		FAIL(0, "the tracer cannot step over an instruction here: the kernel raised no SIGTRAP for it");
	trace_open_block(probe);
}

void trace_step_open(void)
{
	void *mine = mmap(NULL, TRACE_BLOCKS * (sizeof *no_news + sizeof *pages_of), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mine == MAP_FAILED)
		FAIL(errno, "map what a process knows of %d traced blocks", TRACE_BLOCKS);
	no_news = mine;
	pages_of = (uint8_t *)(no_news + TRACE_BLOCKS);
}
