/*
 * pair.h: a TLS connection within one process, over a pair of BIOs: for hazards
 * that use OpenSSL besides the load.
 */
#ifndef TLSBENCH_PAIR_H
#define TLSBENCH_PAIR_H

#include "openssl.h"

struct pair {
	SSL *server, *client;
};

/* False if OpenSSL refused; the pair is closed by pair_close either way. */
bool pair_open(struct pair *pair, SSL_CTX *server, SSL_CTX *client);
bool pair_shake(struct pair *pair);

/* A few bytes to the server and back; false if they are not the same. */
bool pair_echo(struct pair *pair, uint64_t bytes);
void pair_close(struct pair *pair);

#endif
