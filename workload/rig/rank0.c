/*
 * rank0.c: the main process of the preforked server, in the order of the real
 * daemons: shared heap, OpenSSL, the strategy's set-up, one SSL_CTX for each
 * worker, the forks. Then it waits: for the end, or for a death among its own.
 */
#include "contexts.h"
#include "fault.h"
#include "fork.h"
#include "forkloop.h"
#include "forkmemory.h"
#include "hazard.h"
#include "heap.h"
#include "host.h"
#include "keys.h"
#include "locks.h"
#include "openssl.h"
#include "rig.h"
#include "serve.h"
#include "slots.h"
#include "trace.h"
#include "watch.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct contexts *contexts;
static int listener = -1;
static int signals = -1; /* SIGCHLD, to be read */
static int next_worker;
static uint32_t alive;
static bool ending; /* deaths are our own doing from now on */

static void reach(enum stage stage)
{
	__atomic_store_n(&rig.block->stage, (uint32_t)stage, __ATOMIC_RELEASE);
}

/*
 * The first of all child handlers, so that a strategy's handler that makes
 * OpenSSL allocate already does so as the worker.
 */
static void become_worker(void)
{
	rig.worker = next_worker;
	rig.me = &rig.workers[next_worker];
	rig.pid = (uint32_t)getpid();
	heap_enter((uint32_t)next_worker);
	trace_in_child((uint32_t)next_worker);
}

static void note_fork(void)
{
	trace_in_parent((uint32_t)next_worker);
}

/* What OpenSSL calls: the shared heap, and around it what a trial is to see or do there. */
static void set_allocator(void)
{
	bool private = rig.config->heap == HEAP_PRIVATE;
	struct allocator allocator = heap_allocator;

	if (!private)
		heap_open((enum heap_policy)rig.config->heap, rig.config->heap_bytes, rig.config->workers);
	host_heap((const void *)(uintptr_t)rig.block->heap_from, (const void *)(uintptr_t)rig.block->heap_to);
	if (rig.config->heap == HEAP_TRACED)
		trace_install((struct trace *)((char *)rig.block + rig.config->trace_at), heap_traced(), &allocator);
	fault_install(&allocator);
	watch_install(&allocator);
	if (!private && openssl.CRYPTO_set_mem_functions(allocator.malloc, allocator.realloc, allocator.free) != 1)
		FAIL(0, "CRYPTO_set_mem_functions: OpenSSL has allocated before");
}

static void check_needs(void)
{
	const char *missing = host_missing();

	if (missing != NULL)
		not_applicable(missing);
}

static void load_openssl(void)
{
	keys_start();
	hazards_before_openssl();
	openssl_load(rig.config->libcrypto, rig.config->libssl);
	host_load();
	check_needs();
	set_allocator();
	locks_share((enum lock_sharing)rig.config->locks);
	hazards_before_setup();
	reach(STAGE_OPENSSL);
}

static void initialise(void *unused)
{
	(void)unused;
	openssl_initialise();
}

static void make_contexts(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < rig.config->workers; i++)
		contexts_make(&contexts[i]);
}

static void set_up(void)
{
	uint64_t began = now_ns();

	contexts = calloc(rig.config->workers, sizeof *contexts);
	if (contexts == NULL)
		FAIL(errno, "allocate the list of %u workers' contexts", rig.config->workers);
	host_initialise(initialise, NULL);
	if (rig.config->mode == MODE_FORK)
		fork_keys_fill();
	host_after_setup();
	reach(STAGE_SETUP);
	host_initialise(make_contexts, NULL);
	rig.block->setup_ns = now_ns() - began;
	hazards_after_setup(contexts);
	reach(STAGE_CONTEXTS);
}

static void fork_worker(int worker)
{
	pid_t pid;

	next_worker = worker;
	pid = fork();
	if (pid < 0)
		FAIL(errno, "fork worker %d of %u", worker, rig.config->workers);
	if (pid == 0)
		run_worker(listener, &contexts[worker]);
	rig.workers[worker].pid = (uint32_t)pid;
	alive++;
}

/* One that has retired, by SIGKILL for a hazard, is replaced while the others serve. */
static bool replace_retired(int worker, int status)
{
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	struct worker *w = &rig.workers[worker];

	if (ending || w->operation != OP_RETIRED || (status != 0 && !killed))
		return false;
	w->operation = OP_START;
	hazards_between_forks(worker);
	fork_worker(worker);
	return true;
}

static int worker_of(pid_t pid)
{
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		if (rig.workers[i].pid == (uint32_t)pid)
			return (int)i;
	}
	return -1;
}

static void kill_all(void)
{
	ending = true;
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		struct worker *w = &rig.workers[i];

		if (w->pid != 0 && !w->reaped)
			kill((pid_t)w->pid, SIGKILL);
	}
}

