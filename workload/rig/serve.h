/*
 * serve.h: what a worker does for one connection, under either load.
 */
#ifndef TLSBENCH_SERVE_H
#define TLSBENCH_SERVE_H

#include "contexts.h"
#include "rig.h"

/* tcp.c: the listener of rank 0, inherited by the workers. */
int tcp_listen(void);
/* The next connection; -1 when the listener was shut down. */
int tcp_accept(int listener);
/* Serves a connection to its end and closes it. */
void tcp_serve(int fd, SSL_CTX *ctx);

/* memory.c: one handshake over a pair of BIOs, good or bad by the seed. */
void memory_seed(uint64_t seed);
void memory_serve(const struct contexts *contexts);

/* Until the peer closes: what comes in goes back. */
void tcp_echo(SSL *ssl);

/* worker.c */
/* The phase as of now; takes the snapshots at the window's edges. */
enum phase follow_phase(void);
/* Memory load: whether one more handshake is wanted. */
bool memory_ticket_left(void);
/* What a worker does between two handshakes: hazards, checks. */
void after_handshake(struct contexts *mine);
void begin_operation(enum operation operation);
/* A good handshake that began then was completed now. */
void count_handshake(uint64_t began);
/* A peer was refused. */
void count_refusal(void);

#endif
