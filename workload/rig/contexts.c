/* contexts.c: see contexts.h. */
#include "contexts.h"

#include "rig.h"

#include <errno.h>
#include <sys/random.h>

/*
 * The random method that the field puts in place of OpenSSL's generators. No
 * state in the process, so nothing to share.
 */
static int method_bytes(unsigned char *out, int n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, (size_t)n, 0);

		if (got < 0 && errno != EINTR)
			return 0;
		if (got > 0) {
			out += got;
			n -= (int)got;
		}
	}
	return 1;
}

static int method_status(void)
{
	return 1;
}

static const struct rand_method method = {
	.bytes = method_bytes,
	.pseudorand = method_bytes,
	.status = method_status,
};

void openssl_initialise(void)
{
	if (rig.config->rand_method) {
		if (openssl.RAND_set_rand_method == NULL)
			FAIL(0, "OpenSSL function RAND_set_rand_method is missing: choose --rand default");
		if (openssl.RAND_set_rand_method(&method) != 1)
			FAIL(0, "set the random method: %s", openssl_error());
	}
	if (openssl.OPENSSL_init_ssl(0, NULL) != 1)
		FAIL(0, "OPENSSL_init_ssl: %s", openssl_error());
}

/*
 * What rank 0 cannot do ends the trial. In a worker OpenSSL may refuse because
 * of the damage under test.
 */
static bool refused;

static void note_refusal(const char *call)
{
	if (!refused)
		note_event(EVENT_FAILED_HANDSHAKE, "new SSL_CTX: %.40s: %s", call, openssl_error());
	refused = true;
}

#define MUST(call)                                                 \
	do {                                                       \
		if ((call) == 1)                                   \
			break;                                     \
		if (rig.me == NULL)                                \
			FAIL(0, "%s: %s", #call, openssl_error()); \
		note_refusal(#call);                               \
	} while (0)

static void use_identity(SSL_CTX *ctx, const struct identity *id, int kind)
{
	MUST(openssl.SSL_CTX_use_certificate_ASN1(ctx, (int)id->certificate.length, id->certificate.bytes));
	MUST(openssl.SSL_CTX_use_PrivateKey_ASN1(kind, ctx, id->key.bytes, (long)id->key.length));
}

/*
 * One version, one group, no ticket, no session cache: every handshake is a
 * full one and costs the same. The group is the one Go's peers offer.
 */
static SSL_CTX *make(uint32_t version, const char *suites13, const char *suites12)
{
	SSL_CTX *ctx = openssl.SSL_CTX_new(openssl.TLS_method());
	char group[] = "P-256";

	MUST(ctx != NULL);
	if (ctx == NULL)
		return NULL;
	MUST(openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, (long)version, NULL));
	MUST(openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MAX_PROTO_VERSION, (long)version, NULL));
	MUST(openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0, group));
	MUST(openssl.SSL_CTX_set_num_tickets(ctx, 0));
	MUST(openssl.SSL_CTX_set_ciphersuites(ctx, suites13));
	MUST(openssl.SSL_CTX_set_cipher_list(ctx, suites12));
	openssl.SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	openssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SESS_CACHE_MODE, 0, NULL);
	return ctx;
}

static const char server13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
static const char server12[] = "ECDHE+AESGCM";
/* Suites that the server does not offer, and every module has: FIPS knows no ChaCha20. */
static const char other13[] = "TLS_AES_128_CCM_SHA256";
static const char other12[] = "ECDHE-ECDSA-AES128-CCM";

static SSL_CTX *unless_refused(SSL_CTX *ctx)
{
	if (!refused)
		return ctx;
	refused = false;
	openssl.SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *contexts_client(void)
{
	return unless_refused(make(rig.config->tls, server13, server12));
}

SSL_CTX *contexts_server(void)
{
	SSL_CTX *ctx = make(rig.config->tls, server13, server12);

	if (ctx != NULL)
		use_identity(ctx, &rig.config->server, rig.config->key == KEY_RSA_2048 ? EVP_PKEY_RSA : EVP_PKEY_EC);
	if (ctx != NULL && rig.config->ask_client) /* a peer without a certificate stays welcome */
		openssl.SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return unless_refused(ctx);
}

static void make_clients(SSL_CTX **clients)
{
	uint32_t version = rig.config->tls;
	uint32_t other = version == 0x0304 ? 0x0303 : 0x0304;

	clients[CLIENT_GOOD] = make(version, server13, server12);
	if (rig.config->bad_permyriad == 0)
		return;
	clients[CLIENT_OTHER_VERSION] = make(other, server13, server12);
	clients[CLIENT_OTHER_CIPHER] = make(version, other13, other12);
	clients[CLIENT_UNTRUSTED] = make(version, server13, server12);
	use_identity(clients[CLIENT_UNTRUSTED], &rig.config->untrusted, EVP_PKEY_EC);
}

void contexts_make(struct contexts *contexts)
{
	contexts->server = contexts_server();
	if (rig.config->load == LOAD_MEMORY)
		make_clients(contexts->clients);
}
