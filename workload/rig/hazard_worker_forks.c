/*
 * hazard_worker_forks.c: a worker forks, as Kamailio's modules do that start a
 * process of their own, or Python's multiprocessing. Parent and child use
 * OpenSSL at the same time. A fix that acts in rank 0 alone does nothing for
 * them.
 */
#include "hazard.h"
#include "heap.h"
#include "serve.h"
#include "trace.h"
#include "watch.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 200 };

static _Noreturn void be_child(struct contexts *mine, uint32_t parent)
{
	static const unsigned char garbage[] = "no certificate";
	unsigned char bytes[16];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || (uint32_t)getppid() != parent)
		_exit(EXIT_FAILED);
	for (int i = 0; i < CALLS; i++) {
		openssl.RAND_bytes(bytes, sizeof bytes);
		openssl.SSL_CTX_use_certificate_ASN1(mine->server, (int)sizeof garbage, garbage);
		if (i % 8 == 0)
			openssl.ERR_clear_error();
	}
	_exit(0);
}

/* The parent's use of OpenSSL; active checks are only for trials that have them. */
static void use_meanwhile(void)
{
	unsigned char bytes[16];

	if (rig.config->check_rate > 0) {
		watch_check();
		return;
	}
	openssl.RAND_bytes(bytes, sizeof bytes);
	openssl.ERR_clear_error();
}

static bool fork_again(struct contexts *mine)
{
	uint32_t parent = rig.pid;
	int status = 0;
	pid_t pid, done;
	bool held_lock;

	rig.me->used = 0; /* a handler may free its objects, and others get their addresses */
	pid = fork();
	if (pid < 0)
		FAIL(errno, "worker %d forks", rig.worker);
	if (pid == 0)
		be_child(mine, parent);
	begin_operation(OP_CHECK);
	while ((done = waitpid(pid, &status, WNOHANG)) == 0)
		use_meanwhile();
	if (done < 0)
		FAIL(errno, "wait for the child of worker %d", rig.worker);
	held_lock = heap_bury((uint32_t)pid);
	if (WIFSIGNALED(status))
		note_event(EVENT_CRASH, "a worker's own child was killed by signal %d%s", WTERMSIG(status),
			held_lock ? ", holding the heap's lock" : "");
	else if (WEXITSTATUS(status) != 0)
		FAIL(0, "the child of worker %d exited with status %d", rig.worker, WEXITSTATUS(status));
	return true;
}

static bool announce(void)
{
	trace_forking_workers(rig.config->workers);
	return false; /* nothing has happened yet */
}

const struct hazard hazard_worker_forks = {
	.name = "worker-forks",
	.every = 16,
	.before_setup = announce,
	.each = fork_again,
};
