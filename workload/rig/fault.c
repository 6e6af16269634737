/* fault.c: see fault.h. */
#include "fault.h"

#include "heap.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Due at every so many-th handshake of the chosen worker, once for each. The
 * hooks lie at different places in a handshake, so the number of handshakes
 * made is kept with the answer.
 */
bool fault_due(enum fault fault)
{
	static uint64_t last = UINT64_MAX;
	const struct config *c = rig.config;

	if (c->fault != (uint32_t)fault || rig.worker != (int)c->fault_worker)
		return false;
	if (rig.me->handshakes < c->fault_every || rig.me->handshakes % c->fault_every != 0 ||
		rig.me->handshakes == last)
		return false;
	last = rig.me->handshakes;
	bump(&rig.me->injected);
	return true;
}

enum { BLOCK_BYTES = 100 };

static void *block(void)
{
	void *p = heap_malloc(BLOCK_BYTES, __FILE__, __LINE__);

	if (p == NULL)
		FAIL(ENOMEM, "fault: allocate");
	return p;
}

static void release(void *p)
{
	heap_free(p, __FILE__, __LINE__);
}

static void write_after_free(void)
{
	void *p = block();

	release(p);
	memset(p, 0x5a, 16);
	release(block()); /* whoever takes the block next sees it, most likely here */
}

static void spin(void)
{
	for (volatile uint64_t i = 0;; i++)
		continue;
}

static void block_for_ever(void)
{
	static uint32_t word;

	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

void fault_after_handshake(void)
{
	if (fault_due(FAULT_DOUBLE_FREE)) {
		void *p = block();

		release(p);
		release(p);
	} else if (fault_due(FAULT_WILD_FREE)) {
		char *p = block();

		release(p + 32);
		release(p);
	} else if (fault_due(FAULT_OVERRUN)) {
		char *p = block();

		p[BLOCK_BYTES] ^= 1;
		release(p);
	} else if (fault_due(FAULT_HEAP_DAMAGE)) {
		write_after_free();
	} else if (fault_due(FAULT_CRASH)) {
		raise(SIGSEGV);
	} else if (fault_due(FAULT_EXIT)) {
		_exit(0);
	} else if (fault_due(FAULT_HANG)) {
		block_for_ever();
	} else if (fault_due(FAULT_SPIN)) {
		spin();
	} else if (fault_due(FAULT_LOCK_HOLDER)) {
		heap_hold();
		kill(getpid(), SIGKILL);
	}
}
