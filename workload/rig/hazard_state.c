/*
 * hazard_state.c: state that a module of OpenSSL keeps for each thread by itself,
 * in memory from OpenSSL's allocator. OpenSSL does not know of it, so nothing
 * that OpenSSL does for its own state helps.
 *
 *   provider-state  behind a pthread key of its own, made while OpenSSL loads the
 *                   module: a provider, on 1.1.1 an engine
 *   tls-variable    behind a __thread variable, which no key leads to
 *
 * A state names the process that uses it. Whoever finds another's name in a
 * state that was his own shares it.
 */
#include "hazard.h"
#include "openssl.h"

#include <pthread.h>
#include <string.h>

enum { RANK0 = 0, SCRATCH = 48 };

struct state {
	uint64_t user; /* process id, RANK0 until a worker uses it */
	unsigned char *scratch;
};

static pthread_key_t key;
static bool has_key;
static __thread struct state *variable;

static void *allocate(size_t size)
{
	void *p = openssl.CRYPTO_malloc(size, __FILE__, __LINE__);

	if (p == NULL)
		FAIL(0, "a module's state: OpenSSL's allocator refuses %zu bytes", size);
	return p;
}

static struct state *current(void)
{
	return has_key ? pthread_getspecific(key) : variable;
}

/* As OpenSSL does: made at first use in a thread. */
static struct state *state_of_thread(uint64_t user)
{
	struct state *s = current();

	if (s != NULL)
		return s;
	s = allocate(sizeof *s);
	s->user = user;
	s->scratch = allocate(SCRATCH);
	if (!has_key) {
		variable = s;
	} else {
		int err = pthread_setspecific(key, s);

		if (err != 0)
			FAIL(err, "fill the module's key");
	}
	return s;
}

static bool use(struct contexts *mine)
{
	struct state *s = state_of_thread(rig.pid);
	unsigned char *old;

	(void)mine;
	if (s->user != RANK0 && s->user != rig.pid)
		note_event(EVENT_BROKEN_NEIGHBOUR, "the module's state is in use by process %llu",
			(unsigned long long)s->user);
	s->user = rig.pid;
	old = s->scratch;
	s->scratch = allocate(SCRATCH);
	memset(s->scratch, rig.worker, SCRATCH);
	openssl.CRYPTO_free(old, __FILE__, __LINE__);
	return true;
}

static int fill(void)
{
	int err = has_key ? 0 : pthread_key_create(&key, NULL);

	if (err != 0)
		FAIL(err, "create the module's key");
	has_key = true;
	state_of_thread(RANK0);
	return 1;
}

/* What OpenSSL calls when it loads a provider: no algorithms, state alone. */
static int provider_start(const void *handle, const void *in, const void **out, void **context)
{
	static const struct {
		int id;
		void (*function)(void);
	} nothing[] = {{0, NULL}};

	(void)handle;
	(void)in;
	*out = nothing;
	*context = &key;
	return fill();
}

static int engine_start(void *engine)
{
	(void)engine;
	return fill();
}

static void load_module(void)
{
	if (openssl.OSSL_PROVIDER_try_load != NULL) {
		/* The default provider stays: a plain load would be instead of it. */
		if (openssl.OSSL_PROVIDER_add_builtin(NULL, "tlsbench-state", provider_start) != 1 ||
			openssl.OSSL_PROVIDER_try_load(NULL, "tlsbench-state", 1) == NULL)
			FAIL(0, "load the provider with state: %s", openssl_error());
	} else {
		void *engine = openssl.ENGINE_new();

		if (engine == NULL || openssl.ENGINE_set_id(engine, "tlsbench-state") != 1 ||
			openssl.ENGINE_set_init_function(engine, engine_start) != 1 || openssl.ENGINE_init(engine) != 1)
			FAIL(0, "start the engine with state: %s", openssl_error());
	}
}

static bool load_before(void)
{
	if (hazard_number("provider-state", "when", 0) != 0)
		return false;
	load_module();
	return true;
}

static bool load_after(struct contexts *all)
{
	(void)all;
	if (hazard_number("provider-state", "when", 0) == 0)
		return false;
	load_module();
	return true;
}

static bool fill_variable(struct contexts *all)
{
	(void)all;
	state_of_thread(RANK0);
	return true;
}

const struct hazard hazard_provider_state = {
	.name = "provider-state",
	.every = 1,
	.before_setup = load_before,
	.after_setup = load_after,
	.each = use,
};

const struct hazard hazard_tls_variable = {
	.name = "tls-variable",
	.every = 1,
	.after_setup = fill_variable,
	.each = use,
};
