/*
 * preload.c: puts a strategy's fork handlers into a daemon that knows nothing
 * of it. The strategies' own files are compiled into the same object, and the
 * rig's host of strategies, its ledger of keys and its tracer (host.c, keys.c,
 * trace*.c, locks.c); what these have from the rig else is here and in tracing.c.
 * The dynamic linker loads the object before anything else of the daemon.
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
#include "forkclock.h"
#include "hazard.h"
#include "host.h"
#include "keys.h"
#include "openssl.h"
#include "preload.h"
#include "rig.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_REFUSED = 97 };

static bool is_set_up;

static struct config config;
struct rig rig = {.config = &config, .worker = -1};
bool fork_clock_tsc; /* nobody times the handlers here */

void refuse(const char *what, const char *which)
{
	SAY("%s: %s\n", what, which);
	_exit(EXIT_REFUSED);
}

void fail_at(const char *file, int line, int error, const char *format, ...)
{
	char text[400];
	va_list args;

	(void)file;
	(void)line;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	SAY("failed: %s%s%s\n", text, error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	_exit(EXIT_REFUSED);
}

/* Keys that the daemon's libraries make are written down from the start. */
__attribute__((constructor)) static void begin(void)
{
	keys_start();
	tracing_begin();
}

void read_parameters(const char *text, struct parameter *into, int max)
{
	for (struct parameter *p = into; p < into + max && text != NULL && *text != '\0'; p++) {
		size_t n = strcspn(text, "=");

		if (text[n] != '=')
			return;
		snprintf(p->name, sizeof p->name, "%.*s", (int)n, text);
		p->value = strtol(text + n + 1, NULL, 10);
		text = strchr(text, ',');
		text += text != NULL;
	}
}

static void read_setting(const char *variable, char *into, size_t size)
{
	const char *text = getenv(variable);

	if (text != NULL && (size_t)snprintf(into, size, "%s", text) >= size)
		refuse("failed", "a setting is too long");
}

static void tell(const char *when)
{
	int filled = 0, highest = -1;

	for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++) {
		if (pthread_getspecific(key) != NULL) {
			filled++;
			highest = (int)key;
		}
	}
	SAY("%s: set up %s; %zu keys of OpenSSL, %zu of others, %d filled, highest %d\n", config.strategy, when,
		keys_of(KEY_OPENSSL, NULL, 0), keys_of(KEY_FOREIGN, NULL, 0), filled, highest);
}

/* The daemon's shared memory: the mapping that OpenSSL's allocations come from. */
static void find_heap(void)
{
	char line[PATH_MAX + 128], mode[8];
	void *inside = openssl.CRYPTO_malloc(1, __FILE__, __LINE__);
	FILE *maps = fopen("/proc/self/maps", "re");
	void *from, *to;

	if (maps == NULL || inside == NULL) /* a fix by values would do nothing, and look damaged */
		FAIL(errno, "find the daemon's shared memory");
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%p-%p %7s", &from, &to, mode) == 3 && from <= inside && inside < to && mode[3] == 's')
			host_heap(from, to);
	}
	fclose(maps);
	openssl.CRYPTO_free(inside, __FILE__, __LINE__);
}

static void set_up(const char *when)
{
	const char *missing;

	read_setting("TLSBENCH_FIELD_STRATEGY", config.strategy, sizeof config.strategy);
	read_setting("TLSBENCH_FIELD_OWN", config.strategy_path, sizeof config.strategy_path);
	read_parameters(getenv("TLSBENCH_FIELD_PARAMETERS"), config.parameters, MAX_PARAMS);
	/* What comes next may be a user's own code, and never return. */
	SAY("setting up %s\n", config.strategy);
	is_set_up = true;
	host_load();
	if (host_initialises_elsewhere())
		refuse("not applicable", "it is no fork handler: it wraps the set-up itself");
	missing = host_missing();
	if (missing != NULL)
		refuse("not applicable", missing);
	find_heap();
	host_after_setup();
	tell(when);
}

bool find_openssl(void)
{
	static const char *const names[][2] = {{"libcrypto.so.1.1", "libssl.so.1.1"}, {"libcrypto.so.3", "libssl.so.3"},
		{"libcrypto.so.4", "libssl.so.4"}};
	static bool found;

	for (size_t i = 0; !found && i < sizeof names / sizeof names[0]; i++) {
		void *crypto = dlopen(names[i][0], RTLD_LAZY | RTLD_NOLOAD);
		void *ssl = dlopen(names[i][1], RTLD_LAZY | RTLD_NOLOAD);

		if (crypto != NULL && ssl != NULL) {
			openssl_use(crypto, ssl);
			found = true;
		}
	}
	return found;
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
static int is_hook(const char *name)
{
	const char *hook = getenv("TLSBENCH_FIELD_HOOK");

	return !is_set_up && hook != NULL && strcmp(hook, name) == 0;
}

/* The real function behind one of those below. */
static void *real(const char *name, void **next)
{
	if (*next == NULL && find_openssl())
		*next = openssl_symbol(name);
	if (*next == NULL)
		refuse("failed", "a call of OpenSSL without OpenSSL");
	return *next;
}

int OPENSSL_init_ssl(uint64_t options, const void *settings);
int OPENSSL_init_ssl(uint64_t options, const void *settings)
{
	static void *next;
	int ok = ((int (*)(uint64_t, const void *))real("OPENSSL_init_ssl", &next))(options, settings);

	if (is_hook("OPENSSL_init_ssl") && is_tls_module(__builtin_return_address(0)))
		set_up("when the TLS module was loaded");
	return ok;
}

int CRYPTO_set_mem_functions(malloc_function allocate, realloc_function resize, free_function release);
int CRYPTO_set_mem_functions(malloc_function allocate, realloc_function resize, free_function release)
{
	static void *next;
	struct allocator allocator = {allocate, resize, release};
	int (*set)(malloc_function, realloc_function, free_function) =
		(int (*)(malloc_function, realloc_function, free_function))real("CRYPTO_set_mem_functions", &next);
	int ok;

	tracing_wrap(&allocator);
	ok = set(allocator.malloc, allocator.realloc, allocator.free);
	if (is_tls_module(__builtin_return_address(0))) {
		hazards_load();
		hazards_before_setup();
		if (is_hook("CRYPTO_set_mem_functions"))
			set_up("when the TLS module was loaded");
	}
	return ok;
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);
SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
	static void *next;
	void *function = real("SSL_CTX_new", &next);

	if (is_tls_module(__builtin_return_address(0)))
		hazards_before_contexts();
	return ((SSL_CTX * (*)(const SSL_METHOD *)) function)(method);
}

int SSL_accept(SSL *connection);
int SSL_accept(SSL *connection)
{
	static void *next;

	hazards_each(NULL); /* what comes after the call belongs to its error queue */
	return ((int (*)(SSL *))real("SSL_accept", &next))(connection);
}

pid_t fork(void)
{
	static pid_t (*next)(void);
	static bool forked;

	if (next == NULL)
		next = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	if (is_hook("fork") && find_openssl())
		set_up("at the first fork");
	if (!forked) {
		forked = true;
		hazards_after_setup(NULL);
	}
	return next();
}
