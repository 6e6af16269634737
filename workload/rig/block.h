/*
 * block.h: the control block, one memfd that the harness (Go) and the rig (C)
 * both map. Configuration goes in before the rig starts; counters, samples and
 * events come out while it runs, so that nothing counted before a crash is
 * lost. Both sides compile this header; a block of another layout is refused.
 *
 * Layout of the file:  struct block | struct worker[workers] | draws | samples
 *                     | struct fork_record[...]
 * Each part starts at the page-aligned offset that the harness wrote into the
 * configuration. Times are CLOCK_MONOTONIC in nanoseconds.
 */
#ifndef TLSBENCH_BLOCK_H
#define TLSBENCH_BLOCK_H

#include "forkblock.h"

#include <stdint.h>

#define BLOCK_MAGIC 0x68636e6562736c74ull /* "tlsbench" in memory */
#define BLOCK_LAYOUT 17u                  /* raise with every change below */
#define BLOCK_ENV "TLSBENCH_RIG"

/* Descriptors of the rig process. */
enum {
	FD_BLOCK = 3,    /* the control block */
	FD_LIFELINE = 4, /* end of file when the harness dies */
	FD_CONTROL = 5,  /* a byte from the harness: stop */
	FD_STATUS = 6,   /* a byte to the harness: ready; end of file: gone */
};

enum { MAX_WORKERS = 1024, MAX_SLOTS = 128, MAX_PARAMS = 8, MAX_EVENTS = 1024, MAX_DER = 2048 };
enum { MAX_INJECTIONS = 4096 };
enum { PEER_TIMEOUT_S = 2 }; /* how long a worker waits for a silent peer */
enum { MAX_HAZARDS = 4, MAX_HAZARD_PARAMS = 4, MAX_TEXTS = 8 };

enum mode { MODE_SERVE = 0, MODE_PLAIN = 1, MODE_FORK = 2, MODE_FORK_PLAIN = 3 };
enum load { LOAD_TCP = 0, LOAD_MEMORY = 1 };
enum heap_policy { HEAP_GLOBAL = 0, HEAP_SCALABLE = 1, HEAP_PRIVATE = 2, HEAP_TRACED = 3 };
enum lock_sharing { LOCKS_SHARED = 0, LOCKS_KAMAILIO = 1, LOCKS_PRIVATE = 2 };
enum key_kind { KEY_ECDSA_P256 = 0, KEY_RSA_2048 = 1 };

/* How far rank 0 has come; an early end is reported with it. */
enum stage { STAGE_START = 0, STAGE_OPENSSL, STAGE_SETUP, STAGE_CONTEXTS, STAGE_FORK, STAGE_READY, STAGE_DONE };

/*
 * Set by the harness; workers wait on it as a futex until there is load. The
 * measured window ends with DRAIN, but a TCP worker goes on serving until STOP,
 * so that no peer is cut off.
 */
enum phase { PHASE_WAIT = 0, PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_STOP };

/* What a worker is doing; OP_IDLE may last for ever without being a hang. */
enum operation { OP_START = 0, OP_IDLE, OP_HANDSHAKE, OP_ECHO, OP_CHECK, OP_DONE, OP_NEIGHBOUR, OP_RETIRED };

/* What the rig's detectors note, with the words of package event. */
#define EVENT_LIST(EVENT)                           \
	EVENT(FOREIGN_ERROR, "foreign-error")       \
	EVENT(FAILED_HANDSHAKE, "failed-handshake") \
	EVENT(WRONG_DATA, "wrong-data")             \
	EVENT(DOUBLE_FREE, "double-free")           \
	EVENT(WILD_FREE, "wild-free")               \
	EVENT(OVERRUN, "overrun")                   \
	EVENT(HEAP_DAMAGE, "heap-damage")           \
	EVENT(CRASH, "crash")                       \
	EVENT(BROKEN_NEIGHBOUR, "broken-neighbour") \
	EVENT(LOST_SLOT, "lost-slot")

#define EVENT_NUMBER(kind, word) EVENT_##kind,
enum event_kind { EVENT_LIST(EVENT_NUMBER) EVENT_KINDS };

