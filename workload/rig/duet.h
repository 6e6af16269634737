/*
 * duet.h: slices of load, by turns with another rig.
 */
#ifndef TLSBENCH_DUET_H
#define TLSBENCH_DUET_H

/* Before a handshake: waits for a turn, unless one is under way. */
void duet_await(void);
/* After a handshake: ends the turn when it has all that the harness asked for. */
void duet_pass(void);

#endif
