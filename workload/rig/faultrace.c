/*
 * faultrace.c: races made on purpose, to try the tracer: blocks that rank 0
 * allocates and two processes use, in a way that is a race or is none. The first
 * two workers do so once for each connection; in one case it is rank 0, at each
 * fork but the first, and the first worker.
 */
#include "fault.h"

#include "rig.h"

#include <pthread.h>

enum { BLOCKS = 100, FIRST = 0, SECOND = 1 };

static struct allocator under;
static volatile uint32_t *blocks[BLOCKS];
static pthread_mutex_t *locks[2];
static pthread_rwlock_t *read_lock;
static uint32_t forks, acts;

static uint32_t kind(void)
{
	return rig.config->fault.kind;
}

static void *block(size_t size, int line)
{
	void *p = under.malloc(size, __FILE__, line);

	if (p == NULL)
		FAIL(ENOMEM, "fault: allocate a block to race on");
	return p;
}

static void make_lock(int i)
{
	locks[i] = block(sizeof(pthread_mutex_t), __LINE__);
	if (pthread_mutex_init(locks[i], NULL) != 0)
		FAIL(0, "fault: make lock %d", i);
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

/* Both may hold it at once. */
static void write_under_read_lock(void)
{
	pthread_rwlock_rdlock(read_lock);
	write_all();
	pthread_rwlock_unlock(read_lock);
}

static void write_by_atomics(void)
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

static void free_all(void)
{
	for (int i = 0; i < BLOCKS; i++)
		under.free((void *)(uintptr_t)blocks[i], __FILE__, __LINE__);
}

void fault_race_act(void)
{
	bool first = rig.worker == FIRST;

	if (kind() < FAULT_RACE || rig.me == NULL || rig.worker > SECOND)
		return;
	bump(&rig.me->injected);
	switch (kind()) {
	case FAULT_RACE:
		write_all();
		break;
	case FAULT_RACE_LOCKED:
		write_under(locks[0]);
		break;
	case FAULT_RACE_TWO_LOCKS:
		write_under(locks[first ? 0 : 1]);
		break;
	case FAULT_RACE_LATE:
		acts++ == 0 ? write_under(locks[0]) : write_all();
		break;
	case FAULT_RACE_READ_LOCKED:
		write_under_read_lock();
		break;
	case FAULT_RACE_ATOMIC:
		write_by_atomics();
		break;
	case FAULT_RACE_READ:
		first ? write_all() : read_all();
		break;
	case FAULT_RACE_RANK0:
		if (first)
			write_all();
		break;
	default: /* one frees what the other one wrote */
		if (acts++ == 0)
			first ? write_all() : free_all();
	}
}

/* Rank 0, right before a fork: the workers that are there already live at the same time. */
static void write_in_rank0(void)
{
	if (rig.me == NULL && forks++ > 0)
		write_all();
}

void fault_race_prepare(const struct allocator *allocator)
{
	if (kind() < FAULT_RACE)
		return;
	under = *allocator;
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = block(sizeof *blocks[i], __LINE__);
	make_lock(0);
	make_lock(1);
	read_lock = block(sizeof *read_lock, __LINE__);
	if (pthread_rwlock_init(read_lock, NULL) != 0)
		FAIL(0, "fault: make the lock that is held for reading");
	if (kind() == FAULT_RACE_RANK0 && pthread_atfork(write_in_rank0, NULL, NULL) != 0)
		FAIL(0, "fault: register rank 0's fork handler");
}
