/*
 * hazard.h: what lives in the process besides the server and OpenSSL. A
 * hazard is a struct of hooks in a file of its own, and a line in hazardlist.h;
 * nothing else here knows it by name (ADDING.md has an example). Each hook may
 * be NULL.
 *
 *   before_openssl  rank 0, before OpenSSL is loaded
 *   before_setup    rank 0, OpenSSL is loaded and not yet initialised
 *   after_setup     rank 0's main thread, after the strategy's set-up and the
 *                   contexts, before the first fork; not under the strategy's care
 *   between_forks   rank 0, before every fork but the first
 *   all_forked      rank 0, when all workers are forked and the harness knows it
 *   in_worker       a new worker, after the at-fork handlers
 *   each            a worker, after its first handshake and then after every so
 *                   many more, good and bad ones counted
 *   serve           a worker, in place of the serving loop
 *   retires         a worker, after each handshake: whether it is to end here and
 *                   be replaced by a new one
 *
 * A hook returns whether it really did what the hazard is about. That is
 * counted, so that a clean trial cannot mean that nothing was tried.
 */
#ifndef TLSBENCH_HAZARD_H
#define TLSBENCH_HAZARD_H

#include "contexts.h"
#include "rig.h"

struct hazard {
	const char *name;
	uint64_t every; /* handshakes from one each to the next, the default of parameter every */
	bool (*before_openssl)(void);
	bool (*before_setup)(void);
	bool (*after_setup)(struct contexts *all);
	bool (*between_forks)(int next);
	bool (*all_forked)(void);
	bool (*in_worker)(void);
	bool (*each)(struct contexts *mine);
	void (*serve)(int listener, struct contexts *mine);
	bool (*retires)(void);
};

/* All there are, ended by NULL. */
extern const struct hazard *const hazards[];

/* Finds those of this trial. */
void hazards_load(void);

/* The hooks of all hazards of this trial. */
void hazards_before_openssl(void);
void hazards_before_setup(void);
void hazards_after_setup(struct contexts *all);
void hazards_between_forks(int next);
void hazards_all_forked(void);
void hazards_in_worker(void);
void hazards_each(struct contexts *mine);
/* False if no hazard has its own serving loop. */
bool hazards_serve(int listener, struct contexts *mine);
bool hazards_retires(void);

/*
 * rank0.c: waits until workers have served so many connections each, on average.
 * False if rank 0 is needed before, because a worker ended, the harness wants an end, or
 * a signal came.
 */
bool rank0_await_load(uint64_t connections);
/* rank0.c: rank 0's last duty, to watch over its workers. It does not return. */
_Noreturn void rank0_watch(void);

/* For a hook that returns nothing: the hazard of that name really happened. */
void hazard_acted(const char *name);

/* A parameter of this trial's hazard of that name. */
int64_t hazard_number(const char *hazard, const char *name, int64_t otherwise);

/* What the harness found or started for a hazard, such as a file; "" if nothing. */
const char *hazard_text(const char *name);

/* The neighbour's own words on what it is, kept for the outcome. */
void hazard_introduce(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* This OpenSSL lacks a function: the trial is not applicable. In rank 0, before set-up. */
_Noreturn void not_applicable(const char *function);

/* This machine lacks something: ends the trial as skipped. In rank 0 only. */
_Noreturn void hazard_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
