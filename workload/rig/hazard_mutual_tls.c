/*
 * hazard_mutual_tls.c: peers that present certificates: a good one, an expired
 * one, one of an unknown authority. Each has its only right outcome, down to the
 * verification's own result; verification errors are the most common in the
 * field. The contexts are rank 0's, one for each worker, made under the
 * strategy's care as the others are.
 */
#include "hazard.h"
#include "host.h"
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct x509 X509;
typedef struct x509_store X509_STORE;

static struct {
	X509 *(*d2i_X509)(X509 **, const unsigned char **, long);
	void (*X509_free)(X509 *);
	X509_STORE *(*SSL_CTX_get_cert_store)(const SSL_CTX *);
	int (*X509_STORE_add_cert)(X509_STORE *, X509 *);
	long (*SSL_get_verify_result)(const SSL *);
} x509;

/* Values from x509_vfy.h and ssl.h. */
enum { V_OK = 0, V_EXPIRED = 10, V_SELF_SIGNED_LEAF = 18, VERIFY_FAIL_IF_NO_PEER_CERT = 2 };

static const struct presenter {
	const char *name, *certificate, *key;
	long result;
} presenters[] = {
	{"good", "good-certificate", "good-key", V_OK},
	{"expired", "expired-certificate", "expired-key", V_EXPIRED},
	{"unknown authority", "unknown-certificate", "unknown-key", V_SELF_SIGNED_LEAF},
};

enum { PRESENTERS = sizeof presenters / sizeof *presenters };

struct set {
	SSL_CTX *server, *clients[PRESENTERS];
};

static struct set *sets; /* one for each worker */

static int nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* DER that the harness wrote in hexadecimal. */
static struct der decode(const char *text)
{
	const char *hex = hazard_text(text);
	struct der der = {.length = 0};

	for (; hex[0] != '\0' && hex[1] != '\0' && der.length < MAX_DER; hex += 2)
		der.bytes[der.length++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
	return der;
}

static void *symbol(const char *name)
{
	void *p = openssl_symbol(name);

	if (p == NULL)
		FAIL(0, "mutual-tls: OpenSSL function %s is missing", name);
	return p;
}

static void load(void)
{
	x509.d2i_X509 = (X509 * (*)(X509 **, const unsigned char **, long)) symbol("d2i_X509");
	x509.X509_free = (void (*)(X509 *))symbol("X509_free");
	x509.SSL_CTX_get_cert_store = (X509_STORE * (*)(const SSL_CTX *)) symbol("SSL_CTX_get_cert_store");
	x509.X509_STORE_add_cert = (int (*)(X509_STORE *, X509 *))symbol("X509_STORE_add_cert");
	x509.SSL_get_verify_result = (long (*)(const SSL *))symbol("SSL_get_verify_result");
}

static void trust_authority(SSL_CTX *ctx)
{
	struct der der = decode("authority-certificate");
	const unsigned char *at = der.bytes;
	X509 *certificate = x509.d2i_X509(NULL, &at, (long)der.length);

	if (certificate == NULL || x509.X509_STORE_add_cert(x509.SSL_CTX_get_cert_store(ctx), certificate) != 1)
		FAIL(0, "mutual-tls: trust the authority: %s", openssl_error());
	x509.X509_free(certificate);
}

static void present(SSL_CTX *ctx, const struct presenter *p)
{
	struct der certificate = decode(p->certificate), key = decode(p->key);

	if (openssl.SSL_CTX_use_certificate_ASN1(ctx, (int)certificate.length, certificate.bytes) != 1 ||
		openssl.SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, ctx, key.bytes, (long)key.length) != 1)
		FAIL(0, "mutual-tls: certificate of the %s peer: %s", p->name, openssl_error());
}

static void make_sets(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		sets[i].server = contexts_server();
		openssl.SSL_CTX_set_verify(sets[i].server, SSL_VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		trust_authority(sets[i].server);
		for (int p = 0; p < PRESENTERS; p++) {
			sets[i].clients[p] = contexts_client();
			present(sets[i].clients[p], &presenters[p]);
		}
	}
}

static bool prepare(struct contexts *all)
{
	(void)all;
	load();
	sets = calloc(rig.config->workers, sizeof *sets);
	if (sets == NULL)
		FAIL(errno, "allocate contexts of %u workers", rig.config->workers);
	host_initialise(make_sets, NULL);
	return true;
}

static bool judge(const struct presenter *p, bool accepted, long result)
{
	if (accepted == (p->result == V_OK) && result == p->result)
		return true;
	note_event(EVENT_FAILED_HANDSHAKE, "mutual TLS, %s peer: %s, verification gave %ld: %s", p->name,
		accepted ? "accepted" : "refused", result, openssl_error());
	return false;
}

static bool each(struct contexts *mine)
{
	const struct set *set = &sets[rig.worker];
	bool all = true;

	(void)mine;
	for (int p = 0; p < PRESENTERS; p++) {
		struct pair pair;
		bool opened, accepted;

		openssl.ERR_clear_error();
		opened = pair_open(&pair, set->server, set->clients[p]);
		accepted = opened && pair_shake(&pair);
		all = judge(&presenters[p], accepted, opened ? x509.SSL_get_verify_result(pair.server) : -1) && all;
		pair_close(&pair);
	}
	while (openssl.ERR_get_error() != 0)
		continue; /* a daemon would log them */
	return all;
}

const struct hazard hazard_mutual_tls = {
	.name = "mutual-tls",
	.every = 2,
	.after_setup = prepare,
	.each = each,
};
