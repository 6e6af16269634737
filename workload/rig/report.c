/*
 * report.c: failures of the rig itself and events that detectors noticed. Both
 * go into the control block, where they survive whatever happens next.
 */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct rig rig = {.worker = -1};

void fail_at(const char *file, int line, int error, const char *format, ...)
{
	struct failure *failure;
	const char *base = strrchr(file, '/');
	uint32_t unset = 0;
	va_list args;

	va_start(args, format);
	if (rig.block == NULL) {
		vdprintf(STDERR_FILENO, format, args);
		dprintf(STDERR_FILENO, " (%s:%d, %s)\n", file, line, strerror(error));
		_exit(EXIT_FAILED);
	}
	failure = &rig.block->failure;
	if (__atomic_compare_exchange_n(&failure->set, &unset, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		snprintf(failure->file, sizeof failure->file, "%s", base != NULL ? base + 1 : file);
		vsnprintf(failure->message, sizeof failure->message, format, args);
		failure->line = (uint32_t)line;
		failure->error = error;
		__atomic_store_n(&failure->set, 2, __ATOMIC_RELEASE);
	}
	va_end(args);
	_exit(EXIT_FAILED);
}

static uint64_t handshakes_of_all(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < rig.config->workers; i++)
		sum += __atomic_load_n(&rig.workers[i].handshakes, __ATOMIC_RELAXED);
	return sum;
}

static void note_first(uint64_t at)
{
	uint64_t never = 0;

	if (__atomic_load_n(&rig.block->first_event, __ATOMIC_RELAXED) != 0)
		return;
	if (__atomic_compare_exchange_n(&rig.block->first_event, &never, at, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		rig.block->first_event_handshakes = handshakes_of_all();
}

static void note(int worker, enum event_kind kind, const char *format, va_list args)
{
	uint64_t *count = worker < 0 ? &rig.block->rank0_events[kind] : &rig.workers[worker].events[kind];
	uint64_t at = now_ns();
	struct event *event;
	uint32_t i;

	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	note_first(at);
	if (__atomic_load_n(&rig.block->next_event, __ATOMIC_RELAXED) >= MAX_EVENTS)
		return;
	i = __atomic_fetch_add(&rig.block->next_event, 1, __ATOMIC_RELAXED);
	if (i >= MAX_EVENTS)
		return;
	event = &rig.block->events[i];
	event->at = at;
	event->kind = kind;
	event->worker = worker;
	vsnprintf(event->detail, sizeof event->detail, format, args);
	__atomic_store_n(&event->complete, 1, __ATOMIC_RELEASE);
}

void note_event(enum event_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(rig.worker, kind, format, args);
	va_end(args);
}

void note_event_of(int worker, enum event_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(worker, kind, format, args);
	va_end(args);
}
