/*
 * plain.c: the yardstick: handshakes over BIO pairs in one process as the
 * smallest program would make them. No fork, no shared heap, no strategy, no
 * detector; the interposed functions pass through. It shares the loading of
 * OpenSSL and the contexts with the rig, and nothing of the serving loop.
 */
#include "contexts.h"
#include "openssl.h"
#include "rig.h"

#include <unistd.h>

static bool wants_more(SSL *ssl, int result)
{
	int error = openssl.SSL_get_error(ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void handshake(const struct contexts *contexts)
{
	SSL *server = openssl.SSL_new(contexts->server);
	SSL *client = openssl.SSL_new(contexts->clients[CLIENT_GOOD]);
	BIO *a = NULL, *b = NULL;
	int c = 0, s = 0;

	if (server == NULL || client == NULL || openssl.BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		FAIL(0, "new connection: %s", openssl_error());
	openssl.SSL_set_bio(server, a, a);
	openssl.SSL_set_bio(client, b, b);
	openssl.SSL_set_accept_state(server);
	openssl.SSL_set_connect_state(client);
	while (c != 1 || s != 1) {
		c = openssl.SSL_do_handshake(client);
		s = openssl.SSL_do_handshake(server);
		if ((c != 1 && !wants_more(client, c)) || (s != 1 && !wants_more(server, s)))
			FAIL(0, "handshake: %s", openssl_error());
	}
	openssl.SSL_free(client);
	openssl.SSL_free(server);
}

/* Once ready it makes a given number of handshakes, timed as a whole. */
void run_plain(void)
{
	struct worker *me = &rig.workers[0];
	struct contexts contexts;
	char byte = 'r';

	rig.me = me;
	openssl_load(rig.config->libcrypto, rig.config->libssl);
	openssl_initialise();
	contexts_make(&contexts);
	__atomic_store_n(&rig.block->stage, STAGE_READY, __ATOMIC_RELEASE);
	if (write(FD_STATUS, &byte, 1) != 1 || read(FD_CONTROL, &byte, 1) != 1)
		FAIL(errno, "meet the harness");
	for (int i = 0; i < 200; i++) /* warm-up: caches, lazy binding, heap */
		handshake(&contexts);
	me->begin.at = now_ns();
	me->begin.cpu = cpu_ns();
	for (uint64_t i = 0; i < rig.config->handshakes; i++)
		handshake(&contexts);
	me->end.cpu = cpu_ns();
	me->end.at = now_ns();
	me->end.handshakes = me->handshakes = rig.config->handshakes;
	__atomic_store_n(&rig.block->stage, STAGE_DONE, __ATOMIC_RELEASE);
	_exit(0);
}
