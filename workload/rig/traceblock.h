/*
 * traceblock.h: what the tracer (trace.c) writes down, in memory that all
 * processes of a trial and the harness share. Both sides compile this header.
 *
 * Processes are numbered for the bit sets: workers from 0, the children that
 * workers fork from there on in the order of their parents, rank 0 is
 * TRACE_RANK0. A site is an instruction that wrote, or a call that allocated.
 */
#ifndef TLSBENCH_TRACEBLOCK_H
#define TLSBENCH_TRACEBLOCK_H

#include <stdint.h>

enum {
	TRACE_PAGE = 4096,
	TRACE_PAGES = 1 << 18,  /* 1 GiB of traced blocks */
	TRACE_BLOCKS = 1 << 17, /* of at least a page each */
	TRACE_SITES = 1 << 14,
	TRACE_WRITES = 12,
	TRACE_LOCKS = 4,
	TRACE_WORDS = 4,
	TRACE_RANK0 = 63,
	TRACE_MAX_WORKERS = 63,
	TRACE_PROCESSES = 64,
};

enum trace_state { TRACE_UNUSED = 0, TRACE_LIVE, TRACE_FREED };
enum trace_verdict { TRACE_ALONE = 0, TRACE_RACED, TRACE_READ_RACED };

/* How a site touched a block. */
enum trace_how {
	TRACE_ATOMIC = 1 << 0,  /* lock prefix, or xchg */
	TRACE_IN_LOCK = 1 << 1, /* inside a lock function */
	TRACE_FREE = 1 << 2,    /* free, or a realloc that moved it */
	TRACE_READ = 1 << 3,
	TRACE_KERNEL = 1 << 4, /* by a system call */
	TRACE_LOCKED = 1 << 5, /* with an exclusive lock in shared memory held */
};

/* Filled in when the site is first seen; text is complete when known is set. */
struct trace_site {
	uint64_t key;
	uint32_t known;
	uint32_t lock_only; /* what is allocated there is a lock and nothing else */
	uint64_t idle;      /* writes of all processes that told nothing new */
	char text[208];     /* source file and line if known, then functions, innermost first */
};

struct trace_write {
	uint32_t site;
	uint32_t how;
	uint64_t by; /* processes */
	uint64_t count;
};

/* Locks held at all writes so far: Eraser's candidate set. */
struct trace_lockset {
	uint32_t begun;
	uint32_t n;
	uint64_t locks[TRACE_LOCKS];
};

/* A word that was written by atomic instructions, and by others. */
struct trace_word {
	uint32_t offset;
	uint32_t used;
	uint64_t atomic, plain;
};

struct trace_block {
	uint32_t busy; /* the record's own lock */
	uint32_t state;
	uint64_t address, size;
	uint32_t pages;
	uint32_t site;  /* of the allocation */
	uint32_t root;  /* what rank 0 has it behind, right before the first fork: a site, plus one */
	uint32_t depth; /* pointers to follow from there, 1: the root itself points to it */
	uint32_t owner; /* the process that allocated it */
	uint32_t fork;  /* forks there had been when it was allocated */
	uint32_t next;  /* of the same length, free */
	uint32_t lock_only, has_lock;
	uint32_t sampled; /* it was left open from time to time, so counts are too low */
	uint32_t verdict;
	uint64_t plain;     /* processes that wrote, not by atomic instructions */
	uint64_t atomic;    /* processes that wrote by atomic instructions */
	uint64_t readers;   /* second pass: processes that read what one other writes */
	uint64_t witnesses; /* workers that lived when rank 0 wrote */
	struct trace_lockset workers, rank0;
	struct trace_word words[TRACE_WORDS];
	struct trace_write writes[TRACE_WRITES];
};

struct trace {
	uint32_t busy; /* the allocator's lock */
	uint32_t tracing;
	uint32_t pages, blocks;
	uint32_t forks;                   /* in all, and how many there had been */
	uint32_t forked[TRACE_PROCESSES]; /* with a process's last one; 0: it has not forked */
	uint32_t pass;                    /* 2: blocks that one process writes are closed to the others' reads */
	uint64_t alive;                   /* workers that were forked and have not ended */
	uint32_t processes;               /* in a daemon: how many were forked */
	int32_t pids[TRACE_PROCESSES];
	uint64_t faults, steps;
	uint32_t full;               /* site table */
	uint32_t owner[TRACE_PAGES]; /* block of each page, plus one */
	struct trace_site sites[TRACE_SITES];
	struct trace_block list[TRACE_BLOCKS];
};

#endif
