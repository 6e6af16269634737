/*
 * preload.c: puts a strategy's fork handlers into a daemon that knows nothing
 * of it. The strategies' own files are compiled into the same object, and the
 * dynamic linker loads it before anything else of the daemon.
 *
 * A fix inside the TLS module takes its mark when the main process initialises
 * that module: other modules that are initialised before have filled their
 * slots by then, those after have not. From outside the place can only be told
 * by a call: of OPENSSL_init_ssl(), which old versions make when the module has
 * been loaded, of CRYPTO_set_mem_functions(), which newer ones make then, or of
 * fork(), when all modules are initialised. The harness says which one stands
 * for the place in the daemon at hand; there a strategy's after_setup runs and
 * its handlers are registered.
 */
#define _GNU_SOURCE
#include "strategy.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The harness looks for lines with this mark in the daemon's log. */
#define SAY(...) dprintf(STDERR_FILENO, "tlsbench-field: " __VA_ARGS__)

enum { LEDGER = 1024, EXIT_REFUSED = 97 };

static const void *creators[LEDGER]; /* load address of each live key's creator */
static void *openssl[2];             /* libcrypto, libssl */
static const struct strategy *strategy;

/* "key=value,..." */
static long parameter(const struct strategy_context *ctx, const char *name, long otherwise)
{
	const char *at = getenv("TLSBENCH_FIELD_PARAMETERS");
	size_t n = strlen(name);

	(void)ctx;
	while (at != NULL && *at != '\0') {
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return strtol(at + n + 1, NULL, 10);
		at = strchr(at, ',');
		at += at != NULL;
	}
	return otherwise;
}

static void *symbol(const char *name)
{
	void *found = dlsym(openssl[0], name);

	return found != NULL || openssl[1] == NULL ? found : dlsym(openssl[1], name);
}

static const void *file_of(const void *address)
{
	Dl_info info;

	return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

static enum key_owner owner_of(const void *base)
{
	if (base == file_of(symbol("ERR_clear_error")) || base == file_of(symbol("SSL_new")))
		return KEY_OPENSSL;
	return base == file_of((const void *)owner_of) ? KEY_HARNESS : KEY_FOREIGN;
}

static size_t keys_of(enum key_owner owner, pthread_key_t *keys, size_t max)
{
	size_t n = 0;

	for (pthread_key_t key = 0; key < LEDGER; key++) {
		if (creators[key] == NULL || owner_of(creators[key]) != owner)
			continue;
		if (n < max)
			keys[n] = key;
		n++;
	}
	return n;
}

static struct strategy_context context = {
	.abi = STRATEGY_ABI,
	.symbol = symbol,
	.parameter = parameter,
	.keys_of = keys_of,
};

typedef int (*create_function)(pthread_key_t *, void (*)(void *));

static int create(create_function *next, const char *name, pthread_key_t *key, void (*destroy)(void *),
	const void *caller)
{
	int err;

	if (*next == NULL)
		*next = (create_function)dlsym(RTLD_NEXT, name);
	err = *next != NULL ? (*next)(key, destroy) : ENOSYS;
	if (err == 0 && *key < LEDGER)
		creators[*key] = file_of(caller);
	return err;
}

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
	static create_function next;

	return create(&next, "pthread_key_create", key, destroy, __builtin_return_address(0));
}

int __pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
int __pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
	static create_function next;

	return create(&next, "__pthread_key_create", key, destroy, __builtin_return_address(0));
}

int pthread_key_delete(pthread_key_t key)
{
	static int (*next)(pthread_key_t);

	if (next == NULL)
		next = (int (*)(pthread_key_t))dlsym(RTLD_NEXT, "pthread_key_delete");
	if (next == NULL)
		return ENOSYS;
	if (key < LEDGER)
		creators[key] = NULL;
	return next(key);
}

static void refuse(const char *what, const char *which)
{
	SAY("%s: %s\n", what, which);
	_exit(EXIT_REFUSED);
}

static void load_own(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		refuse("failed", dlerror());
	strategy = dlsym(library, STRATEGY_SYMBOL);
	if (strategy == NULL)
		refuse("failed", "the shared object exports no symbol " STRATEGY_SYMBOL);
	if (strategy->abi != STRATEGY_ABI)
		refuse("failed", "the shared object has another ABI version");
}

