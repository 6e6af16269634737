/*
 * memory.c: the memory load. The worker plays both sides over pairs of BIOs: no
 * socket, no peer process, the most pressure on OpenSSL's state and the least
 * noise. Bad peers are OpenSSL clients too, or what they sent, spoilt.
 */
#include "openssl.h"
#include "serve.h"
#include "watch.h"

#include <string.h>

enum { HELLO_MAX = 4096, STEPS = 64, ECHO_MAX = 4096 };

enum bad_peer {
	BAD_GARBAGE = 0,
	BAD_CUT_HELLO,
	BAD_MALFORMED_HELLO,
	BAD_LEAVES,
	BAD_VERSION,
	BAD_CIPHER,
	BAD_CERTIFICATE,
	BAD_PEERS
};

static uint64_t random_state;

void memory_seed(uint64_t seed)
{
	random_state = seed;
}

/* One end of a pair is the SSL's, the other one is given back. */
static SSL *with_bio(SSL_CTX *ctx, BIO **other)
{
	SSL *ssl = openssl.SSL_new(ctx);
	BIO *mine = NULL;

	*other = NULL;
	if (ssl == NULL)
		return NULL;
	if (openssl.BIO_new_bio_pair(&mine, 0, other, 0) != 1) {
		openssl.SSL_free(ssl);
		return NULL;
	}
	openssl.SSL_set_bio(ssl, mine, mine);
	return ssl;
}

enum progress { STEP_DONE, STEP_WAITS, STEP_FAILED };

static enum progress step(SSL *ssl)
{
	int result, error;

	watch_look("before a step of a handshake"); /* OpenSSL clears the queue first */
	result = openssl.SSL_do_handshake(ssl);
	if (result == 1) {
		watch_look("after a handshake");
		return STEP_DONE;
	}
	error = openssl.SSL_get_error(ssl, result);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? STEP_WAITS : STEP_FAILED;
}

static bool shake(SSL *client, SSL *server)
{
	for (int i = 0; i < STEPS; i++) {
		enum progress c = step(client);
		enum progress s = step(server);

		if (c == STEP_DONE && s == STEP_DONE)
			return true;
		if (c == STEP_FAILED || s == STEP_FAILED)
			return false;
	}
	return false;
}

static bool echoed(SSL *client, SSL *server)
{
	static unsigned char sent[ECHO_MAX], back[ECHO_MAX];
	int n = rig.config->echo < ECHO_MAX ? (int)rig.config->echo : ECHO_MAX;
	int got;

	for (int i = 0; i < n; i += 8) {
		uint64_t word = split_mix(&random_state);

		memcpy(sent + i, &word, (size_t)(n - i < 8 ? n - i : 8));
	}
	if (openssl.SSL_write(client, sent, n) != n)
		return false;
	got = openssl.SSL_read(server, back, sizeof back);
	if (got <= 0 || openssl.SSL_write(server, back, got) != got)
		return false;
	memset(back, 0, sizeof back);
	return openssl.SSL_read(client, back, sizeof back) == n && memcmp(sent, back, (size_t)n) == 0;
}

static void good_peer_failed(const char *when)
{
	note_event(EVENT_FAILED_HANDSHAKE, "%s: %s", when, openssl_error());
}

static void serve_good(const struct contexts *contexts)
{
	uint64_t began = now_ns();
	BIO *other = NULL, *own = NULL;
	SSL *server = openssl.SSL_new(contexts->server);
	SSL *client = openssl.SSL_new(contexts->clients[CLIENT_GOOD]);

	if (server == NULL || client == NULL || openssl.BIO_new_bio_pair(&own, 0, &other, 0) != 1) {
		good_peer_failed("new connection");
		watch_own_errors();
	} else {
		openssl.SSL_set_bio(server, own, own);
		openssl.SSL_set_bio(client, other, other);
		openssl.SSL_set_accept_state(server);
		openssl.SSL_set_connect_state(client);
		if (!shake(client, server)) {
			good_peer_failed("good peer");
			watch_own_errors();
		} else {
			count_handshake(began);
			watch_hello(client);
			if (rig.config->echo != 0) {
				begin_operation(OP_ECHO);
				if (!echoed(client, server)) {
					note_event(EVENT_WRONG_DATA, "echo: %s", openssl_error());
					watch_own_errors();
				}
			}
		}
	}
	openssl.SSL_free(client);
	openssl.SSL_free(server);
}

