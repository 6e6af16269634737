/*
 * detect.h: the active checks, made by a worker between its handshakes, and the
 * exposure of its slots.
 */
#ifndef TLSBENCH_DETECT_H
#define TLSBENCH_DETECT_H

#include <stdbool.h>

/* One look at the error queue with four random draws. */
void detect_check(void);

/*
 * From the end of a check on the queue must stay empty as long as all goes well:
 * these look at it where OpenSSL, or the daemon, is about to clear it unseen.
 * Without active checks they do nothing.
 */
void detect_look(const char *when);

/* Something failed, or a neighbour was called: entries may be this worker's own. */
void detect_own_errors(void);

/* Empties the queue after a refused peer, as a daemon does when it logs. */
void detect_drain(void);

/*
 * The heap frees a block that another worker took (-1: rank 0). From 3.0 on an
 * entry's texts lie in the heap, and go with it: so an entry of another process
 * that OpenSSL clears itself, in the middle of a call, shows all the same.
 */
void detect_freed(int owner, const char *file);

/* An entry of another process was seen in the middle of a call. */
void detect_passing(unsigned long code);

/* Whether an entry is a marker of this worker. */
bool detect_is_mine(unsigned long code);

/* For faults: puts a worker's marker in, or an error of OpenSSL's own if -1. */
void detect_put(int worker);

/* Whether a marker of this worker is in its queue. */
bool detect_mine(void);

/* The slots as the at-fork handlers left them; first thing in a worker. */
void detect_forked(void);

/* The slots and objects after the first handshake. */
void detect_used(void);

#endif
