/* The suite's own strategies, in the order of tables and figures. */
#include "strategy.h"

extern const struct strategy strategy_none;
extern const struct strategy strategy_temp_thread;
extern const struct strategy strategy_clear_0_15;
extern const struct strategy strategy_hwm;
extern const struct strategy strategy_thread_stop;
extern const struct strategy strategy_pointer_match;
extern const struct strategy strategy_key_owner;

const struct strategy *const tlsbench_strategies[] = {
	&strategy_none,
	&strategy_temp_thread,
	&strategy_clear_0_15,
	&strategy_hwm,
	&strategy_thread_stop,
	&strategy_pointer_match,
	&strategy_key_owner,
	NULL,
};
