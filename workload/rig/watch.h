/*
 * watch.h: what a worker looks at in OpenSSL: its error queue and its random
 * numbers, in active checks between its handshakes and at each call of the
 * allocator.
 *
 * Whose entry is in the queue? From OpenSSL 3.0 on the block of its texts says
 * so: it is freed with the entry, so that an entry of another process shows even
 * if OpenSSL clears it itself in the middle of a call. In 1.1.1 an entry has no
 * texts of its own; there the program exports ERR_put_error and keeps a ledger of
 * what this process put in, and the queue is held against it at each call of the
 * allocator, and where OpenSSL clears the queue or takes its newest entries back:
 * the program exports these functions too. After a client has verified its peer,
 * nothing is allocated until the queue is cleared: an entry would be gone unseen.
 */
#ifndef TLSBENCH_WATCH_H
#define TLSBENCH_WATCH_H

#include "block.h"
#include "heap.h"
#include "openssl.h"

#include <stdbool.h>

/* Where active checks look at the queue: puts the wrappers around the allocator. */
void watch_install(struct allocator *allocator);

/*
 * In a worker with active checks, before its first handshake: makes OpenSSL put
 * an entry in, to see that the ledger gets it. A library that was linked so that
 * it calls its own function keeps no ledger, and is not watched in this way.
 */
void watch_in_worker(SSL_CTX *ctx);

/* OpenSSL's names: the libraries of 1.1.1 call these where they mean their own. */
void ERR_put_error(int library, int function, int reason, const char *file, int line);
void ERR_clear_error(void);
int ERR_pop_to_mark(void);

/* An active check: one look at the error queue with four random draws. */
void watch_check(void);

/*
 * From the end of a check on the queue must stay empty as long as all goes well:
 * this looks at it where OpenSSL, or the daemon, is about to clear it unseen.
 * Without active checks it does nothing.
 */
void watch_look(const char *when);

/* Something failed, or a neighbour was called: entries may be this worker's own. */
void watch_own_errors(void);

/* Empties the queue after a refused peer, as a daemon does when it logs. */
void watch_drain(void);

/* A worker's marker: an entry of ERR_LIB_USER with this reason, its number added. */
enum { MARKER_FIRST = 200 };

/* Whether an entry is a marker of this worker. */
bool watch_is_mine(unsigned long code);

/* A draw from a library context (OSSL_LIB_CTX) of somebody's own. */
void watch_draw_from(void *library);

/* After a handshake of the memory load: keeps the random and the key share that the client got. */
void watch_hello(SSL *client);

/* The draws of a worker, in the block. */
struct draw *watch_draws(int worker);

#endif
