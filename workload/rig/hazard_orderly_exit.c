/*
 * hazard_orderly_exit.c: a worker retires by exit(), which runs OpenSSL's
 * clean-up at exit. What that frees lies in the shared heap and is in use by the
 * others. Rank 0 forks another in its place. Kamailio's --atexit=no and OpenSIPS'
 * _exit() are there because of this.
 */
#include "hazard.h"
#include "serve.h"

#include <stdlib.h>

static bool leave(void)
{
	uint64_t after = (uint64_t)hazard_number("orderly-exit", "after", 16);
	static uint64_t served;

	if (++served < after + (uint64_t)rig.worker)
		return false;
	bump(&rig.me->retired);
	hazard_acted("orderly-exit");
	rig.me->cpu_before += cpu_ns();
	begin_operation(OP_RETIRED);
	exit(0);
}

const struct hazard hazard_orderly_exit = {
	.name = "orderly-exit",
	.retires = leave,
};
