/* host.c: see host.h. */
#include "host.h"

#include "strategy.h"
#include "forkclock.h"
#include "keys.h"
#include "openssl.h"
#include "rig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct strategy *strategy;

static long parameter(const struct strategy_context *ctx, const char *name, long otherwise)
{
	(void)ctx;
	for (int i = 0; i < MAX_PARAMS; i++) {
		const struct parameter *p = &rig.config->parameters[i];

		if (p->name[0] != '\0' && strcmp(p->name, name) == 0)
			return (long)p->value;
	}
	return otherwise;
}

static struct strategy_context context = {
	.abi = STRATEGY_ABI,
	.symbol = openssl_symbol,
	.parameter = parameter,
	.keys_of = keys_of,
};

static const struct strategy *own_strategy(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct strategy *found;

	if (library == NULL)
		FAIL(0, "load strategy: %s", dlerror());
	found = dlsym(library, STRATEGY_SYMBOL);
	if (found == NULL)
		FAIL(0, "strategy %s exports no symbol %s", path, STRATEGY_SYMBOL);
	if (found->abi == 0 || found->abi > STRATEGY_ABI)
		FAIL(0, "strategy %s has ABI version %u, not 1 to %u", path, found->abi, STRATEGY_ABI);
	return found;
}

/* "a|b" is met by either. */
static bool met(const char *need)
{
	char name[128];

	while (*need != '\0') {
		size_t n = strcspn(need, "|");

		snprintf(name, sizeof name, "%.*s", (int)n, need);
		if (openssl_symbol(name) != NULL)
			return true;
		need += n;
		need += *need == '|';
	}
	return false;
}

const char *host_missing(void)
{
	for (const char *const *need = strategy->needs; need != NULL && *need != NULL; need++) {
		if (!met(*need))
			return *need;
	}
	return NULL;
}

void host_initialise(void (*fn)(void *arg), void *arg)
{
	int err;

	if (strategy->initialise == NULL) {
		fn(arg);
		return;
	}
	err = strategy->initialise(&context, fn, arg);
	if (err != 0)
		FAIL(err, "strategy %s: initialise", rig.config->strategy);
}

bool host_initialises_elsewhere(void)
{
	return strategy->initialise != NULL;
}

typedef void (*fork_handler)(struct strategy_context *ctx);

static fork_handler handlers[HANDLERS];
static bool masked;
uint64_t *host_times;

static uint64_t timed(enum handler which)
{
	uint64_t began = fork_ticks();

	handlers[which](&context);
	return fork_ticks() - began;
}

static void call(enum handler which)
{
	if (masked)
		return;
	if (host_times != NULL)
		host_times[which] = timed(which);
	else
		handlers[which](&context);
}

static void prepare(void)
{
	call(HANDLER_PREPARE);
}

static void parent(void)
{
	call(HANDLER_PARENT);
}

static void child(void)
{
	call(HANDLER_CHILD);
}

static bool is_early(void)
{
	return strategy->abi >= 2 && strategy->early;
}

static void add_handlers(void)
{
	int err;

	handlers[HANDLER_PREPARE] = strategy->prepare;
	handlers[HANDLER_PARENT] = strategy->parent;
	handlers[HANDLER_CHILD] = strategy->child;
	err = pthread_atfork(handlers[HANDLER_PREPARE] != NULL ? prepare : NULL,
		handlers[HANDLER_PARENT] != NULL ? parent : NULL, handlers[HANDLER_CHILD] != NULL ? child : NULL);
	if (err != 0)
		FAIL(err, "strategy %s: register fork handlers", rig.config->strategy);
}

void host_load(void)
{
	bool own = rig.config->strategy_path[0] != '\0';

	strategy = own ? own_strategy(rig.config->strategy_path) : strategy_named(rig.config->strategy);
	if (strategy == NULL)
		FAIL(0, "unknown strategy %s", rig.config->strategy);
	if (is_early())
		add_handlers();
}

void host_mask(bool mask)
{
	masked = mask;
}

uint64_t host_repeat(enum handler which)
{
	return handlers[which] != NULL ? timed(which) : 0;
}

uint32_t host_handlers(void)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < HANDLERS; i++)
		mask |= handlers[i] != NULL ? 1u << i : 0;
	return mask;
}

void host_heap(const void *from, const void *to)
{
	context.heap_from = from;
	context.heap_to = to;
}

void host_after_setup(void)
{
	int err = strategy->after_setup != NULL ? strategy->after_setup(&context) : 0;

	if (err != 0)
		FAIL(err, "strategy %s: after set-up", rig.config->strategy);
	if (!is_early())
		add_handlers();
}
