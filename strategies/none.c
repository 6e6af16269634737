/*
 * none: workers inherit rank 0's slots as they are. The positive control: a
 * rig in which this one is not damaged cannot show that another is safe.
 */
#include "strategy.h"

STRATEGY(none) = {
	.abi = STRATEGY_ABI,
	.name = "none",
};
