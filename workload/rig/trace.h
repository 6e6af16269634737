/*
 * trace.h: the tracer of writes to inherited memory. Blocks that rank 0
 * allocates lie on pages of their own; from the first fork on these are closed
 * in every process, and whoever writes is written down. See trace.c.
 *
 * It is used by the rig (heap policy traced) and by the preload object that is
 * put into daemons, so it knows neither.
 */
#ifndef TLSBENCH_TRACE_H
#define TLSBENCH_TRACE_H

#include "openssl.h"
#include "traceblock.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * In rank 0, before its first allocation: the shared record, zeroed, and
 * TRACE_PAGES pages of shared memory for the blocks. Wraps the allocator; a
 * worker's blocks come from the one that it was given.
 */
void trace_install(struct trace *record, void *blocks, struct allocator *allocator);

/*
 * In rank 0, before the first fork: workers fork too, so what they allocate is
 * traced as well, and what their children write.
 */
void trace_forking_workers(uint32_t workers);

/* At-fork handlers: the last before the fork, the first after it. */
void trace_before_fork(void);
void trace_in_parent(uint32_t worker);
void trace_in_child(uint32_t worker);

/* From here on reads of what one process writes are seen too, in all processes. */
void trace_second_pass(void);

/* Whether an address lies in a traced block. */
bool trace_contains(const void *p);

/* Whether an address lies in memory that processes share, as of the first fork. */
bool trace_shared_memory(const volatile void *p);

/* tracelock.c: locks, as the interposed functions in locks.c report them. */
enum trace_mode { TRACE_SHARED = 0, TRACE_EXCLUSIVE };
extern bool trace_on;
void trace_lock_made(const void *lock, size_t size);
void trace_lock_enter(void);
void trace_lock_leave(void);
void trace_lock_taken(const volatile void *lock, enum trace_mode mode);
void trace_lock_given(const volatile void *lock);
bool trace_in_lock(void);
/* Copies the exclusive locks that this thread holds in shared memory. */
uint32_t trace_locks_held(uint64_t *locks, uint32_t max);

/*
 * tracecalls.c: takes a signal for the tracer. Handlers that the program installs
 * for it from now on are kept, and called by trace_pass_on.
 */
void trace_keep_signal(int number, void (*handler)(int, siginfo_t *, void *));
void trace_pass_on(int number, siginfo_t *info, void *context);

/* A buffer that a system call is going to read or write, and after the call. */
void trace_kernel_opens(const void *p, size_t n, bool writes, const void *caller);
void trace_kernel_closes(const void *p);

/* Between trace.c and tracestep.c. */
struct tracer {
	struct trace *record; /* NULL: nothing is traced */
	char *region;
	uint32_t self;     /* this process's number */
	uint32_t children; /* the number of the first worker's child; 0: no worker forks */
};
extern struct tracer tracer;
struct trace_block *trace_block_at(const void *p);
uint32_t trace_number(const struct trace_block *block);
void trace_step_open(void);
/* The workers that live, as a set. */
uint64_t trace_alive(struct trace *record);
/* Also tries them, on a block that nobody uses. */
void trace_handle_signals(struct trace_block *probe);
void trace_close_all(void);
/* Closes what was left open for a while; in the second pass, what one other process writes, to reads too. */
void trace_tick(void);
void trace_open_block(const struct trace_block *block);
void trace_touch_block(struct trace_block *block, uint32_t how, uint32_t site, uint32_t offset);
void trace_survey_memory(void);

/* traceroot.c: notes behind what rank 0 has its blocks. */
void trace_survey_roots(void);

/* tracesite.c */
uint32_t trace_site_of_write(struct trace *record, uintptr_t address);
uint32_t trace_site_of_key(struct trace *record, unsigned key);
uint32_t trace_site_of_variable(struct trace *record, uintptr_t address, const char *file, uintptr_t base);
uint32_t trace_site_of_allocation(struct trace *record, const char *file, int line);

/* tracerace.c */
struct trace_touch {
	uint32_t process; /* number */
	uint32_t offset;  /* in the block */
	uint32_t how;
	uint32_t site;
	uint64_t locks[TRACE_LOCKS];
	uint32_t nlocks;
};
/* Whether it told anything that was not known before. */
bool trace_note(struct trace *record, struct trace_block *block, const struct trace_touch *touch);
/* Whether further writes by this process cannot change the verdict. */
bool trace_settled(const struct trace_block *block, uint32_t process);
/* Whether other processes' reads would matter: one process alone wrote, without a lock. */
bool trace_one_writes(const struct trace_block *block, uint32_t reader);

void trace_hold(uint32_t *word);
void trace_release(uint32_t *word);

#endif
