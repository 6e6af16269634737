/*
 * hazard_late_forks.c: workers retire while traffic runs and rank 0 forks others
 * in their place, as autoscaling does. A worker can give OpenSSL's state of its
 * thread back at its end (thread-stop=1) or leave it behind: the shared heap
 * has no one else to free it. What is left is counted for each retired worker.
 */
#include "hazard.h"
#include "heap.h"

#include <stdlib.h>

static void (*thread_stop)(void);

static bool prepare(struct contexts *all)
{
	(void)all;
	if (hazard_number("late-forks", "thread-stop", 0) == 0)
		return false;
	thread_stop = (void (*)(void))openssl_symbol("OPENSSL_thread_stop");
	if (thread_stop == NULL)
		FAIL(0, "OpenSSL function OPENSSL_thread_stop is missing");
	return false;
}

/* Workers of one trial do not all retire at once. */
static bool due(void)
{
	uint64_t after = (uint64_t)hazard_number("late-forks", "after", 16);
	static uint64_t served;

	if (served++ == 0)
		served += after * (uint64_t)rig.worker / rig.config->workers / 2;
	return served >= after;
}

static bool retire(void)
{
	if (!due())
		return false;
	if (thread_stop != NULL)
		thread_stop();
	/* The first process of a worker also fills what its SSL_CTX keeps for good. */
	if (rig.me->generations > 1) {
		__atomic_store_n(&rig.me->kept_bytes, rig.me->kept_bytes + heap_live(), __ATOMIC_RELAXED);
		bump(&rig.me->kept_workers);
	}
	bump(&rig.me->retired);
	return true;
}

const struct hazard hazard_late_forks = {
	.name = "late-forks",
	.after_setup = prepare,
	.retires = retire,
};
