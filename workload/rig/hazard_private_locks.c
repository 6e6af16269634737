/*
 * hazard_private_locks.c: OpenSSL's locks lie in the shared heap and are left
 * private to a process, as OpenSSL makes them: a waiter in another process is
 * never woken. kamailio=1 is what Kamailio does: it shares mutexes and rwlocks,
 * and condition variables, which OpenSSL has used since 3.5, it does not.
 */
#include "hazard.h"
#include "locks.h"

static bool unshare(void)
{
	locks_share(hazard_number("private-locks", "kamailio", 0) != 0 ? LOCKS_KAMAILIO : LOCKS_PRIVATE);
	return true;
}

const struct hazard hazard_private_locks = {
	.name = "private-locks",
	.before_setup = unshare,
};
