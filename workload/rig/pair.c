/* pair.c: see pair.h. */
#include "pair.h"

enum { STEPS = 64 };

bool pair_open(struct pair *pair, SSL_CTX *server, SSL_CTX *client)
{
	BIO *a = NULL, *b = NULL;

	pair->server = openssl.SSL_new(server);
	pair->client = openssl.SSL_new(client);
	if (pair->server == NULL || pair->client == NULL || openssl.BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		return false;
	openssl.SSL_set_bio(pair->server, a, a);
	openssl.SSL_set_bio(pair->client, b, b);
	openssl.SSL_set_accept_state(pair->server);
	openssl.SSL_set_connect_state(pair->client);
	return true;
}

/* 1 done, 0 waits for the other end, -1 failed */
static int step(SSL *ssl)
{
	int result = openssl.SSL_do_handshake(ssl);
	int error;

	if (result == 1)
		return 1;
	error = openssl.SSL_get_error(ssl, result);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

bool pair_shake(struct pair *pair)
{
	for (int i = 0; i < STEPS; i++) {
		int c = step(pair->client);
		int s = step(pair->server);

		if (c < 0 || s < 0)
			return false;
		if (c == 1 && s == 1)
			return true;
	}
	return false;
}

bool pair_echo(struct pair *pair, uint64_t bytes)
{
	uint64_t there = 0, back = 0;
	int n = (int)sizeof bytes;

	return openssl.SSL_write(pair->client, &bytes, n) == n && openssl.SSL_read(pair->server, &there, n) == n &&
	       openssl.SSL_write(pair->server, &there, n) == n && openssl.SSL_read(pair->client, &back, n) == n &&
	       back == bytes;
}

void pair_close(struct pair *pair)
{
	openssl.SSL_free(pair->client);
	openssl.SSL_free(pair->server);
	pair->client = pair->server = NULL;
}
