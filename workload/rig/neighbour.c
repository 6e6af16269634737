/* neighbour.c: see neighbour.h. */
#include "neighbour.h"

#include "hazard.h"
#include "heap.h"
#include "rig.h"
#include "serve.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	LOOK_AGAIN_MS = 20,
	HARD_LIMIT_MS = 15000, /* for a call that goes round in circles */
	BUSY_SHARE = 5,        /* one part in so many: who waits for a lock may look at it now and then */
};

static sigjmp_buf before_call;
static volatile sig_atomic_t in_call;
static volatile bool lost; /* a call never came back */
static unsigned call_limit_ms;

/* What the scheduler has counted for this process, in nanoseconds. */
struct usage {
	uint64_t at, ran, waited; /* waited: ready to run, and no processor */
};

static struct usage call_began;

void *neighbour_open(const char *text)
{
	const char *path = hazard_text(text);
	void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL); /* Python's modules look for its symbols */

	if (library == NULL)
		hazard_skip("load %s: %s", text, dlerror());
	return library;
}

void *neighbour_symbol(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL)
		hazard_skip("the library has no function %s: %s", name, dlerror());
	return symbol;
}

/* Safe in a signal handler. */
static struct usage usage_now(void)
{
	struct usage u = {.at = now_ns()};
	char text[64] = "", *end;
	int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return u;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n > 0) {
		u.ran = strtoull(text, &end, 10);
		u.waited = strtoull(end, NULL, 10);
	}
	return u;
}

static void alarm_in(unsigned ms)
{
	struct itimerval timer = {.it_value = {ms / 1000, (suseconds_t)(ms % 1000) * 1000}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * The call is blocked, or has had its time. Whom it waits for may be starved: on a busy machine the limit is longer, by
 * what this process got of the processors that it wanted. Who holds the heap's lock is let out of it first, or the
 * other workers would pay.
 */
static bool is_lost(void)
{
	const uint64_t ms = 1000000;
	struct usage now = usage_now();
	uint64_t ran = now.ran - call_began.ran;
	uint64_t had = now.at - call_began.at - (now.waited - call_began.waited); /* but for being starved */
	double limit = (double)(call_limit_ms * ms) * (double)(now.ran + now.waited) / (double)(now.ran + 1);
	bool blocked = (double)had > limit && ran * BUSY_SHARE < had;

	return (blocked || had > HARD_LIMIT_MS * ms) && !heap_locked_here();
}

static void on_alarm(int signal)
{
	(void)signal;
	if (!in_call)
		return;
	if (is_lost())
		siglongjmp(before_call, 1);
	alarm_in(LOOK_AGAIN_MS);
}

bool neighbour_call(const char *what, unsigned limit_ms, bool (*fn)(void *arg), void *arg)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, was;
	uint32_t operation = rig.me->operation;
	volatile bool done = false;

	if (lost)
		return false;
	begin_operation(OP_NEIGHBOUR);
	sigaction(SIGALRM, &action, &was);
	call_began = usage_now();
	call_limit_ms = limit_ms;
	if (sigsetjmp(before_call, 1) == 0) {
		in_call = 1;
		alarm_in(limit_ms);
		done = fn(arg);
	} else {
		lost = true;
	}
	in_call = 0;
	alarm_in(0);
	sigaction(SIGALRM, &was, NULL);
	if (lost)
		note_event(EVENT_BROKEN_NEIGHBOUR, "%s: did not come back in %llu ms", what,
			(unsigned long long)((now_ns() - call_began.at) / 1000000));
	begin_operation((enum operation)operation);
	return done;
}

void neighbour_complain(const char *format, ...)
{
	char text[96];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	note_event(EVENT_BROKEN_NEIGHBOUR, "%s", text);
}
