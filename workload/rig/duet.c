/*
 * duet.c: slices of load. Two rigs take turns on one processor, so that what
 * disturbs the machine for longer than a slice disturbs both alike. The harness
 * says whose turn it is and how long it lasts; the worker says what it came to.
 */
#include "duet.h"

#include "rig.h"

#include <linux/futex.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool playing;
static int lead_in;
static struct slice begin; /* totals as the slice began, after the lead-in */
static int counter = -1;

/* Where the kernel or the machine has no such counter, instructions stay 0. */
static void open_counter(void)
{
	struct perf_event_attr what = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof what,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	counter = (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (counter < 0)
		rig.block->duet.no_counter = errno;
}

static struct slice totals(void)
{
	struct slice s = {.at = now_ns(), .handshakes = rig.me->handshakes};
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		FAIL(errno, "read how often the worker was preempted");
	s.preempted = (uint64_t)usage.ru_nivcsw;
	if (counter >= 0 && read(counter, &s.instructions, sizeof s.instructions) != sizeof s.instructions)
		FAIL(errno, "read the counter of instructions");
	s.cpu = cpu_ns();
	return s;
}

void duet_await(void)
{
	struct duet *duet = &rig.block->duet;
	uint32_t taken = duet->taken;

	if (!rig.config->duet || playing)
		return;
	if (taken == 0)
		open_counter();
	while (__atomic_load_n(&duet->given, __ATOMIC_ACQUIRE) == taken)
		syscall(SYS_futex, &duet->given, FUTEX_WAIT, taken, NULL, NULL, 0);
	playing = true;
	lead_in = DUET_LEAD_IN;
}

void duet_pass(void)
{
	struct duet *duet = &rig.block->duet;
	struct slice end;

	if (playing && lead_in > 0) {
		if (--lead_in == 0)
			begin = totals();
		return;
	}
	if (!playing || cpu_ns() - begin.cpu < duet->cpu || rig.me->handshakes - begin.handshakes < duet->handshakes)
		return;
	end = totals();
	end.at = now_ns(); /* the wall time is around the processor time */
	duet->slice = (struct slice){
		.at = begin.at,
		.wall = end.at - begin.at,
		.cpu = end.cpu - begin.cpu,
		.handshakes = end.handshakes - begin.handshakes,
		.instructions = end.instructions - begin.instructions,
		.preempted = end.preempted - begin.preempted,
	};
	playing = false;
	__atomic_store_n(&duet->taken, duet->given, __ATOMIC_RELEASE);
	syscall(SYS_futex, &duet->taken, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
