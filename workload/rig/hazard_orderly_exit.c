/*
 * hazard_orderly_exit.c: a process ends by exit() under load, which runs
 * OpenSSL's clean-up at exit. What that frees lies in the shared heap and is in
 * use by the others. Kamailio's --atexit=no and OpenSIPS' _exit() are there
 * because of this.
 *
 *   who=worker  a worker retires so, and rank 0 forks another in its place
 *   who=rank0   rank 0 exits; its last exit handler goes on with the trial
 */
#include "hazard.h"
#include "serve.h"

#include <stdlib.h>

static uint64_t wanted_after(void)
{
	return (uint64_t)hazard_number("orderly-exit", "after", 16);
}

static bool by_rank0(void)
{
	return hazard_number("orderly-exit", "who", 0) != 0;
}

static bool leave(void)
{
	static uint64_t served;

	if (by_rank0() || ++served < wanted_after() + (uint64_t)rig.worker)
		return false;
	bump(&rig.me->retired);
	hazard_acted("orderly-exit");
	rig.me->cpu_before += cpu_ns();
	begin_operation(OP_RETIRED);
	exit(0);
}

/* Handlers run in reverse order: this one, registered before OpenSSL's, after it. */
static bool outlive_exit(void)
{
	if (by_rank0() && atexit(rank0_watch) != 0)
		FAIL(0, "register an exit handler");
	return false;
}

static bool leave_in_load(void)
{
	if (!by_rank0() || !rank0_await_load(wanted_after()))
		return false;
	hazard_acted("orderly-exit");
	exit(0);
}

const struct hazard hazard_orderly_exit = {
	.name = "orderly-exit",
	.before_openssl = outlive_exit,
	.all_forked = leave_in_load,
	.retires = leave,
};
