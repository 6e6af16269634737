/*
 * faultrace.c: races made on purpose, to try the tracer: blocks that two
 * processes use, in a way that is a race or is none. Rank 0 allocates them, and
 * the first two workers use them once for each connection; where a case needs
 * others it says so.
 */
#include "fault.h"

#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BLOCKS = 100, FIRST = 0, SECOND = 1, ACROSS = 4 /* bytes before the end of a page */ };

static struct allocator under;
static volatile uint32_t *blocks[BLOCKS];
static volatile uint32_t *stepped[2];
static pthread_mutex_t *locks[2];
static pthread_rwlock_t *rwlock;
static pthread_spinlock_t *spinlock;
static pthread_cond_t *condition;
static uint32_t forks, acts;
static bool own; /* the blocks are this worker's */

static uint32_t kind(void)
{
	return rig.config->fault.kind;
}

static bool first(void)
{
	return rig.worker == FIRST;
}

static void *block(size_t size, int line)
{
	void *p = under.malloc(size, __FILE__, line);

	if (p == NULL)
		FAIL(ENOMEM, "fault: allocate a block to race on");
	return p;
}

static void make_blocks(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = block(kind() == FAULT_RACE_PAGES ? 4096 + ACROSS : sizeof *blocks[i], __LINE__);
}

static void write_all(void)
{
	for (int i = 0; i < BLOCKS; i++)
		++*blocks[i];
}

static void write_under(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	write_all();
	pthread_mutex_unlock(lock);
}

static void race_locked(void)
{
	write_under(locks[0]);
}

static void race_two_locks(void)
{
	write_under(locks[first() ? 0 : 1]);
}

static void race_late(void)
{
	acts++ == 0 ? write_under(locks[0]) : write_all();
}

/* Both may hold it at once. */
static void race_read_locked(void)
{
	pthread_rwlock_rdlock(rwlock);
	write_all();
	pthread_rwlock_unlock(rwlock);
}

static void race_write_locked(void)
{
	pthread_rwlock_wrlock(rwlock);
	write_all();
	pthread_rwlock_unlock(rwlock);
}

static void race_spin_locked(void)
{
	pthread_spin_lock(spinlock);
	write_all();
	pthread_spin_unlock(spinlock);
}

/* The lock is given while it waits, and taken again. */
static void race_waited(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	pthread_mutex_lock(locks[0]);
	pthread_cond_timedwait(condition, locks[0], &at);
	write_all();
	pthread_mutex_unlock(locks[0]);
}

static void race_atomic(void)
{
	for (int i = 0; i < BLOCKS; i++)
		__atomic_fetch_add(blocks[i], 1, __ATOMIC_RELAXED);
}

static void read_all(void)
{
	static volatile uint32_t sum;

	for (int i = 0; i < BLOCKS; i++)
		sum += *blocks[i];
}

static void race_read(void)
{
	first() ? write_all() : read_all();
}

/* One frees what the other one wrote. */
static void race_free(void)
{
	if (acts++ > 0)
		return;
	if (first()) {
		write_all();
		return;
	}
	for (int i = 0; i < BLOCKS; i++)
		under.free((void *)(uintptr_t)blocks[i], __FILE__, __LINE__);
}

static void race_rank0(void)
{
	if (first())
		write_all();
}

/* Each of these instructions writes to the end of a page and to the begin of the next. */
static void race_pages(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		char *at = (char *)(uintptr_t)blocks[i] + 4096 - ACROSS;
		uint64_t value;

		memcpy(&value, at, sizeof value);
		value++;
		memcpy(at, &value, sizeof value);
	}
}