static void load_strategy(void)
{
	const char *name = getenv("TLSBENCH_FIELD_STRATEGY"), *path = getenv("TLSBENCH_FIELD_OWN");

	if (path != NULL) {
		load_own(path);
	} else {
		for (const struct strategy *const *s = tlsbench_strategies; *s != NULL && name != NULL; s++) {
			if (strcmp((*s)->name, name) == 0)
				strategy = *s;
		}
	}
	if (strategy == NULL)
		refuse("failed", "unknown strategy");
	if (strategy->initialise != NULL)
		refuse("not applicable", "it is no fork handler: it wraps the set-up itself");
}

/* "a|b" is met by either. */
static int met(const char *need)
{
	char name[128];

	while (*need != '\0') {
		size_t n = strcspn(need, "|");

		snprintf(name, sizeof name, "%.*s", (int)n, need);
		if (symbol(name) != NULL)
			return 1;
		need += n;
		need += *need == '|';
	}
	return 0;
}

static void check_needs(void)
{
	for (const char *const *need = strategy->needs; need != NULL && *need != NULL; need++) {
		if (!met(*need))
			refuse("not applicable", *need);
	}
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

static void tell(const char *place)
{
	int filled = 0, highest = -1;

	for (pthread_key_t key = 0; key < LEDGER; key++) {
		if (pthread_getspecific(key) != NULL) {
			filled++;
			highest = (int)key;
		}
	}
	SAY("%s: set up %s; %zu keys of OpenSSL, %zu of others, %d filled, highest %d\n", strategy->name, place,
		keys_of(KEY_OPENSSL, NULL, 0), keys_of(KEY_FOREIGN, NULL, 0), filled, highest);
}

static void set_up(const char *place)
{
	const char *name = getenv("TLSBENCH_FIELD_STRATEGY");
	int err;

	/* What comes next may be a user's own code, and never return. */
	SAY("setting up %s\n", name != NULL ? name : "a strategy");
	load_strategy();
	check_needs();
	err = strategy->after_setup != NULL ? strategy->after_setup(&context) : 0;
	if (err == 0)
		err = pthread_atfork(strategy->prepare != NULL ? prepare : NULL,
			strategy->parent != NULL ? parent : NULL, strategy->child != NULL ? child : NULL);
	if (err != 0)
		refuse("failed", strerror(err));
	tell(place);
}

static int find_openssl(void)
{
	static const char *const names[][2] = {{"libcrypto.so.1.1", "libssl.so.1.1"}, {"libcrypto.so.3", "libssl.so.3"},
		{"libcrypto.so.4", "libssl.so.4"}};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		openssl[0] = dlopen(names[i][0], RTLD_LAZY | RTLD_NOLOAD);
		openssl[1] = dlopen(names[i][1], RTLD_LAZY | RTLD_NOLOAD);
		if (openssl[0] != NULL && openssl[1] != NULL)
			return 1;
	}
	return 0;
}

static int is_tls_module(const void *caller)
{
	const char *slash;
	Dl_info info;

	if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
		return 0;
	slash = strrchr(info.dli_fname, '/');
	return slash != NULL && strcmp(slash, "/tls.so") == 0;
}

/* Whether the harness named this call, and the strategy is not set up yet. */
static int is_place(const char *name)
{
	const char *place = getenv("TLSBENCH_FIELD_PLACE");

	return strategy == NULL && place != NULL && strcmp(place, name) == 0;
}

/* The real function behind one of those below. */
static void *real(const char *name, void **next)
{
	if (*next == NULL && find_openssl())
		*next = symbol(name);
	if (*next == NULL)
		refuse("failed", "a call of OpenSSL without OpenSSL");
	return *next;
}

int OPENSSL_init_ssl(uint64_t options, const void *settings);
int OPENSSL_init_ssl(uint64_t options, const void *settings)
{
	static void *next;
	int ok = ((int (*)(uint64_t, const void *))real("OPENSSL_init_ssl", &next))(options, settings);

	if (is_place("OPENSSL_init_ssl") && is_tls_module(__builtin_return_address(0)))
		set_up("when the TLS module was loaded");
	return ok;
}

int CRYPTO_set_mem_functions(const void *allocate, const void *resize, const void *release);
int CRYPTO_set_mem_functions(const void *allocate, const void *resize, const void *release)
{
	static void *next;
	int ok = ((int (*)(const void *, const void *, const void *))real("CRYPTO_set_mem_functions", &next))(allocate,
		resize, release);

	if (is_place("CRYPTO_set_mem_functions") && is_tls_module(__builtin_return_address(0)))
		set_up("when the TLS module was loaded");
	return ok;
}

pid_t fork(void)
{
	static pid_t (*next)(void);

	if (next == NULL)
		next = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	if (is_place("fork") && find_openssl())
		set_up("at the first fork");
	return next();
}