/* Damage made on purpose, to try the detectors; see fault.c. */
#define FAULT_LIST(FAULT)                             \
	FAULT(NONE, "")                               \
	FAULT(DOUBLE_FREE, "double-free")             \
	FAULT(WILD_FREE, "wild-free")                 \
	FAULT(OVERRUN, "overrun")                     \
	FAULT(HEAP_DAMAGE, "heap-damage")             \
	FAULT(FOREIGN_ERROR, "foreign-error")         \
	FAULT(SWALLOWED_ERROR, "swallowed-error")     \
	FAULT(REPEATED_RANDOM, "repeated-random")     \
	FAULT(REPEATED_HELLO, "repeated-hello")       \
	FAULT(REPEATED_SHARE, "repeated-share")       \
	FAULT(WRONG_DATA, "wrong-data")               \
	FAULT(CUT, "cut")                             \
	FAULT(CRASH, "crash")                         \
	FAULT(EXIT, "exit")                           \
	FAULT(HANG, "hang")                           \
	FAULT(SPIN, "spin")                           \
	FAULT(LOCK_HOLDER, "lock-holder")             \
	FAULT(LOST_SLOT, "lost-slot")                 \
	FAULT(RACE, "race")                           \
	FAULT(RACE_LOCKED, "race-locked")             \
	FAULT(RACE_TWO_LOCKS, "race-two-locks")       \
	FAULT(RACE_ATOMIC, "race-atomic")             \
	FAULT(RACE_READ, "race-read")                 \
	FAULT(RACE_RANK0, "race-rank0")               \
	FAULT(RACE_LATE, "race-late")                 \
	FAULT(RACE_READ_LOCKED, "race-read-locked")   \
	FAULT(RACE_FREE, "race-free")                 \
	FAULT(RACE_WRITE_LOCKED, "race-write-locked") \
	FAULT(RACE_SPIN_LOCKED, "race-spin-locked")   \
	FAULT(RACE_WAITED, "race-waited")             \
	FAULT(RACE_PAGES, "race-pages")               \
	FAULT(RACE_MASKED, "race-masked")             \
	FAULT(RACE_SIGNAL, "race-signal")             \
	FAULT(RACE_CHILD, "race-child")               \
	FAULT(RACE_KERNEL, "race-kernel")             \
	FAULT(RACE_KERNEL_READ, "race-kernel-read")

#define FAULT_NUMBER(kind, name) FAULT_##kind,
enum fault { FAULT_LIST(FAULT_NUMBER) FAULTS };

/* The detectors that can be switched off, to see what each costs. */
enum detector {
	DETECT_HEAP = 1 << 0,   /* guard words, owner and state of a block */
	DETECT_QUEUE = 1 << 1,  /* the error queue */
	DETECT_RANDOM = 1 << 2, /* random draws */
	DETECT_SLOTS = 1 << 3,  /* slots after the fork and after the first handshake */
};

struct der {
	uint32_t length;
	uint8_t bytes[MAX_DER];
};

struct identity {
	struct der certificate;
	struct der key;
};

struct parameter {
	char name[24];
	int64_t value;
};

/* A hazard of this trial; see hazard.h. */
struct hazard_use {
	char name[24];
	struct parameter parameters[MAX_HAZARD_PARAMS];
};

/* What the harness found or started for a hazard: a file, a port, a certificate. */
struct text {
	char name[24];
	char value[2024];
};

struct config {
	char libcrypto[512], libssl[512];
	char strategy[64];
	char strategy_path[512]; /* shared object of a user's own strategy, or "" */
	struct parameter parameters[MAX_PARAMS];

	uint32_t mode, load, heap, locks, key;
	uint32_t heap_abort; /* die at the first bad free */
	uint32_t tls;        /* protocol version as on the wire: 0x0303, 0x0304 */
	uint32_t rand_method;
	uint32_t workers;
	uint32_t check_rate;    /* checks for each handshake */
	uint32_t ask_client;    /* ask peers for a certificate */
	uint32_t bad_permyriad; /* memory load: share of bad peers in 1/10,000 */
	uint32_t echo;          /* bytes; 0 = none */
	uint64_t handshakes;    /* memory load: stop after as many; 0 = no limit */
	uint32_t duet;          /* memory load of one worker: it waits for turns, see struct duet */
	uint64_t seed;
	uint64_t heap_bytes;
	struct {
		uint32_t kind;  /* enum fault */
		int32_t worker; /* who makes it; -1: each of them */
		uint64_t gap;   /* ns from one to the next, on average */
	} fault;
	uint32_t detectors; /* enum detector */
	struct identity server, untrusted;
	struct hazard_use hazards[MAX_HAZARDS];
	struct text texts[MAX_TEXTS];

	struct fork_config fork;

	uint64_t workers_at, draws_at, samples_at, forks_at, trace_at; /* offsets in the file */
	uint64_t draws_per_worker, samples_per_worker;
};

/* The first failure of the rig itself, as against damage under test. */
struct failure {
	uint32_t set; /* 1: being written, 2: complete */
	uint32_t line;
	int32_t error; /* errno or 0 */
	char file[32];
	char message[256];
};

struct event {
	uint64_t at;
	uint32_t kind;
	int32_t worker; /* -1: rank 0 */
	uint64_t complete;
	char detail[104];
};

/* A fault as it was made. */
struct injection {
	uint64_t at;
	int32_t worker;
	int32_t other; /* whose draw or entry it was, or the key; -1: no one's */
	char file[32]; /* base name of the file that allocated, "" if none did */
	uint64_t complete;
};

/* One pthread key as rank 0 saw it right before the first fork. */
struct slot {
	uint32_t created; /* in the ledger */
	uint32_t owner;   /* enum key_owner */
	uint64_t value;   /* rank 0's */
	uint32_t in_heap; /* the value points into the shared heap */
	char object[44];  /* base name of the creator's file */
};

