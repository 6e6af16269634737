/*
 * watch.c: see watch.h.
 *
 * A worker's error queue is its own affair: from one check to the next nobody
 * else puts anything in, and as long as its connections go well it stays empty.
 * It is looked at wherever OpenSSL or the daemon is about to clear it, so that
 * nothing is cleared unseen. In the first half of a check the queue must
 * stay empty; in the second it must hold exactly the marker that the worker put
 * there. The marker names its worker, so that whoever finds it in the wrong
 * queue can tell whose it is. The draws lie between clearing and looking: they
 * are what makes the time in which another process can interfere.
 */
#include "watch.h"

#include "rig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

enum { LEDGER = 32 }; /* OpenSSL's ring has 16 */

struct entry {
	unsigned long code;
	int line;
};

static struct entry own[LEDGER]; /* put in by this process; 1.1.1 only */
static unsigned own_entries;
static bool own_known;       /* the ledger gets them all, */
static pthread_key_t queue;  /* and the queue is behind this key */
static struct entry passing; /* of another process, reported and perhaps still in the queue */

static int serial;
static bool clearing; /* what was reported already */
static bool settled;  /* the queue is empty, or holds what is not mine */

static bool watches(enum detector detector)
{
	return (rig.config->detectors & (uint32_t)detector) != 0;
}

static void put_marker(void)
{
	serial = serial % 1000000 + 1;
	openssl_put_error(ERR_LIB_USER, MARKER_FIRST + rig.worker, serial);
}

static bool is_marker(unsigned long code)
{
	/* the library number is in the top byte to 1.1.1, in bits 23 to 30 later */
	unsigned long library = openssl.ERR_set_error != NULL ? (code >> 23) & 0xff : (code >> 24) & 0xff;

	return library == ERR_LIB_USER;
}

static int marker_worker(unsigned long code)
{
	return (int)(code & 0xfff) - MARKER_FIRST;
}

bool watch_is_mine(unsigned long code)
{
	return is_marker(code) && marker_worker(code) == rig.worker;
}

/* Whether this entry has just been reported; it counts as once. */
static bool was_passing(unsigned long code)
{
	bool is = code != 0 && code == passing.code;

	if (is)
		passing.code = 0;
	return is;
}

static void foreign(const char *when, unsigned long code)
{
	char text[80];

	if (was_passing(code))
		return;
	if (code == 0) {
		note_event(EVENT_FOREIGN_ERROR, "%s: my entry is gone", when);
	} else if (is_marker(code)) {
		note_event(EVENT_FOREIGN_ERROR, "%s: entry of worker %d", when, marker_worker(code));
	} else {
		openssl.ERR_error_string_n(code, text, sizeof text);
		note_event(EVENT_FOREIGN_ERROR, "%s: %s", when, text);
	}
}

struct draw *watch_draws(int worker)
{
	struct draw *all = (struct draw *)((char *)rig.block + rig.config->draws_at);

	return all + (uint64_t)worker * rig.config->draws_per_worker;
}

/* Reports it once: a damaged generator stays damaged. */
static void refuse_draw(enum draw_source source)
{
	static bool told_already;

	if (!told_already)
		note_event(EVENT_FAILED_HANDSHAKE, "%s: %s", source == DRAW_PUBLIC ? "RAND_bytes" : "RAND_priv_bytes",
			openssl_error());
	told_already = true;
}

static void keep_draw(const unsigned char *value, enum draw_source source)
{
	struct draw *kept;

	if (rig.me->draws >= rig.config->draws_per_worker)
		return;
	kept = watch_draws(rig.worker) + rig.me->draws;
	memcpy(kept->value, value, DRAW_BYTES);
	kept->at_us = (uint32_t)((now_ns() - rig.block->load_start) / 1000);
	kept->source |= (uint32_t)source; /* 0 until now, or marked */
	/* counted last: a draw that is counted is whole */
	__atomic_store_n(&rig.me->draws, rig.me->draws + 1, __ATOMIC_RELEASE);
}

/* False if OpenSSL refused: its own error is in the queue then. */
static bool draw(enum draw_source source)
{
	unsigned char value[DRAW_BYTES];
	int ok;

	ok = source == DRAW_PUBLIC ? openssl.RAND_bytes(value, DRAW_BYTES) : openssl.RAND_priv_bytes(value, DRAW_BYTES);
	if (ok == 1)
		keep_draw(value, source);
	else
		refuse_draw(source);
	return ok == 1;
}

