/* hazards.c: the table of hazards, and the calls of their hooks; see hazard.h. */
#include "hazard.h"

#include "watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HAZARD(name) extern const struct hazard hazard_##name;
#include "hazardlist.h"
#undef HAZARD

#define HAZARD(name) &hazard_##name,
const struct hazard *const hazards[] = {
#include "hazardlist.h"
	NULL,
};
#undef HAZARD

/* Those of this trial, at their place in the configuration. */
static const struct hazard *chosen[MAX_HAZARDS];
static uint64_t every[MAX_HAZARDS], calls[MAX_HAZARDS];

static const struct hazard *find(const char *name)
{
	for (const struct hazard *const *h = hazards; *h != NULL; h++) {
		if (strcmp((*h)->name, name) == 0)
			return *h;
	}
	FAIL(0, "unknown hazard %s", name);
}

void hazards_load(void)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		const char *name = rig.config->hazards[i].name;

		if (name[0] == '\0')
			continue;
		chosen[i] = find(name);
		every[i] = (uint64_t)hazard_number(name, "every", (int64_t)chosen[i]->every);
	}
}

static void count(int i, bool acted)
{
	if (acted)
		bump(rig.me != NULL ? &rig.me->hazard_acts[i] : &rig.block->hazard_acts[i]);
}

#define CALL_ALL(hook, ...)                                               \
	do {                                                              \
		for (int i = 0; i < MAX_HAZARDS; i++) {                   \
			if (chosen[i] != NULL && chosen[i]->hook != NULL) \
				count(i, chosen[i]->hook(__VA_ARGS__));   \
		}                                                         \
	} while (0)

void hazards_before_openssl(void)
{
	CALL_ALL(before_openssl);
}

void hazards_before_setup(void)
{
	CALL_ALL(before_setup);
}

void hazards_after_setup(struct contexts *all)
{
	CALL_ALL(after_setup, all);
}

void hazards_between_forks(int next)
{
	CALL_ALL(between_forks, next);
}

void hazards_all_forked(void)
{
	CALL_ALL(all_forked);
}

void hazards_in_worker(void)
{
	CALL_ALL(in_worker);
}

void hazards_each(struct contexts *mine)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		if (chosen[i] == NULL || chosen[i]->each == NULL)
			continue;
		if (calls[i]++ % every[i] != 0)
			continue;
		count(i, chosen[i]->each(mine));
		watch_own_errors(); /* what it left in the queue is its own affair */
	}
}

bool hazards_serve(int listener, struct contexts *mine)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		if (chosen[i] != NULL && chosen[i]->serve != NULL) {
			chosen[i]->serve(listener, mine);
			return true;
		}
	}
	return false;
}

bool hazards_retires(void)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		if (chosen[i] != NULL && chosen[i]->retires != NULL && chosen[i]->retires()) {
			count(i, true);
			return true;
		}
	}
	return false;
}

void hazard_acted(const char *name)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		if (chosen[i] != NULL && strcmp(chosen[i]->name, name) == 0)
			count(i, true);
	}
}

int64_t hazard_number(const char *hazard, const char *name, int64_t otherwise)
{
	for (int i = 0; i < MAX_HAZARDS; i++) {
		const struct hazard_use *use = &rig.config->hazards[i];

		if (strcmp(use->name, hazard) != 0)
			continue;
		for (int j = 0; j < MAX_HAZARD_PARAMS; j++) {
			if (strcmp(use->parameters[j].name, name) == 0)
				return use->parameters[j].value;
		}
	}
	return otherwise;
}

const char *hazard_text(const char *name)
{
	for (int i = 0; i < MAX_TEXTS; i++) {
		if (strcmp(rig.config->texts[i].name, name) == 0)
			return rig.config->texts[i].value;
	}
	return "";
}

void hazard_introduce(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(rig.block->neighbour, sizeof rig.block->neighbour, format, args);
	va_end(args);
}

void not_applicable(const char *function)
{
	snprintf(rig.block->missing, sizeof rig.block->missing, "%s", function);
	_exit(EXIT_NOT_APPLICABLE);
}

void hazard_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(rig.block->skipped, sizeof rig.block->skipped, format, args);
	va_end(args);
	_exit(EXIT_SKIPPED);
}
