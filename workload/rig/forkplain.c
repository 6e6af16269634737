/*
 * forkplain.c: the yardstick of fork trials: the smallest program that forks,
 * exits in the child and waits in the parent. It has the libraries and the
 * shared heap mapped as rank 0 has, as much private memory and the same kind of
 * pages; no strategy, no fork handler, no live worker, no detector.
 */
#include "contexts.h"
#include "forkmemory.h"
#include "heap.h"
#include "openssl.h"
#include "rig.h"

#include <sys/wait.h>
#include <unistd.h>

static void fork_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		FAIL(errno, "fork");
	if (pid == 0)
		_exit(0);
	if (waitpid(pid, &status, 0) != pid)
		FAIL(errno, "wait for process %d", (int)pid);
	if (status != 0)
		FAIL(0, "process %d ended with status %#x", (int)pid, (unsigned)status);
}

void run_fork_plain(void)
{
	struct worker *me = &rig.workers[0];
	char byte = 'r';

	fork_memory_pin();
	openssl_load(rig.config->libcrypto, rig.config->libssl);
	if (rig.config->heap != HEAP_PRIVATE)
		heap_open((enum heap_policy)rig.config->heap, rig.config->heap_bytes, rig.config->workers);
	fork_memory_fill();
	__atomic_store_n(&rig.block->stage, STAGE_READY, __ATOMIC_RELEASE);
	if (write(FD_STATUS, &byte, 1) != 1 || read(FD_CONTROL, &byte, 1) != 1)
		FAIL(errno, "meet the harness");
	for (int i = 0; i < 20; i++) /* warm-up: first copies of all page tables */
		fork_once();
	me->begin.at = now_ns();
	for (uint64_t i = 0; i < rig.config->fork.sustained; i++)
		fork_once();
	me->end.at = now_ns();
	__atomic_store_n(&rig.block->stage, STAGE_DONE, __ATOMIC_RELEASE);
	_exit(0);
}
