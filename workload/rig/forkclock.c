/* forkclock.c: see forkclock.h. */
#include "forkclock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool fork_clock_tsc;

/* The kernel drops the counter as its clock when it finds processors disagree. */
static bool kernel_trusts_tsc(void)
{
	char name[8] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 && strcmp(name, "tsc\n") == 0;
}

static bool tsc_is_invariant(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d = 0;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
#else
	return false;
#endif
}

void fork_clock_open(void)
{
	struct fork_state *state = &rig.block->fork;

	fork_clock_tsc = tsc_is_invariant() && kernel_trusts_tsc();
	state->clock = fork_clock_tsc ? FORK_CLOCK_TSC : FORK_CLOCK_MONOTONIC;
	for (int i = 0; i < FORK_CLOCK_READS; i++) {
		uint64_t before = fork_ticks();
		uint64_t after = fork_ticks();

		state->clock_ticks[i] = (uint32_t)(after - before);
	}
}

void fork_clock_moment(struct fork_moment *moment)
{
	moment->ns = now_ns();
	moment->ticks = fork_ticks();
}