void watch_draw_from(void *library)
{
	unsigned char value[DRAW_BYTES];

	if (openssl.RAND_bytes_ex(library, value, DRAW_BYTES, 0) != 1)
		refuse_draw(DRAW_PUBLIC);
	else if (rig.config->check_rate > 0 && watches(DETECT_RANDOM))
		keep_draw(value, DRAW_PUBLIC);
}

void watch_hello(SSL *client)
{
	unsigned char random[2 * DRAW_BYTES], *share = NULL;
	void *key = NULL;
	size_t n;

	if (rig.config->check_rate == 0 || !watches(DETECT_RANDOM))
		return;
	if (openssl.SSL_get_server_random(client, random, sizeof random) == sizeof random)
		keep_draw(random, DRAW_HELLO);
	if (openssl.SSL_ctrl(client, SSL_CTRL_GET_PEER_TMP_KEY, 0, (void *)&key) != 1)
		return;
	n = openssl.EVP_PKEY_get1_encoded_public_key(key, &share);
	if (n > DRAW_BYTES)
		keep_draw(share + 1, DRAW_SHARE); /* behind the point's form */
	openssl.CRYPTO_free(share, __FILE__, __LINE__);
	openssl.EVP_PKEY_free(key);
}

static bool draw_both(void)
{
	bool ok;

	if (!watches(DETECT_RANDOM))
		return true;
	ok = draw(DRAW_PUBLIC);
	ok = draw(DRAW_PRIVATE) && ok;
	return ok;
}

static bool marker_whole(void)
{
	int line;
	unsigned long code = openssl_peek_error(&line);
	unsigned long last = openssl.ERR_peek_last_error();

	if (code == 0 || !is_marker(code) || marker_worker(code) != rig.worker)
		foreign("with my entry", code);
	else if (line != serial)
		foreign("with my entry, an old one of mine instead", code);
	else if (last != code)
		foreign("behind my entry", last);
	else
		return true;
	return false;
}

static void clear_queue(void)
{
	clearing = true;
	openssl.ERR_clear_error();
	clearing = false;
}

static void check_empty(void)
{
	unsigned long code = 0;

	if (settled)
		watch_look("between two checks");
	else
		openssl.ERR_clear_error();
	if (draw_both())
		code = openssl.ERR_peek_error();
	else
		openssl.ERR_clear_error();
	if (code != 0) {
		foreign("empty queue", code);
		clear_queue();
	}
}

static void check_marked(void)
{
	bool drawn;

	put_marker();
	drawn = draw_both();
	if (drawn && marker_whole())
		openssl.ERR_get_error(); /* takes mine out; what comes now is not mine */
	else
		clear_queue();
	settled = true;
}

void watch_check(void)
{
	if (watches(DETECT_QUEUE)) {
		check_empty();
		check_marked();
	} else {
		draw_both();
		draw_both();
	}
	bump(&rig.me->checks);
}

void watch_look(const char *when)
{
	unsigned long code;

	if (!settled)
		return;
	code = openssl.ERR_peek_error();
	if (code == 0)
		return;
	foreign(when, code);
	clear_queue();
}

void watch_own_errors(void)
{
	settled = false;
}

void watch_drain(void)
{
	bool watching = rig.config->check_rate > 0 && watches(DETECT_QUEUE);
	bool found = false;
	unsigned long code;

	while ((code = openssl.ERR_get_error()) != 0) {
		if (!watching || !is_marker(code)) /* no peer makes those */
			continue;
		foreign("among a refused peer's errors", code);
		found = true;
	}
	if (found)
		clear_queue(); /* the texts of what was taken out are still there */
	settled = watching;
}

/* As ERR_PACK in 1.1.1's err.h. */
static unsigned long pack(int library, int function, int reason)
{
	return ((unsigned long)library & 0xff) << 24 | ((unsigned long)function & 0xfff) << 12 |
	       ((unsigned long)reason & 0xfff);
}

typedef void (*put_error)(int library, int function, int reason, const char *file, int line);
typedef void (*clear_error)(void);
typedef int (*pop_to_mark)(void);

/* OpenSSL's own function of that name. A neighbour may have brought OpenSSL in before the rig loads it. */
static void *of_neighbour(const char *name)
{
	static const char *const libraries[] = {"libcrypto.so.1.1", "libcrypto.so.3", "libcrypto.so.4"};
	void *found = NULL;

	for (size_t i = 0; found == NULL && i < sizeof libraries / sizeof libraries[0]; i++) {
		void *library = dlopen(libraries[i], RTLD_NOW | RTLD_NOLOAD);

		if (library == NULL)
			continue;
		found = dlsym(library, name);
		dlclose(library); /* it stays: who brought it in holds it */
	}
	return found;
}

