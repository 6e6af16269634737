/*
 * keys.h: the ledger of pthread keys: which exist and which file created each.
 */
#ifndef TLSBENCH_KEYS_H
#define TLSBENCH_KEYS_H

#include "strategy.h"

#include <stdbool.h>
#include <stddef.h>

/* From here on created keys are written down. */
void keys_start(void);

bool key_known(pthread_key_t key);
enum key_owner key_owner(pthread_key_t key);

/* Base name of the file whose code created the key, "" if not known. */
const char *key_creator(pthread_key_t key);

/* See struct strategy_context. */
size_t keys_of(enum key_owner owner, pthread_key_t *keys, size_t max);

#endif
