/*
 * hazard_killed_worker.c: a worker is killed by SIGKILL after some connections,
 * with a lock in its hand that the others need (locked=), and rank 0 forks
 * another in its place. No lock of OpenSSL's is robust: nobody frees it.
 *
 *   locked=openssl  the lock of OpenSSL's list of extra data, which SSL_new takes
 *   locked=heap     the shared heap's lock, which rank 0 frees when it reaps, or a waiter
 *                   takes from the dead process
 *   locked=none     none
 */
#include "hazard.h"
#include "heap.h"
#include "locks.h"
#include "serve.h"

#include <signal.h>
#include <unistd.h>

enum locked { LOCKED_OPENSSL, LOCKED_HEAP, LOCKED_NONE };

static _Noreturn void die(void)
{
	bump(&rig.me->retired);
	rig.me->cpu_before += cpu_ns();
	begin_operation(OP_RETIRED);
	hazard_acted("killed-worker");
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void die_if_inherited(const volatile void *lock)
{
	if (heap_owner((const void *)lock) == -1)
		die();
}

/* A module that asks for a place in each SSL object takes it exclusively. */
static _Noreturn void die_in_openssl(void)
{
	locks_follow(die_if_inherited);
	openssl.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, NULL, NULL, NULL, NULL);
	FAIL(0, "CRYPTO_get_ex_new_index takes no lock that rank 0 made");
}

static bool end(void)
{
	uint64_t after = (uint64_t)hazard_number("killed-worker", "after", 16);
	enum locked locked = (enum locked)hazard_number("killed-worker", "locked", LOCKED_OPENSSL);
	static uint64_t served;

	if (++served < after + (uint64_t)rig.worker)
		return false;
	if (locked == LOCKED_OPENSSL)
		die_in_openssl();
	if (locked == LOCKED_HEAP)
		heap_hold();
	die();
}

const struct hazard hazard_killed_worker = {
	.name = "killed-worker",
	.retires = end,
};