/*
 * The first death ends the trial, as it ends the daemons: their main process
 * stops everything when a child dies by a signal.
 */
static void note_death(int worker, int status, bool held_lock)
{
	bool finished = status == 0 && rig.workers[worker].operation == OP_DONE;

	if (!ending && !finished) {
		rig.block->first_dead = worker;
		__atomic_store_n(&rig.block->first_death, now_ns(), __ATOMIC_RELEASE);
		if (WIFSIGNALED(status))
			note_event_of(worker, EVENT_CRASH, "killed by signal %d (%s)%s", WTERMSIG(status),
				strsignal(WTERMSIG(status)), held_lock ? ", holding the heap's lock" : "");
		else if (WEXITSTATUS(status) != EXIT_FAILED)
			note_event_of(worker, EVENT_CRASH, "exited with status %d", WEXITSTATUS(status));
		if (rig.workers[worker].operation == OP_NEIGHBOUR)
			note_event_of(worker, EVENT_BROKEN_NEIGHBOUR, "the process died in a call into its library");
		kill_all();
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		int worker = worker_of(pid);
		bool held_lock;

		/* Still at work, and on the next one: the beat stays even. */
		__atomic_store_n(&rig.block->rank0_beat, rig.block->rank0_beat + 2, __ATOMIC_RELAXED);
		held_lock = heap_bury((uint32_t)pid);
		if (worker < 0)
			continue;
		alive--;
		if (replace_retired(worker, status))
			continue;
		rig.workers[worker].reaped = 1;
		note_death(worker, status, held_lock);
	}
}

/* A blocking accept() ends with EINVAL in every worker. */
static void stop_workers(void)
{
	if (listener >= 0)
		shutdown(listener, SHUT_RDWR);
}

/* The beat is odd while rank 0 waits for an event, which may take for ever, and even while it works, which must end. */
static int await(struct pollfd *fds, int timeout)
{
	int n;

	bump(&rig.block->rank0_beat);
	n = poll(fds, 2, timeout);
	bump(&rig.block->rank0_beat);
	return n;
}

bool rank0_await_load(uint64_t connections)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = FD_CONTROL, .events = POLLIN}};
	uint64_t made;

	do {
		if (await(fds, 1) != 0)
			return false;
		made = 0;
		for (uint32_t i = 0; i < rig.config->workers; i++)
			made += __atomic_load_n(&rig.workers[i].handshakes, __ATOMIC_RELAXED) +
				__atomic_load_n(&rig.workers[i].refused, __ATOMIC_RELAXED);
	} while (made < connections * rig.config->workers);
	return true;
}

static _Noreturn void finish(void)
{
	reach(STAGE_DONE);
	_exit(rig.block->failure.set ? EXIT_FAILED : 0); /* live workers are tied to rank 0 */
}

_Noreturn void rank0_watch(void)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = FD_CONTROL, .events = POLLIN}};
	struct signalfd_siginfo info;
	char byte;

	while (alive > 0) {
		if (await(fds, -1) < 0) {
			if (errno != EINTR)
				FAIL(errno, "wait for workers");
			continue; /* what poll() found before is old */
		}
		if (fds[0].revents & POLLIN && read(signals, &info, sizeof info) > 0)
			reap();
		if (fds[1].revents & (POLLIN | POLLHUP)) {
			if (read(FD_CONTROL, &byte, 1) != 1)
				kill_all(); /* the harness is gone */
			stop_workers();
			fds[1].fd = -1;
		}
	}
	finish();
}

static void catch_children(void)
{
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		FAIL(errno, "open signalfd");
}

static void tell_ready(void)
{
	char ready = 'r';

	reach(STAGE_READY);
	if (write(FD_STATUS, &ready, 1) != 1)
		FAIL(errno, "tell the harness");
}

/* All workers but the last live; its place is that of the loop's children. */
static _Noreturn void loop_forks(void)
{
	uint32_t loop = rig.config->workers - 1;

	fork_memory_fill();
	reach(STAGE_FORK);
	for (uint32_t i = 0; i < loop; i++)
		fork_worker((int)i);
	next_worker = (int)loop;
	tell_ready();
	fork_loop_run(&contexts[loop]);
	finish();
}

void run_rank0(void)
{
	catch_children();
	if (pthread_atfork(trace_before_fork, note_fork, become_worker) != 0)
		FAIL(errno, "register the rig's fork handler");
	if (rig.config->mode == MODE_FORK)
		fork_memory_pin();
	hazards_load();
	load_openssl();
	set_up();
	if (rig.config->load == LOAD_TCP)
		listener = tcp_listen();
	slots_survey();
	if (rig.config->mode == MODE_FORK)
		loop_forks();
	reach(STAGE_FORK);
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		if (i > 0)
			hazards_between_forks((int)i);
		fork_worker((int)i);
	}
	tell_ready();
	hazards_all_forked();
	rank0_watch();
}
