/*
 * errqueue.h: whose is an entry of the error queue? From OpenSSL 3.0 on the
 * block of its texts says so (detect_freed). In 1.1.1 an entry has no texts of
 * its own; there the program exports ERR_put_error and keeps a ledger of what
 * this process put in, and the queue is held against it at each call of the
 * heap's, before OpenSSL may have cleared it again.
 */
#ifndef TLSBENCH_ERRQUEUE_H
#define TLSBENCH_ERRQUEUE_H

#include "openssl.h"

#include <stdbool.h>

/*
 * In a worker with active checks, before its first handshake: makes OpenSSL put
 * an entry in, to see that the ledger gets it. A library that was linked so that
 * it calls its own function keeps no ledger, and is not watched in this way.
 */
void errqueue_open(SSL_CTX *ctx);

/* Set by errqueue_open. */
extern bool errqueue_watched;

/* What errqueue_poll calls. */
void errqueue_look(const char *file);

static inline void errqueue_poll(const char *file)
{
	if (errqueue_watched)
		errqueue_look(file);
}

/* OpenSSL's name: the libraries of 1.1.1 call it where they mean their own. */
void ERR_put_error(int library, int function, int reason, const char *file, int line);

/* Whether this entry has just been reported; it counts as once. */
bool errqueue_told(unsigned long code);

#endif
