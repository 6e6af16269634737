/* errqueue.c: see errqueue.h. */
#include "errqueue.h"

#include "detect.h"
#include "rig.h"

#include <dlfcn.h>
#include <string.h>

enum { LEDGER = 32 }; /* OpenSSL's ring has 16 */

struct entry {
	unsigned long code;
	int line;
};

static struct entry own[LEDGER];
static unsigned own_entries;
static struct entry told;
bool errqueue_watched;

/* As ERR_PACK in 1.1.1's err.h. */
static unsigned long pack(int library, int function, int reason)
{
	return ((unsigned long)library & 0xff) << 24 | ((unsigned long)function & 0xfff) << 12 |
	       ((unsigned long)reason & 0xfff);
}

typedef void (*put_error)(int library, int function, int reason, const char *file, int line);

/* A neighbour may have brought OpenSSL in before the rig loads it. */
static put_error next_put_error(void)
{
	static put_error found;

	if (found == NULL)
		found = openssl.ERR_put_error;
	if (found == NULL) {
		void *library = dlopen("libcrypto.so.1.1", RTLD_NOW | RTLD_NOLOAD);

		if (library != NULL) {
			found = (put_error)dlsym(library, "ERR_put_error");
			dlclose(library); /* it stays: who brought it in holds it */
		}
	}
	return found;
}

void ERR_put_error(int library, int function, int reason, const char *file, int line)
{
	put_error next = next_put_error();

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
	return detect_is_mine(entry.code);
}

void errqueue_open(SSL_CTX *ctx)
{
	static const unsigned char no_key[] = {0};
	unsigned before = own_entries;

	if (rig.config->check_rate == 0 || (rig.config->detectors & DETECT_QUEUE) == 0)
		return;
	if (openssl.ERR_set_error != NULL || openssl.ERR_peek_last_error_line == NULL)
		return;
	openssl.SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, ctx, no_key, sizeof no_key);
	openssl.ERR_clear_error();
	errqueue_watched = own_entries > before;
}

static bool seen(struct entry entry)
{
	return entry.code == told.code && entry.line == told.line;
}

static void hold_against(struct entry entry)
{
	if (seen(entry) || is_own(entry))
		return;
	detect_passing(entry.code);
	told = entry;
}

/* The newest entry, and the oldest, where something of this worker's is on top. */
void errqueue_look(const char *file)
{
	struct entry newest, oldest;
	const char *text;

	if (openssl_queue_file(file))
		return;
	newest.code = openssl.ERR_peek_last_error_line(&text, &newest.line);
	if (newest.code == 0) {
		told.code = 0;
		own_entries = 0;
		memset(own, 0, sizeof own);
		return;
	}
	oldest.code = openssl.ERR_peek_error_line(&text, &oldest.line);
	hold_against(is_own(newest) ? oldest : newest);
}

bool errqueue_told(unsigned long code)
{
	bool is = code != 0 && code == told.code;

	if (is)
		told.code = 0;
	return is;
}
