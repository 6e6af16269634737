/* preload.h: what the files of the preload object share. */
#ifndef TLSBENCH_PRELOAD_H
#define TLSBENCH_PRELOAD_H

#include "block.h"
#include "openssl.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* The harness looks for lines with this mark in the daemon's log. */
#define SAY(...) dprintf(STDERR_FILENO, "tlsbench-preload: " __VA_ARGS__)

/* Says so, and ends the process. */
_Noreturn void refuse(const char *what, const char *which);

/* Before the TLS module's first SSL_CTX: the hazard that OpenSSL's set-up brings. */
void hazards_before_contexts(void);

/* "key=value,..." */
void read_parameters(const char *text, struct parameter *into, int max);

/* Whether OpenSSL is in the process. */
bool find_openssl(void);

/* tracing.c: when the object is loaded, and what the program gives to CRYPTO_set_mem_functions. */
void tracing_begin(void);
void tracing_wrap(struct allocator *allocator);

#endif
