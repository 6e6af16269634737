/*
 * entry.c: takes the process over before the Go runtime starts, when the
 * environment says that it is to be a rig. The Go runtime is multi-threaded
 * and must not be forked; here there is one thread, and fork() is real. In
 * every other process the constructor returns at once.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void refuse(const char *what, unsigned long have, unsigned long want)
{
	dprintf(STDERR_FILENO, "control block: %s is %lu, this rig wants %lu\n", what, have, want);
	_exit(EXIT_LAYOUT);
}

static struct block *map_block(void)
{
	struct stat info;
	struct block *block;

	if (fstat(FD_BLOCK, &info) != 0)
		FAIL(errno, "stat control block, descriptor %d", FD_BLOCK);
	if ((size_t)info.st_size < sizeof *block)
		refuse("its size", (unsigned long)info.st_size, sizeof *block);
	block = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, FD_BLOCK, 0);
	if (block == MAP_FAILED)
		FAIL(errno, "map control block of %lld bytes", (long long)info.st_size);
	if (block->magic != BLOCK_MAGIC)
		refuse("its magic number", block->magic, BLOCK_MAGIC);
	if (block->layout != BLOCK_LAYOUT)
		refuse("its layout version", block->layout, BLOCK_LAYOUT);
	if (block->size_of_block != sizeof *block)
		refuse("its header size", block->size_of_block, sizeof *block);
	return block;
}

/*
 * The kernel kills rank 0 when the harness ends, however it ends: the pipe's
 * other end closes, and that raises the signal chosen here. A parent-death
 * signal would fire when the thread that started the rig ends, and Go's
 * threads come and go.
 */
static void tie_to_harness(void)
{
	if (fcntl(FD_LIFELINE, F_SETSIG, SIGKILL) != 0 || fcntl(FD_LIFELINE, F_SETOWN, getpid()) != 0 ||
		fcntl(FD_LIFELINE, F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
		FAIL(errno, "tie the rig to the harness");
	char byte;
	if (read(FD_LIFELINE, &byte, 1) == 0) /* it died before */
		_exit(EXIT_FAILED);
}

static void leave_no_core(void)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		FAIL(errno, "switch core files off");
}

/* Later children, a neighbour's among them, must not take over in their turn. */
static void forget_environment(void)
{
	unsetenv(BLOCK_ENV);
}

__attribute__((constructor)) static void enter(void)
{
	if (getenv(BLOCK_ENV) == NULL)
		return;
	forget_environment();
	rig.pid = rig.rank0 = (uint32_t)getpid();
	rig.block = map_block();
	rig.config = &rig.block->config;
	rig.workers = (struct worker *)((char *)rig.block + rig.config->workers_at);
	tie_to_harness();
	leave_no_core();
	for (int fd = FD_BLOCK; fd <= FD_STATUS; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (rig.config->mode == MODE_PLAIN)
		run_plain();
	if (rig.config->mode == MODE_FORK_PLAIN)
		run_fork_plain();
	run_rank0();
}
