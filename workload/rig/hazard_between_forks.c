/*
 * hazard_between_forks.c: rank 0 goes on using OpenSSL between two forks, as
 * one does that starts its workers one by one while it also serves timers or
 * a control socket. It leaves errors behind too.
 */
#include "hazard.h"
#include "pair.h"

static struct contexts own;

static bool prepare(struct contexts *all)
{
	(void)all;
	contexts_make(&own);
	own.clients[CLIENT_GOOD] = contexts_client();
	return true;
}

/* What no certificate looks like: the reason stays in the error queue. */
static void leave_errors(void)
{
	static const unsigned char garbage[] = "no certificate";

	for (int i = 0; i < 3; i++)
		openssl.SSL_CTX_use_certificate_ASN1(own.server, (int)sizeof garbage, garbage);
}

static bool use(int next)
{
	unsigned char bytes[16];
	struct pair pair;

	(void)next;
	if (openssl.RAND_bytes(bytes, sizeof bytes) != 1 || openssl.RAND_priv_bytes(bytes, sizeof bytes) != 1)
		note_event(EVENT_FAILED_HANDSHAKE, "rank 0 draws between forks: %s", openssl_error());
	openssl.ERR_clear_error();
	if (!pair_open(&pair, own.server, own.clients[CLIENT_GOOD]) || !pair_shake(&pair))
		note_event(EVENT_FAILED_HANDSHAKE, "rank 0 between forks: %s", openssl_error());
	pair_close(&pair);
	leave_errors();
	return openssl.ERR_peek_error() != 0;
}

const struct hazard hazard_between_forks = {
	.name = "between-forks",
	.after_setup = prepare,
	.between_forks = use,
};
