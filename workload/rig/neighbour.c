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
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	LOOK_MS = 20,
	ASLEEP_LOOKS = 50,     /* a second of them in a row */
	HARD_LIMIT_MS = 15000, /* of looks, for any call */
};

static sigjmp_buf before_call;
static volatile sig_atomic_t in_call;
static volatile bool lost; /* a call never came back */

/* The call, and the looks at it since it has had its time. */
static struct call {
	uint64_t began;
	unsigned limit_ms, looks, asleep;
	long slept;
	bool local; /* whoever it may wait for is of the rig */
} call;

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

/* "/proc/PID/stat"; snprintf() is not for signal handlers. */
static void name_stat(char path[32], uint32_t pid)
{
	char digits[10];
	size_t n = 0, at = sizeof "/proc/" - 1;

	memcpy(path, "/proc/", at);
	do
		digits[n++] = (char)('0' + pid % 10);
	while ((pid /= 10) != 0);
	while (n > 0)
		path[at++] = digits[--n];
	memcpy(path + at, "/stat", sizeof "/stat");
}

/*
 * Whether a process can make progress: it runs, waits for a processor or a disk, or
 * somebody has stopped it. Safe in a signal handler.
 */
static bool is_awake(uint32_t pid)
{
	char path[32], text[64], *name_end;
	ssize_t n = 0;
	int fd;

	name_stat(path, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) { /* else it is gone */
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')'); /* "pid (name) state", and a name has at most 15 characters */
	return name_end != NULL && strchr("RDTt", name_end[2]) != NULL;
}

/* Whether a process of the rig can come on that this one may wait for, and not only looks as this one does. */
static bool another_is_awake(void)
{
	if (is_awake(rig.rank0))
		return true;
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		const struct worker *w = &rig.workers[i];

		if ((int)i != rig.worker && w->pid != 0 && !__atomic_load_n(&w->sleeps, __ATOMIC_RELAXED) &&
			is_awake(w->pid))
			return true;
	}
	return false;
}

static void alarm_after(unsigned ms)
{
	struct itimerval timer = {{0, (suseconds_t)LOOK_MS * 1000}, {ms / 1000, (suseconds_t)(ms % 1000) * 1000}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Nobody is there who could let the call go on. */
static bool waits_for_nobody(void)
{
	return call.local && call.asleep >= ASLEEP_LOOKS;
}

/*
 * The call is blocked, or has had its time. Time is counted in looks: a process that
 * is stopped, or gets no processor, does not look. Whom it waits for may be starved
 * too: so it is blocked when it slept from look to look, and all of the rig did; of a
 * server outside the rig nobody knows. Who holds the heap's lock is let out of it
 * first, or the other workers would pay.
 */
static bool is_lost(void)
{
	struct rusage usage;
	bool slept;

	getrusage(RUSAGE_THREAD, &usage);
	slept = usage.ru_nvcsw != call.slept;
	call.slept = usage.ru_nvcsw;
	__atomic_store_n(&rig.me->sleeps, slept, __ATOMIC_RELAXED);
	call.looks++;
	call.asleep = slept && !another_is_awake() ? call.asleep + 1 : 0;
	return (waits_for_nobody() || call.limit_ms + call.looks * LOOK_MS > HARD_LIMIT_MS) && !heap_locked_here();
}

static void on_alarm(int signal)
{
	int saved = errno;

	(void)signal;
	if (in_call && is_lost())
		siglongjmp(before_call, 1);
	errno = saved;
}

bool neighbour_call(const char *what, bool local, unsigned limit_ms, bool (*fn)(void *arg), void *arg)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, was;
	uint32_t operation = rig.me->operation;
	volatile bool done = false;

	if (lost)
		return false;
	begin_operation(OP_NEIGHBOUR);
	sigaction(SIGALRM, &action, &was);
	call = (struct call){.began = now_ns(), .limit_ms = limit_ms, .local = local};
	if (sigsetjmp(before_call, 1) == 0) {
		in_call = 1;
		alarm_after(limit_ms);
		done = fn(arg);
	} else {
		lost = true;
	}
	in_call = 0;
	alarm_after(0);
	__atomic_store_n(&rig.me->sleeps, false, __ATOMIC_RELAXED);
	sigaction(SIGALRM, &was, NULL);
	if (lost)
		note_event(EVENT_BROKEN_NEIGHBOUR,
			waits_for_nobody() ? "%s: waits for nobody, %llu ms after it began"
					   : "%s: did not come back in %llu ms",
			what, (unsigned long long)((now_ns() - call.began) / 1000000));
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
