/*
 * hazards.c: see hazard.h. The rig's own files of those hazards that are a part of
 * the process, in a daemon. It sets OpenSSL up by itself, so their hooks are called
 * at other places:
 *
 *   before_setup  the TLS module has given OpenSSL its memory; that of fips, which
 *                 loads its module by initialising OpenSSL, before the TLS module's
 *                 first SSL_CTX, which does the same
 *   after_setup   before the first fork
 *   each          before the TLS module's calls of SSL_accept()
 */
#include "hazard.h"
#include "openssl.h"
#include "preload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct hazard hazard_fips, hazard_provider_state;

static const struct hazard *chosen;
static struct parameter parameters[MAX_HAZARD_PARAMS];

void hazards_load(void)
{
	const char *name = getenv("TLSBENCH_FIELD_HAZARD");

	if (name == NULL)
		return;
	chosen = strcmp(name, hazard_fips.name) == 0 ? &hazard_fips : &hazard_provider_state;
	if (strcmp(name, chosen->name) != 0)
		FAIL(0, "unknown hazard %s", name);
	read_parameters(getenv("TLSBENCH_FIELD_HAZARD_PARAMETERS"), parameters, MAX_HAZARD_PARAMS);
}

int64_t hazard_number(const char *hazard, const char *name, int64_t otherwise)
{
	(void)hazard;
	for (int i = 0; i < MAX_HAZARD_PARAMS; i++) {
		if (strcmp(parameters[i].name, name) == 0)
			return parameters[i].value;
	}
	return otherwise;
}

const char *hazard_text(const char *name)
{
	const char *text = getenv("TLSBENCH_FIELD_HAZARD_TEXT");

	(void)name;
	return text != NULL ? text : "";
}

void hazard_introduce(const char *format, ...)
{
	(void)format; /* each process says so by itself, see hazards_each() */
}

void hazard_skip(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	refuse("skipped", text);
}

void note_event(enum event_kind kind, const char *format, ...)
{
#define EVENT_NAME(kind, name) name,
	static const char *const names[] = {EVENT_LIST(EVENT_NAME)};
#undef EVENT_NAME
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	SAY("event %s: %s\n", names[kind], text);
}

void hazards_before_setup(void)
{
	if (chosen != NULL && chosen != &hazard_fips && chosen->before_setup != NULL)
		chosen->before_setup();
}

void hazards_before_contexts(void)
{
	static bool done;

	if (chosen == &hazard_fips && !done) {
		done = true;
		hazard_fips.before_setup();
	}
}

void hazards_after_setup(struct contexts *all)
{
	if (chosen != NULL && chosen->after_setup != NULL)
		chosen->after_setup(all);
}

void hazards_each(struct contexts *mine)
{
	static pid_t known;
	bool first;

	if (chosen == NULL)
		return;
	first = known != getpid();
	known = getpid();
	rig.pid = (uint32_t)known;
	if (chosen->each != NULL)
		chosen->each(mine);
	else if (first && (openssl.OSSL_PROVIDER_available(NULL, "fips") != 1 ||
				  openssl.OSSL_PROVIDER_available(NULL, "default") != 0))
		FAIL(0, "a reader does not use the FIPS module, although the main process does");
	if (first)
		SAY("acted: hazard %s in process %d\n", chosen->name, (int)known);
}
