/* host.c: see host.h. */
#include "host.h"

#include "../../strategies/strategy.h"
#include "keys.h"
#include "openssl.h"
#include "rig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	if (found->abi != STRATEGY_ABI)
		FAIL(0, "strategy %s has ABI version %u, this rig speaks %u", path, found->abi, STRATEGY_ABI);
	return found;
}

void host_load(void)
{
	if (rig.config->strategy_path[0] != '\0') {
		strategy = own_strategy(rig.config->strategy_path);
		return;
	}
	for (const struct strategy *const *s = tlsbench_strategies; *s != NULL; s++) {
		if (strcmp((*s)->name, rig.config->strategy) == 0)
			strategy = *s;
	}
	if (strategy == NULL)
		FAIL(0, "unknown strategy %s", rig.config->strategy);
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

void host_check_needs(void)
{
	if (strategy->needs == NULL)
		return;
	for (const char *const *need = strategy->needs; *need != NULL; need++) {
		if (met(*need))
			continue;
		snprintf(rig.block->missing, sizeof rig.block->missing, "%s", *need);
		_exit(EXIT_NOT_APPLICABLE);
	}
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

static void prepare(void)
{
	strategy->prepare(&context);
}

static void parent(void)
{
	strategy->parent(&context);
}

static void child(void)
{
	strategy->child(&context);
}

void host_after_setup(void)
{
	int err;

	if (strategy->after_setup != NULL && (err = strategy->after_setup(&context)) != 0)
		FAIL(err, "strategy %s: after set-up", rig.config->strategy);
	err = pthread_atfork(strategy->prepare != NULL ? prepare : NULL, strategy->parent != NULL ? parent : NULL,
		strategy->child != NULL ? child : NULL);
	if (err != 0)
		FAIL(err, "strategy %s: register fork handlers", rig.config->strategy);
}
