/*
 * forkmemory.h: what a fork has to copy: the private memory of the process that
 * forks, and the size of its pages.
 */
#ifndef TLSBENCH_FORKMEMORY_H
#define TLSBENCH_FORKMEMORY_H

/*
 * Pins transparent huge pages for this process: with them a page table has one
 * entry where it else has 512, and a fork copies as many fewer. To be called
 * before there is memory to speak of.
 */
void fork_memory_pin(void);

/*
 * Brings the private memory up to the size wanted, and notes what there is now
 * of it and of huge pages.
 */
void fork_memory_fill(void);

/* Makes the filled keys besides OpenSSL's that the configuration asks for. */
void fork_keys_fill(void);

#endif
