/*
 * detect.h: the active checks, made by a worker between its handshakes, and the
 * exposure of its slots.
 */
#ifndef TLSBENCH_DETECT_H
#define TLSBENCH_DETECT_H

/* One look at the error queue with four random draws. */
void detect_check(void);

/* The slots as the at-fork handlers left them; first thing in a worker. */
void detect_forked(void);

/* The slots and objects after the first handshake. */
void detect_used(void);

#endif