/* A real client's first flight. */
static int hello_of(SSL_CTX *ctx, unsigned char *hello)
{
	BIO *other;
	SSL *client = with_bio(ctx, &other);
	int n;

	if (client == NULL)
		return 0;
	openssl.SSL_set_connect_state(client);
	step(client);
	n = openssl.BIO_read(other, hello, HELLO_MAX);
	openssl.SSL_free(client);
	openssl.BIO_free(other);
	return n > 0 ? n : 0;
}

/* Bytes go in, the peer leaves, and the server is told so. */
static void serve_bytes(const struct contexts *contexts, const unsigned char *bytes, int n, bool answered)
{
	BIO *other;
	SSL *server = with_bio(contexts->server, &other);

	if (server == NULL)
		return;
	openssl.SSL_set_accept_state(server);
	if (n > 0)
		openssl.BIO_write(other, bytes, n);
	if (answered)
		step(server);
	openssl.BIO_ctrl(other, BIO_C_SHUTDOWN_WR, 0, NULL);
	step(server);
	openssl.SSL_free(server);
	openssl.BIO_free(other);
}

static void serve_client(const struct contexts *contexts, enum client_kind kind)
{
	BIO *other = NULL, *own = NULL;
	SSL *server = openssl.SSL_new(contexts->server);
	SSL *client = openssl.SSL_new(contexts->clients[kind]);

	if (server != NULL && client != NULL && openssl.BIO_new_bio_pair(&own, 0, &other, 0) == 1) {
		openssl.SSL_set_bio(server, own, own);
		openssl.SSL_set_bio(client, other, other);
		openssl.SSL_set_accept_state(server);
		openssl.SSL_set_connect_state(client);
		shake(client, server);
	}
	openssl.SSL_free(client);
	openssl.SSL_free(server);
}

static void serve_bad(const struct contexts *contexts, enum bad_peer kind)
{
	static const unsigned char garbage[] = "REGISTER sip:example.org SIP/2.0\r\n\r\n";
	unsigned char hello[HELLO_MAX];
	int n = 0;

	watch_own_errors();
	if (kind == BAD_CUT_HELLO || kind == BAD_MALFORMED_HELLO || kind == BAD_LEAVES)
		n = hello_of(contexts->clients[CLIENT_GOOD], hello);
	switch (kind) {
	case BAD_GARBAGE:
		serve_bytes(contexts, garbage, sizeof garbage - 1, true);
		break;
	case BAD_CUT_HELLO:
		serve_bytes(contexts, hello, n / 2, true);
		break;
	case BAD_MALFORMED_HELLO:
		/* The session id's length, behind record, message, version and random. */
		if (n > 44)
			hello[43] = 0xff;
		serve_bytes(contexts, hello, n, true);
		break;
	case BAD_LEAVES:
		serve_bytes(contexts, hello, n, true);
		break;
	case BAD_VERSION:
		serve_client(contexts, CLIENT_OTHER_VERSION);
		break;
	case BAD_CIPHER:
		serve_client(contexts, CLIENT_OTHER_CIPHER);
		break;
	default:
		serve_client(contexts, CLIENT_UNTRUSTED);
		break;
	}
	count_refusal();
	watch_drain();
}

void memory_serve(const struct contexts *contexts)
{
	uint64_t random = split_mix(&random_state);

	begin_operation(OP_HANDSHAKE);
	watch_look("between two connections");
	openssl.ERR_clear_error();
	if (random % 10000 < rig.config->bad_permyriad)
		serve_bad(contexts, (enum bad_peer)((random >> 32) % BAD_PEERS));
	else
		serve_good(contexts);
}