/* A library that blocks all signals must not block the tracer's. */
static void race_masked(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	write_all();
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static volatile sig_atomic_t struck;

/*
 * In whatever the signal came into: one block, under a lock and then without.
 * The worker is in race_signal's loop then, which takes no lock.
 */
static void strike_block(int signal)
{
	(void)signal;
	if (struck == BLOCKS)
		return;
	pthread_mutex_lock(locks[0]); // NOLINT(bugprone-signal-handler,cert-*)
	++*blocks[struck];
	pthread_mutex_unlock(locks[0]); // NOLINT(bugprone-signal-handler,cert-*)
	++*blocks[struck];
	struck = struck + 1;
}

#define STEP __atomic_fetch_add(stepped[rig.worker], 1, __ATOMIC_RELAXED)

/* The processor steps over these instructions until the signals have come. */
static void race_signal(void)
{
	struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};

	if (acts++ > 0)
		return;
	signal(SIGALRM, strike_block);
	setitimer(ITIMER_REAL, &often, NULL);
	while (struck < BLOCKS) {
		STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP;
		STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP;
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

/* A worker and its own child, on what the worker allocated. */
static void race_child(void)
{
	if (!first())
		return;
	if (!own)
		make_blocks();
	own = true;
	write_all();
}

static int zeroes, nothing, pair[2];
static FILE *zero_stream, *nothing_stream; /* the same without buffers */

/* The kernel writes to a buffer, in each of the ways that it may. */
static ssize_t kernel_writes(int way, void *p, size_t n)
{
	struct iovec vector = {p, n};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (way >= 6 && send(pair[0], "data", n, 0) != (ssize_t)n)
		FAIL(errno, "fault: send what is to be received");
	switch (way) {
	case 0:
		return read(zeroes, p, n);
	case 1:
		return readv(zeroes, &vector, 1);
	case 2:
		return getrandom(p, n, 0);
	case 3:
		return getentropy(p, n) == 0 ? (ssize_t)n : -1;
	case 4:
		return pread(zeroes, p, n, 0);
	case 5:
		return (ssize_t)fread(p, 1, n, zero_stream);
	case 6:
		return recv(pair[1], p, n, 0);
	case 7:
		return recvfrom(pair[1], p, n, 0, NULL, NULL);
	default:
		return recvmsg(pair[1], &message, 0);
	}
}

static ssize_t kernel_reads(int way, void *p, size_t n)
{
	struct iovec vector = {p, n};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	char drained[8];
	ssize_t sent;

	switch (way) {
	case 0:
	case 1:
		return write(nothing, p, n);
	case 2:
	case 3:
		return writev(nothing, &vector, 1);
	case 4:
		return pwrite(nothing, p, n, 0);
	case 5:
		return (ssize_t)fwrite(p, 1, n, nothing_stream);
	case 6:
		sent = send(pair[0], p, n, 0);
		break;
	case 7:
		sent = sendto(pair[0], p, n, 0, NULL, 0);
		break;
	default:
		sent = sendmsg(pair[0], &message, 0);
	}
	return sent == (ssize_t)n ? recv(pair[1], drained, n, 0) : sent;
}

static void call_kernel(ssize_t (*call)(int way, void *p, size_t n))
{
	enum { WAYS = 9 };

	for (int i = 0; i < BLOCKS; i++) {
		if (call(i % WAYS, (void *)(uintptr_t)blocks[i], sizeof *blocks[i]) != sizeof *blocks[i])
			FAIL(errno, "fault: call %d of the kernel with a traced buffer", i % WAYS);
	}
}

/* Under one lock; what one of them then writes by itself is not. */
static void race_kernel(void)
{
	pthread_mutex_lock(locks[0]);
	call_kernel(kernel_writes);
	pthread_mutex_unlock(locks[0]);
	if (!first())
		write_all();
}

static void race_kernel_read(void)
{
	first() ? write_all() : call_kernel(kernel_reads);
}

static void (*const cases[FAULTS])(void) = {
	[FAULT_RACE] = write_all,
	[FAULT_RACE_LOCKED] = race_locked,
	[FAULT_RACE_TWO_LOCKS] = race_two_locks,
	[FAULT_RACE_LATE] = race_late,
	[FAULT_RACE_READ_LOCKED] = race_read_locked,
	[FAULT_RACE_WRITE_LOCKED] = race_write_locked,
	[FAULT_RACE_SPIN_LOCKED] = race_spin_locked,
	[FAULT_RACE_WAITED] = race_waited,
	[FAULT_RACE_ATOMIC] = race_atomic,
	[FAULT_RACE_READ] = race_read,
	[FAULT_RACE_FREE] = race_free,
	[FAULT_RACE_RANK0] = race_rank0,
	[FAULT_RACE_PAGES] = race_pages,
	[FAULT_RACE_MASKED] = race_masked,
	[FAULT_RACE_SIGNAL] = race_signal,
	[FAULT_RACE_CHILD] = race_child,
	[FAULT_RACE_KERNEL] = race_kernel,
	[FAULT_RACE_KERNEL_READ] = race_kernel_read,
};

void fault_race_act(void)
{
	if (cases[kind()] == NULL || rig.me == NULL || rig.worker > SECOND)
		return;
	bump(&rig.me->injected);
	cases[kind()]();
}

/* Rank 0, right before a fork: the workers that are there already live at the same time. */
static void write_in_rank0(void)
{
	if (kind() == FAULT_RACE_RANK0 && rig.me == NULL && forks++ > 0)
		write_all();
}

static void write_in_child(void)
{
	if (own)
		write_all();
}

static void make_locks(void)
{
	for (int i = 0; i < 2; i++) {
		locks[i] = block(sizeof(pthread_mutex_t), __LINE__);
		stepped[i] = block(sizeof *stepped[i], __LINE__);
	}
	rwlock = block(sizeof *rwlock, __LINE__);
	spinlock = (pthread_spinlock_t *)block(sizeof *spinlock, __LINE__);
	condition = block(sizeof(pthread_cond_t), __LINE__);
	if (pthread_mutex_init(locks[0], NULL) != 0 || pthread_mutex_init(locks[1], NULL) != 0 ||
		pthread_rwlock_init(rwlock, NULL) != 0 || pthread_cond_init(condition, NULL) != 0 ||
		pthread_spin_init(spinlock, PTHREAD_PROCESS_SHARED) != 0)
		FAIL(0, "fault: make the locks");
}

void fault_race_prepare(const struct allocator *allocator)
{
	if (cases[kind()] == NULL)
		return;
	under = *allocator;
	make_blocks();
	make_locks();
	zeroes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	zero_stream = fopen("/dev/zero", "re");
	nothing_stream = fopen("/dev/null", "we");
	if (zeroes < 0 || nothing < 0 || zero_stream == NULL || nothing_stream == NULL ||
		setvbuf(zero_stream, NULL, _IONBF, 0) != 0 || setvbuf(nothing_stream, NULL, _IONBF, 0) != 0 ||
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
		FAIL(errno, "fault: open what the kernel is to read and write");
	if (pthread_atfork(write_in_rank0, NULL, write_in_child) != 0)
		FAIL(errno, "fault: register the fork handlers");
}