void ERR_put_error(int library, int function, int reason, const char *file, int line)
{
	static put_error next;

	if (next == NULL)
		next = openssl.ERR_put_error != NULL ? openssl.ERR_put_error : (put_error)of_neighbour(__func__);
	own[own_entries++ % LEDGER] = (struct entry){pack(library, function, reason), line};
	if (next != NULL)
		next(library, function, reason, file, line);
}

static bool is_own(struct entry entry)
{
	for (int i = 0; i < LEDGER; i++) {
		if (own[i].code == entry.code && own[i].line == entry.line)
			return true;
	}
	return watch_is_mine(entry.code);
}

static bool find_queue(void)
{
	const void *state = openssl.ERR_get_state != NULL ? openssl.ERR_get_state() : NULL;

	for (queue = 0; queue < MAX_SLOTS; queue++) {
		if (state != NULL && pthread_getspecific(queue) == state)
			return true;
	}
	return false;
}

void watch_in_worker(SSL_CTX *ctx)
{
	static const unsigned char no_key[] = {0};
	unsigned before = own_entries;

	if (rig.config->check_rate == 0 || !watches(DETECT_QUEUE))
		return;
	if (openssl.ERR_set_error != NULL || openssl.ERR_peek_last_error_line == NULL)
		return;
	openssl.SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, ctx, no_key, sizeof no_key);
	openssl.ERR_clear_error();
	own_known = own_entries > before && find_queue();
}

static void hold_against(struct entry entry)
{
	bool reported = entry.code == passing.code && entry.line == passing.line;

	if (reported || is_own(entry))
		return;
	foreign("in the middle of a call", entry.code);
	passing = entry;
}

/*
 * The newest entry, and the oldest, where something of this worker's is on top. A
 * look would make OpenSSL allocate a new queue right after OPENSSL_thread_stop()
 * has freed it, and a child would inherit that one.
 */
static void look_at_call(const char *file)
{
	struct entry newest, oldest;
	const char *text;

	if (openssl_queue_file(file) || pthread_getspecific(queue) == NULL)
		return;
	newest.code = openssl.ERR_peek_last_error_line(&text, &newest.line);
	if (newest.code == 0) {
		passing.code = 0;
		own_entries = 0;
		memset(own, 0, sizeof own);
		return;
	}
	oldest.code = openssl.ERR_peek_error_line(&text, &oldest.line);
	hold_against(is_own(newest) ? oldest : newest);
}

/* OpenSSL is about to take entries out of the queue. */
static void about_to_clear(void)
{
	if (own_known && !clearing)
		look_at_call(NULL);
}

void ERR_clear_error(void)
{
	static clear_error next;

	if (next == NULL)
		next = openssl.ERR_clear_error != NULL ? openssl.ERR_clear_error : (clear_error)of_neighbour(__func__);
	about_to_clear();
	if (next != NULL)
		next();
}

int ERR_pop_to_mark(void)
{
	static pop_to_mark next;

	if (next == NULL)
		next = openssl.ERR_pop_to_mark != NULL ? openssl.ERR_pop_to_mark : (pop_to_mark)of_neighbour(__func__);
	about_to_clear();
	return next != NULL ? next() : 0;
}

static struct allocator under;
static uint64_t calls; /* of the allocator: what happened right after what */

static void called(const char *file)
{
	calls++;
	if (own_known)
		look_at_call(file);
}

/* An entry has two texts or three, which are freed one right after the other. */
static void freed(int owner, const char *file)
{
	enum { TOGETHER = 4 };
	static uint64_t last;

	if (owner == rig.worker || owner == HEAP_NO_BLOCK || clearing || rig.me == NULL || !openssl_queue_file(file))
		return;
	if (last == 0 || calls > last + TOGETHER)
		note_event(EVENT_FOREIGN_ERROR, "cleared by OpenSSL: entry of worker %d", owner);
	last = calls;
}

static void *watched_malloc(size_t size, const char *file, int line)
{
	called(file);
	return under.malloc(size, file, line);
}

static void watched_free(void *p, const char *file, int line)
{
	called(file);
	freed(heap_owner(p), file);
	under.free(p, file, line);
}

static void *watched_realloc(void *p, size_t size, const char *file, int line)
{
	int owner = heap_owner(p);
	void *q;

	called(file);
	q = under.realloc(p, size, file, line);
	if (q != p && (q != NULL || size == 0))
		freed(owner, file);
	return q;
}

void watch_install(struct allocator *allocator)
{
	if (rig.config->check_rate == 0 || !watches(DETECT_QUEUE))
		return;
	under = *allocator;
	*allocator = (struct allocator){watched_malloc, watched_realloc, watched_free};
}
