/*
 * host.h: the host of the strategy under test: finds it, gives it its context,
 * and calls it at its five points.
 */
#ifndef TLSBENCH_HOST_H
#define TLSBENCH_HOST_H

/* Finds the strategy by name, or loads the user's shared object. */
void host_load(void);

/* Ends the trial as not applicable if OpenSSL lacks what the strategy needs. */
void host_check_needs(void);

/* Runs fn as the strategy wants functions run that may initialise OpenSSL. */
void host_initialise(void (*fn)(void *arg), void *arg);

/* After set-up: the strategy's own set-up, then its at-fork handlers. */
void host_after_setup(void);

#endif
