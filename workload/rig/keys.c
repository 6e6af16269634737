/*
 * keys.c: see keys.h. The program exports its own pthread_key_create and its
 * other names, which the loader prefers over libc's for every library that is
 * loaded later; the caller's address tells whose key it is. In a process that
 * is not a rig the calls only pass through.
 */
#include "keys.h"

#include "openssl.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <string.h>

enum { LEDGER = 1024 }; /* PTHREAD_KEYS_MAX of glibc */
enum { CALLERS = 24 };

struct entry {
	bool live;
	const void *base;             /* load address of the creator's file, */
	const void *callers[CALLERS]; /* and of those in whose call it was, NULL behind the last */
	char creator[44];
};

static struct entry ledger[LEDGER];
static pthread_key_t ledger_end; /* one above the highest key that was ever created */
static bool started;
static const void *own_base;

/*
 * A module of OpenSSL makes its keys while OpenSSL calls it: when it is loaded, or
 * at first use. So the ledger keeps the files of all calls on the stack, too.
 */
static void write_callers(struct entry *entry)
{
	void *frames[CALLERS];
	int n = backtrace(frames, CALLERS);
	Dl_info info;

	memset((void *)entry->callers, 0, sizeof entry->callers);
	for (int i = 0; i < n; i++)
		entry->callers[i] = dladdr(frames[i], &info) != 0 ? info.dli_fbase : own_base;
}

void keys_start(void)
{
	static struct entry warm_up;
	Dl_info info;

	if (dladdr((const void *)keys_start, &info) != 0)
		own_base = info.dli_fbase;
	write_callers(&warm_up); /* the first walk loads a library, which is no one's key */
	started = true;
}

static void write_down(pthread_key_t key, const void *caller)
{
	struct entry *entry;
	const char *slash;
	Dl_info info;

	if (!started || key >= LEDGER)
		return;
	entry = &ledger[key];
	entry->live = true;
	if (key >= ledger_end)
		ledger_end = key + 1;
	entry->base = NULL;
	write_callers(entry);
	snprintf(entry->creator, sizeof entry->creator, "?");
	if (dladdr(caller, &info) == 0)
		return;
	/* The name is copied: the file may be unloaded before the key is looked up. */
	slash = strrchr(info.dli_fname, '/');
	snprintf(entry->creator, sizeof entry->creator, "%s", slash != NULL ? slash + 1 : info.dli_fname);
	entry->base = info.dli_fbase;
}

typedef int (*create_function)(pthread_key_t *, void (*)(void *));

static int create(create_function *next, const char *name, pthread_key_t *key, void (*destroy)(void *),
	const void *caller)
{
	int err;

	if (*next == NULL)
		*next = (create_function)dlsym(RTLD_NEXT, name);
	err = *next != NULL ? (*next)(key, destroy) : ENOSYS;
	if (err == 0)
		write_down(*key, caller);
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

/* C11's name for the same; its result is a thrd_ code, 0 on success too. */
int tss_create(pthread_key_t *key, void (*destroy)(void *));
int tss_create(pthread_key_t *key, void (*destroy)(void *))
{
	static create_function next;

	return create(&next, "tss_create", key, destroy, __builtin_return_address(0));
}

static void strike_out(pthread_key_t key)
{
	if (started && key < LEDGER)
		ledger[key].live = false;
}

int pthread_key_delete(pthread_key_t key)
{
	static int (*next)(pthread_key_t);

	if (next == NULL)
		next = (int (*)(pthread_key_t))dlsym(RTLD_NEXT, "pthread_key_delete");
	if (next == NULL)
		return ENOSYS;
	strike_out(key);
	return next(key);
}

void tss_delete(pthread_key_t key);
void tss_delete(pthread_key_t key)
{
	static void (*next)(pthread_key_t);

	if (next == NULL)
		next = (void (*)(pthread_key_t))dlsym(RTLD_NEXT, "tss_delete");
	if (next == NULL)
		return;
	strike_out(key);
	next(key);
}

bool key_known(pthread_key_t key)
{
	return key < LEDGER && ledger[key].live;
}

enum key_owner key_owner(pthread_key_t key)
{
	if (!key_known(key))
		return KEY_FOREIGN;
	for (int i = 0; i < CALLERS && ledger[key].callers[i] != NULL; i++) {
		if (openssl_owns(ledger[key].callers[i]))
			return KEY_OPENSSL;
	}
	return ledger[key].base == own_base ? KEY_HARNESS : KEY_FOREIGN;
}

const char *key_creator(pthread_key_t key)
{
	return key_known(key) ? ledger[key].creator : "";
}

size_t keys_of(enum key_owner owner, pthread_key_t *keys, size_t max)
{
	size_t n = 0;

	for (pthread_key_t key = 0; key < ledger_end; key++) {
		if (!ledger[key].live || key_owner(key) != owner)
			continue;
		if (n < max)
			keys[n] = key;
		n++;
	}
	return n;
}