/* Edges of the measured window, as one worker passed them. */
struct snapshot {
	uint64_t at, cpu, handshakes;
};

struct worker {
	/* written by the worker all the time: a cache line of its own */
	uint64_t handshakes; /* good ones, warm-up included; see last */
	uint64_t refused;    /* handshakes that failed */
	uint64_t timeouts;   /* connections given up, because the peer was silent for too long */
	uint64_t beat;       /* rises with each operation */
	uint32_t operation;
	uint32_t pid;
	uint64_t checks, draws, samples;
	uint64_t injected; /* faults */

	uint64_t events[EVENT_KINDS];
	struct snapshot begin, end;
	uint64_t last; /* when the last connection was done, or refused */
	uint64_t context_switches;
	uint32_t reaped;
	uint32_t sleeps;                   /* a call of a neighbour's sleeps, and wakes only for looks */
	uint32_t forked, used;             /* which of the following are filled in */
	uint64_t generations;              /* processes that were this worker, one after the other */
	uint64_t retired;                  /* those that ended to be replaced, */
	int64_t kept_bytes;                /* what they left in the shared heap, */
	uint64_t kept_workers;             /* but for the first, which leaves what belongs to its SSL_CTX, */
	uint64_t cpu_before;               /* and their processor time */
	uint64_t hazard_acts[MAX_HAZARDS]; /* how often each hazard really happened */
	uint64_t slots_forked[MAX_SLOTS];  /* after the at-fork handlers */
	uint64_t slots_used[MAX_SLOTS];    /* after the first handshake, again after each own fork */
	uint64_t objects[3];               /* error state, public and private generator */
} __attribute__((aligned(64)));

enum { DRAW_BYTES = 16 };

/* Where random bytes come from: what a client sees comes from a provider's generator too. */
enum draw_source { DRAW_PUBLIC = 0, DRAW_PRIVATE, DRAW_HELLO, DRAW_SHARE };

enum { DRAW_OF_FAULT = 4 }; /* added to the source of what a fault took or put in */

/* Random bytes of a worker: a draw, or a part of a ServerHello that its client got. */
struct draw {
	uint8_t value[DRAW_BYTES];
	uint32_t at_us; /* from start of load */
	uint32_t source;
};

/*
 * Handshakes at the start of each turn that are not part of it: whoever has just
 * played finds its data in the processor's caches, and the other one does not.
 */
enum { DUET_LEAD_IN = 4 };

/* One turn of a duet. Times are in ns. */
struct slice {
	uint64_t at; /* when it began */
	uint64_t wall, cpu;
	uint64_t handshakes;
	uint64_t instructions; /* in user space; 0 = there is no counter */
	uint64_t preempted;    /* involuntary context switches */
};

/*
 * The turns of a duet's worker. The harness sets how long the next one lasts and
 * raises given; the worker fills in slice and sets taken to given. Both are
 * futexes.
 */
struct duet {
	uint32_t given, taken;
	uint64_t cpu, handshakes; /* a turn ends when it has both */
	struct slice slice;       /* the last one */
	int32_t no_counter;       /* errno: why instructions are not counted */
};

struct block {
	uint64_t magic;
	uint32_t layout;
	uint32_t size_of_block; /* catches a header compiled in two ways */
	struct config config;

	/* written by the harness while the rig runs */
	uint32_t phase __attribute__((aligned(64)));
	uint64_t load_start;

	/* written by the rig */
	uint32_t stage __attribute__((aligned(64)));
	uint32_t port;
	uint64_t rank0_beat; /* odd while rank 0 waits for something to do */
	uint64_t setup_ns;
	uint64_t tickets; /* memory load: handshakes begun */
	uint32_t turn;    /* traced: the worker whose turn it is */
	struct duet duet;
	uint64_t heap_from, heap_to;
	uint64_t heap_used;      /* bytes taken from the shared heap's region */
	uint64_t heap_exhausted; /* allocations refused for want of room, */
	uint64_t heap_full_at;   /* and when the first was */
	uint64_t lock_recovered;
	uint64_t first_event, first_event_handshakes;
	uint64_t first_death;
	int32_t first_dead; /* the worker, once first_death is not 0 */
	uint32_t slots_known;
	uint32_t next_event;
	uint64_t rank0_events[EVENT_KINDS];
	char version[128];
	uint64_t hazard_acts[MAX_HAZARDS]; /* of rank 0 */
	char neighbour[128];               /* what the neighbour says of itself */
	char skipped[256];                 /* what this machine lacks for the hazard */
	char missing[128];                 /* the OpenSSL function that the strategy needs */
	struct fork_state fork;
	struct failure failure;
	struct slot slots[MAX_SLOTS];
	struct event events[MAX_EVENTS];
	uint64_t next_injection;
	struct injection injections[MAX_INJECTIONS];
};

#endif
