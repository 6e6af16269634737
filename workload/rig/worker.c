/*
 * worker.c: the life of a worker, from the fork to its last handshake.
 */
#include "contexts.h"
#include "duet.h"
#include "fork.h"
#include "hazard.h"
#include "serve.h"
#include "slots.h"
#include "trace.h"
#include "watch.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t phase = PHASE_WAIT;

void begin_operation(enum operation operation)
{
	__atomic_store_n(&rig.me->operation, (uint32_t)operation, __ATOMIC_RELAXED);
	bump(&rig.me->beat);
}

static void keep_sample(uint64_t duration)
{
	uint64_t room = rig.config->samples_per_worker;
	uint32_t *samples = (uint32_t *)((char *)rig.block + rig.config->samples_at);

	if (room == 0 || phase != PHASE_MEASURE)
		return;
	samples += (uint64_t)rig.worker * room;
	samples[rig.me->samples % room] = duration < UINT32_MAX ? (uint32_t)duration : UINT32_MAX;
	__atomic_store_n(&rig.me->samples, rig.me->samples + 1, __ATOMIC_RELEASE);
}

void count_handshake(uint64_t began)
{
	uint64_t now = now_ns();

	rig.me->last = now;
	bump(&rig.me->handshakes);
	keep_sample(now - began);
}

void count_refusal(void)
{
	rig.me->last = now_ns();
	bump(&rig.me->refused);
}

/* A worker that replaces a retired one goes on where that one was. */
static void take(struct snapshot *snapshot)
{
	if (snapshot->at != 0)
		return;
	snapshot->at = now_ns();
	snapshot->cpu = cpu_ns() + rig.me->cpu_before;
	snapshot->handshakes = rig.me->handshakes;
}

/* Whoever sleeps through a phase takes its snapshots late, but all of them. */
enum phase follow_phase(void)
{
	uint32_t now = __atomic_load_n(&rig.block->phase, __ATOMIC_ACQUIRE);

	if (now == phase)
		return phase;
	if (phase < PHASE_MEASURE && now >= PHASE_MEASURE)
		take(&rig.me->begin);
	if (phase < PHASE_DRAIN && now >= PHASE_DRAIN)
		take(&rig.me->end);
	return phase = now;
}

static void wait_for_load(void)
{
	uint32_t *word = &rig.block->phase;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == PHASE_WAIT)
		syscall(SYS_futex, word, FUTEX_WAIT, PHASE_WAIT, NULL, NULL, 0);
}

void after_handshake(struct contexts *mine)
{
	watch_look("after a connection");
	hazards_each(mine);
	slots_after_handshake();
	if (rig.config->check_rate == 0)
		return;
	begin_operation(OP_CHECK);
	for (uint32_t i = 0; i < rig.config->check_rate; i++)
		watch_check();
}

/*
 * Memory load with a given number of handshakes: workers share the tickets.
 * The warm-up needs none.
 */
bool memory_ticket_left(void)
{
	uint64_t limit = rig.config->handshakes;

	if (rig.config->heap == HEAP_TRACED) { /* each worker has its own number */
		static uint64_t taken;

		return taken++ < limit && rig.me->handshakes + rig.me->refused < limit;
	}
	return limit == 0 || phase < PHASE_MEASURE ||
	       __atomic_fetch_add(&rig.block->tickets, 1, __ATOMIC_RELAXED) < limit;
}

static void count_switches(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		rig.me->context_switches += (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

/* Rank 0 forks another one in this one's place. */
static _Noreturn void retire(void)
{
	count_switches();
	rig.me->cpu_before += cpu_ns();
	begin_operation(OP_RETIRED);
	_exit(0);
}

enum { TURN = 5 }; /* handshakes: each turn has OpenSSL seed anew what processes share */

static bool traced(void)
{
	return rig.config->heap == HEAP_TRACED;
}

/*
 * The tracer needs no two workers at once: what it looks for does not depend on
 * who comes first. They take turns, so that shared state is seen to be shared
 * before it is damaged, and each trial sees the same.
 */
static void await_turn(void)
{
	uint32_t *turn = &rig.block->turn, now;

	if (!traced())
		return;
	while ((now = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) != (uint32_t)rig.worker)
		syscall(SYS_futex, turn, FUTEX_WAIT, now, NULL, NULL, 0);
	if (2 * (rig.me->handshakes + rig.me->refused) >= rig.config->handshakes)
		trace_second_pass();
}

static void pass_turn(void)
{
	static uint32_t served;
	uint32_t next = (uint32_t)rig.worker;

	if (!traced() || (rig.me->operation != OP_DONE && ++served % TURN != 0))
		return;
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		next = (next + 1) % rig.config->workers;
		if (rig.workers[next].operation != OP_DONE)
			break;
	}
	__atomic_store_n(&rig.block->turn, next, __ATOMIC_RELEASE);
	syscall(SYS_futex, &rig.block->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void serve_memory(struct contexts *contexts)
{
	memory_seed(rig.config->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)(uint32_t)rig.worker);
	for (;;) {
		begin_operation(OP_IDLE);
		await_turn();
		duet_await();
		follow_phase();
		if (phase >= PHASE_DRAIN || !memory_ticket_left())
			return;
		memory_serve(contexts);
		after_handshake(contexts);
		pass_turn();
		duet_pass();
		if (hazards_retires())
			retire();
	}
}

static void serve_tcp(int listener, struct contexts *contexts)
{
	int fd;

	while (begin_operation(OP_IDLE), await_turn(), (fd = tcp_accept(listener)) >= 0) {
		follow_phase(); /* after the wait: it may have changed meanwhile */
		tcp_serve(fd, contexts->server);
		after_handshake(contexts);
		pass_turn();
		if (hazards_retires())
			retire();
	}
	follow_phase();
}

/* SIGKILL from the kernel when rank 0 ends, which has one thread only. */
static void tie_to_rank0(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		FAIL(errno, "tie the worker to rank 0");
	if ((uint32_t)getppid() != rig.rank0)
		_exit(EXIT_FAILED);
}

static void account(void)
{
	take(&rig.me->end);
	count_switches();
}

void run_worker(int listener, struct contexts *contexts)
{
	sigset_t none;

	rig.me->pid = rig.pid;
	bump(&rig.me->generations);
	rig.me->used = 0;                                           /* its predecessor's objects are gone, */
	__atomic_store_n(&rig.me->sleeps, false, __ATOMIC_RELAXED); /* and the call that it was killed in */
	slots_after_fork();
	tie_to_rank0();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	close(FD_CONTROL);
	close(FD_STATUS);
	hazards_in_worker();
	begin_operation(OP_IDLE);
	wait_for_load();
	follow_phase();
	begin_operation(OP_CHECK);
	watch_in_worker(contexts->server);
	if (hazards_serve(listener, contexts))
		follow_phase();
	else if (rig.config->load == LOAD_MEMORY)
		serve_memory(contexts);
	else
		serve_tcp(listener, contexts);
	account();
	begin_operation(OP_DONE);
	pass_turn();
	_exit(0);
}
