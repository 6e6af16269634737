/*
 * tracesite.c: the names of places in code. A place is looked up once, when it
 * is first seen; its key is an address, which forked processes have in common.
 * OpenSSL's static functions have no name in the file: then the callers' names
 * are what tells, so the stack is unwound.
 */
#include "keys.h"
#include "trace.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

enum { FRAMES = 24, NAMED = 3, PARTS = 5 };

struct stack {
	uintptr_t frames[FRAMES];
	uint32_t n;
};

static _Unwind_Reason_Code keep_frame(struct _Unwind_Context *context, void *arg)
{
	struct stack *stack = arg;

	if (stack->n == FRAMES)
		return _URC_END_OF_STACK;
	stack->frames[stack->n++] = (uintptr_t)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The allocator's own layers say nothing about who allocates. */
static bool is_layer(const char *function)
{
	return function != NULL && strncmp(function, "CRYPTO_", 7) == 0 &&
	       (strstr(function, "alloc") != NULL || strstr(function, "dup") != NULL ||
		       strstr(function, "free") != NULL);
}

struct text {
	char *at;
	size_t room;
};

static void advance(struct text *text, int n)
{
	size_t used = n < 0 ? 0 : (size_t)n;

	if (used >= text->room)
		used = text->room - 1;
	text->at += used;
	text->room -= used;
}

static void put(struct text *text, const char *before, const char *what, const char *after)
{
	advance(text, snprintf(text->at, text->room, "%s%s%s", before, what, after));
}

static void put_function(struct text *text, const char *before, const Dl_info *info, bool with_file)
{
	put(text, before, info->dli_sname, "");
	if (with_file)
		put(text, " (", base_name(info->dli_fname), ")");
}

static void put_offset(struct text *text, const char *before, const Dl_info *info, uintptr_t address)
{
	put(text, before, base_name(info->dli_fname), "");
	advance(text, snprintf(text->at, text->room, "+%#zx", (size_t)(address - (uintptr_t)info->dli_fbase)));
}

/*
 * Names the frames from the given one outwards until there are enough names,
 * and where two files meet the file too: "memset (libc.so.6) < ERR_clear_error
 * (libcrypto.so.3)".
 */
static void put_stack(struct text *text, const struct stack *stack, uint32_t from, const char *separator)
{
	const void *file = NULL;
	int named = 0, parts = 0;

	for (uint32_t i = from; i < stack->n && named < NAMED && parts < PARTS; i++) {
		bool innermost = parts == 0;
		Dl_info info;

		/* A return address may be the next function's first: the call lies before it. */
		if (dladdr((const void *)(stack->frames[i] - (i > from)), &info) == 0 || info.dli_fname == NULL)
			continue;
		if (innermost && is_layer(info.dli_sname))
			continue;
		if (info.dli_sname != NULL) {
			put_function(text, separator, &info, file != info.dli_fbase);
			named++;
		} else if (innermost || file != info.dli_fbase) {
			put_offset(text, separator, &info, stack->frames[i]);
		} else {
			continue;
		}
		file = info.dli_fbase;
		separator = " < ";
		parts++;
	}
}

/* The site of that key, or the free place for it; NULL if there is no room. */
static struct trace_site *place_of(struct trace *record, uint64_t key)
{
	uint64_t start = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 50;

	for (uint32_t i = 0; i < TRACE_SITES; i++) {
		struct trace_site *site = &record->sites[(start + i) % TRACE_SITES];
		uint64_t empty = 0;

		if (__atomic_load_n(&site->key, __ATOMIC_RELAXED) == key)
			return site;
		if (__atomic_compare_exchange_n(&site->key, &empty, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
			empty == key)
			return site;
	}
	record->full = 1;
	return &record->sites[0];
}

static bool first_to_name(struct trace_site *site)
{
	uint32_t unknown = 0;

	return __atomic_compare_exchange_n(&site->known, &unknown, 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint32_t trace_site_of_write(struct trace *record, uintptr_t address)
{
	struct trace_site *site = place_of(record, address);

	if (first_to_name(site)) {
		struct stack stack = {.n = 0};
		struct text text = {site->text, sizeof site->text};
		uint32_t from = 0;

		_Unwind_Backtrace(keep_frame, &stack);
		while (from < stack.n && stack.frames[from] != address)
			from++;
		if (from == stack.n) { /* no way through the signal's frame: the place alone */
			stack.frames[0] = address;
			stack.n = 1;
			from = 0;
		}
		put_stack(&text, &stack, from, "");
		__atomic_store_n(&site->known, 2, __ATOMIC_RELEASE);
	}
	return (uint32_t)(site - record->sites);
}

uint32_t trace_site_of_key(struct trace *record, unsigned key)
{
	struct trace_site *site = place_of(record, (UINT64_C(1) << 63) + key);
	const char *creator = key_creator(key);

	if (first_to_name(site)) {
		snprintf(site->text, sizeof site->text, "pthread key %u of %s", key,
			creator[0] != '\0' ? creator : "an unknown owner");
		__atomic_store_n(&site->known, 2, __ATOMIC_RELEASE);
	}
	return (uint32_t)(site - record->sites);
}

uint32_t trace_site_of_variable(struct trace *record, uintptr_t address, const char *file, uintptr_t base)
{
	struct trace_site *site = place_of(record, address);
	Dl_info info;

	if (!first_to_name(site))
		return (uint32_t)(site - record->sites);
	if (dladdr((const void *)address, &info) != 0 && info.dli_sname != NULL)
		snprintf(site->text, sizeof site->text, "%s (%s)", info.dli_sname, base_name(file));
	else
		snprintf(site->text, sizeof site->text, "%s+%#zx", base_name(file), (size_t)(address - base));
	__atomic_store_n(&site->known, 2, __ATOMIC_RELEASE);
	return (uint32_t)(site - record->sites);
}

/* Unwinds from the first frame outside this object: the tracer's own say nothing. */
static uint32_t unwind_outside(struct stack *stack)
{
	uint32_t from = 0;
	Dl_info self, info;

	_Unwind_Backtrace(keep_frame, stack);
	if (dladdr((const void *)unwind_outside, &self) == 0)
		return 0;
	while (from < stack->n && dladdr((const void *)(stack->frames[from] - 1), &info) != 0 &&
		info.dli_fbase == self.dli_fbase)
		from++;
	return from;
}

/* Without a source file: the first caller outside the allocator's layers. */
static uint64_t key_of_stack(const struct stack *stack, uint32_t from)
{
	for (uint32_t i = from; i < stack->n; i++) {
		Dl_info info;

		if (dladdr((const void *)(stack->frames[i] - 1), &info) == 0 || !is_layer(info.dli_sname))
			return stack->frames[i];
	}
	return 1;
}

uint32_t trace_site_of_allocation(struct trace *record, const char *file, int line)
{
	bool named = file != NULL && line > 0;
	uint64_t key = (uint64_t)(uintptr_t)file ^ ((uint64_t)line << 48) ^ (UINT64_C(1) << 47);
	struct stack stack = {.n = 0};
	struct trace_site *site;
	uint32_t from = 0;

	if (!named) {
		from = unwind_outside(&stack);
		key = key_of_stack(&stack, from);
	}
	site = place_of(record, key);
	if (first_to_name(site)) {
		struct text text = {site->text, sizeof site->text};

		if (named) {
			advance(&text, snprintf(text.at, text.room, "%s:%d", base_name(file), line));
			from = unwind_outside(&stack);
		}
		put_stack(&text, &stack, from, named ? " " : "");
		__atomic_store_n(&site->known, 2, __ATOMIC_RELEASE);
	}
	return (uint32_t)(site - record->sites);
}
