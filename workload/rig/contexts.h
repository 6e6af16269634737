/*
 * contexts.h: initialising OpenSSL, and the SSL_CTX objects that rank 0 makes.
 */
#ifndef TLSBENCH_CONTEXTS_H
#define TLSBENCH_CONTEXTS_H

#include "openssl.h"

/* What goes wrong with a bad peer of the memory load, by its client context. */
enum client_kind { CLIENT_GOOD = 0, CLIENT_OTHER_VERSION, CLIENT_OTHER_CIPHER, CLIENT_UNTRUSTED, CLIENT_KINDS };

/* One process's contexts; clients only with the memory load. */
struct contexts {
	SSL_CTX *server;
	SSL_CTX *clients[CLIENT_KINDS];
};

/* The random method, OPENSSL_init_ssl(). */
void openssl_initialise(void);

void contexts_make(struct contexts *contexts);

/* A server as the workers are given. In a worker NULL, and an event, if OpenSSL refuses. */
SSL_CTX *contexts_server(void);

/* A client that trusts every server, for either load. */
SSL_CTX *contexts_client(void);

#endif
