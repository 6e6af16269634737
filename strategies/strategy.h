/*
 * strategy.h: what a fix strategy is, for the suite's own strategies and for
 * one that a user brings as a shared object.
 *
 * A strategy acts at five points in the life of a preforked server, normally
 * in this order (see early):
 *
 *   initialise   rank 0 is about to run functions that may initialise OpenSSL
 *   after_setup  rank 0 has initialised OpenSSL, no worker has been forked
 *   prepare      at fork, in the process that forks, before it
 *   parent       at fork, in the process that forks, after it
 *   child        at fork, in the new worker
 *
 * That process is rank 0, or a worker that forks: handlers are inherited. Among the
 * handlers of other libraries they have the places that pthread_atfork() gives them.
 * Each function may be NULL.
 *
 * The struct and the context are only extended at their end. A new member of the
 * struct raises STRATEGY_ABI, since old objects end before it; a new member of the
 * context does not.
 */
#ifndef TLSBENCH_STRATEGY_H
#define TLSBENCH_STRATEGY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define STRATEGY_ABI 2u /* 1 had no early; such objects still load */

/* The symbol that a strategy in a shared object has to export. */
#define STRATEGY_SYMBOL "tlsbench_strategy"

/* Who created a pthread key, as the ledger of keys knows it. */
enum key_owner {
	KEY_FOREIGN = 0, /* some other library */
	KEY_OPENSSL = 1, /* libcrypto or libssl, or a module that they called: a provider, an engine */
	KEY_HARNESS = 2, /* this program itself */
};

struct strategy_context {
	unsigned abi;

	/*
	 * The address of an OpenSSL function, NULL if this build has none of
	 * that name. Look up in after_setup and keep the pointer: a lookup in a
	 * fork handler would be part of the handler's measured time.
	 */
	void *(*symbol)(const char *name);

	/* The strategy's parameter of that name, or the default. */
	long (*parameter)(const struct strategy_context *ctx, const char *name, long otherwise);

	/*
	 * Fills keys with those that the owner has created and not deleted, in
	 * rising order; returns how many there are, which may be more than max.
	 */
	size_t (*keys_of)(enum key_owner owner, pthread_key_t *keys, size_t max);

	/* For the strategy's own use; zeroed at the start, inherited by forks. */
	void *state;

	const void *rig; /* not for strategies */

	/*
	 * The shared heap that OpenSSL allocates from: its first byte and the one
	 * behind its last, both NULL if OpenSSL's memory is private. They came during
	 * ABI 1: look at them only if abi, above, is 2 or more.
	 */
	const void *heap_from, *heap_to;
};

struct strategy {
	unsigned abi; /* STRATEGY_ABI */
	const char *name;

	/*
	 * NULL-terminated names of OpenSSL functions without which the strategy
	 * is not applicable to a build; "a|b" is met by either.
	 */
	const char *const *needs;

	/* Runs fn(arg) in rank 0 and returns 0, or an errno. NULL: a plain call. */
	int (*initialise)(struct strategy_context *ctx, void (*fn)(void *arg), void *arg);

	/* Returns 0, or an errno that ends the trial. */
	int (*after_setup)(struct strategy_context *ctx);

	void (*prepare)(struct strategy_context *ctx);
	void (*parent)(struct strategy_context *ctx);
	void (*child)(struct strategy_context *ctx);

	/*
	 * The rig registers the at-fork handlers before anybody has used OpenSSL, and
	 * not after set-up: the child handler then runs ahead of every library's, and
	 * the prepare handler after all of them. They may be called before
	 * after_setup. In a daemon all handlers are registered at set-up.
	 */
	bool early;
};

/*
 * STRATEGY(x) = { ... } defines one of the suite's own and puts it on the list of
 * all, which the linker gathers; the order is that of the catalogue. A shared
 * object defines a plain struct with the name STRATEGY_SYMBOL instead.
 */
#define STRATEGY(x)                                                                                            \
	static const struct strategy strategy_##x;                                                             \
	static const struct strategy *const listed_##x __attribute__((used, section("tlsbench_strategies"))) = \
		&strategy_##x;                                                                                 \
	static const struct strategy strategy_##x

/* One of the suite's own by its name; NULL if there is none. */
const struct strategy *strategy_named(const char *name);

#endif
