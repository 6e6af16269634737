/*
 * heapclass.h: the size classes of the shared heap. Total sizes: multiples of 16
 * up to 128, then four to each doubling.
 */
#ifndef TLSBENCH_HEAPCLASS_H
#define TLSBENCH_HEAPCLASS_H

#include <stddef.h>

enum { CLASSES = 84, LARGEST = 1 << 26 };

static inline unsigned class_of(size_t total)
{
	unsigned shift;

	if (total <= 128)
		return (unsigned)((total + 15) / 16 - 1);
	shift = (unsigned)(61 - __builtin_clzll(total - 1));
	return 8 + (shift - 5) * 4 + (unsigned)((total - 1) >> shift) - 4;
}

static inline size_t class_size(unsigned class)
{
	if (class < 8)
		return ((size_t)class + 1) * 16;
	return (size_t)(5 + (class - 8) % 4) << ((class - 8) / 4 + 5);
}

#endif
