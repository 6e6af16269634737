/*
 * hazard_reload.c: a live worker builds a new SSL_CTX from the certificate while
 * it serves, as on a reload of its settings. A connection on the old one goes on
 * meanwhile, and its end is the old context's too.
 */
#include "hazard.h"
#include "pair.h"

static struct pair old;
static SSL_CTX *client;
static uint64_t serial;

static bool keep_connection(struct contexts *mine)
{
	if (client == NULL)
		client = contexts_client();
	if (pair_open(&old, mine->server, client) && pair_shake(&old))
		return true;
	note_event(EVENT_FAILED_HANDSHAKE, "reload: connection on the old context: %s", openssl_error());
	pair_close(&old);
	return false;
}

static bool reload(struct contexts *mine)
{
	SSL_CTX *fresh;

	pair_close(&old); /* the last connection of the context before */
	openssl.ERR_clear_error();
	if (!keep_connection(mine))
		return false;
	fresh = contexts_server();
	if (fresh == NULL)
		return false;
	openssl.SSL_CTX_free(mine->server);
	mine->server = fresh;
	if (!pair_echo(&old, ++serial))
		note_event(EVENT_WRONG_DATA, "reload: echo on the old context: %s", openssl_error());
	return true;
}

const struct hazard hazard_reload = {
	.name = "reload",
	.every = 16,
	.each = reload,
};
