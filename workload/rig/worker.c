/*
 * worker.c: the life of a worker, from the fork to its last handshake.
 */
#include "contexts.h"
#include "detect.h"
#include "fault.h"
#include "fork.h"
#include "hazard.h"
#include "serve.h"

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

static void take(struct snapshot *snapshot)
{
	snapshot->at = now_ns();
	snapshot->cpu = cpu_ns();
	snapshot->handshakes = rig.me->handshakes;
}

/* Whoever sleeps through a phase takes its snapshots late, but all of them. */
static void follow_phase(void)
{
	uint32_t now = __atomic_load_n(&rig.block->phase, __ATOMIC_ACQUIRE);

	if (now == phase)
		return;
	if (phase < PHASE_MEASURE && now >= PHASE_MEASURE)
		take(&rig.me->begin);
	if (phase < PHASE_DRAIN && now >= PHASE_DRAIN)
		take(&rig.me->end);
	phase = now;
}

static void wait_for_load(void)
{
	uint32_t *word = &rig.block->phase;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == PHASE_WAIT)
		syscall(SYS_futex, word, FUTEX_WAIT, PHASE_WAIT, NULL, NULL, 0);
}

static void check(struct contexts *mine)
{
	hazards_each(mine);
	if (!rig.me->used)
		detect_used();
	if (rig.config->fault != FAULT_NONE)
		fault_after_handshake();
	if (rig.config->check_rate == 0)
		return;
	begin_operation(OP_CHECK);
	for (uint32_t i = 0; i < rig.config->check_rate; i++)
		detect_check();
}

/*
 * Memory load with a given number of handshakes: workers share the tickets.
 * The warm-up needs none.
 */
static bool ticket_left(void)
{
	uint64_t limit = rig.config->handshakes;

	return limit == 0 || phase < PHASE_MEASURE || __atomic_fetch_add(&rig.block->tickets, 1, __ATOMIC_RELAXED) < limit;
}

static void serve_memory(struct contexts *contexts)
{
	memory_seed(rig.config->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)(uint32_t)rig.worker);
	for (;;) {
		follow_phase();
		if (phase >= PHASE_DRAIN || !ticket_left())
			return;
		memory_serve(contexts);
		check(contexts);
	}
}

static void serve_tcp(int listener, struct contexts *contexts)
{
	int fd;

	while (begin_operation(OP_IDLE), (fd = tcp_accept(listener)) >= 0) {
		follow_phase(); /* after the wait: it may have changed meanwhile */
		tcp_serve(fd, contexts->server);
		check(contexts);
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
	struct rusage usage;

	if (rig.me->end.at == 0)
		take(&rig.me->end);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		rig.me->context_switches = (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

void run_worker(int listener, struct contexts *contexts)
{
	sigset_t none;

	rig.me->pid = rig.pid;
	detect_forked();
	hazards_in_worker();
	tie_to_rank0();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	close(FD_CONTROL);
	close(FD_STATUS);
	begin_operation(OP_IDLE);
	wait_for_load();
	follow_phase();
	if (hazards_serve(listener, contexts))
		follow_phase();
	else if (rig.config->load == LOAD_MEMORY)
		serve_memory(contexts);
	else
		serve_tcp(listener, contexts);
	account();
	begin_operation(OP_DONE);
	_exit(0);
}
