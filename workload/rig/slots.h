/*
 * slots.h: what the pthread keys hold, in rank 0 and in each worker: the
 * exposure of workers to each other, and the slots that other libraries lost.
 */
#ifndef TLSBENCH_SLOTS_H
#define TLSBENCH_SLOTS_H

/* In rank 0, right before the first fork: keys, their owners and values go into the block. */
void slots_survey(void);

/* The slots as the at-fork handlers left them; first thing in a worker. */
void slots_after_fork(void);

/* The slots and objects after the first handshake. */
void slots_after_handshake(void);

#endif
