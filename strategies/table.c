/* The list of the suite's own strategies, as the linker gathered it. */
#include "strategy.h"

#include <string.h>

/* The linker's names for the two ends of a section. */
extern const struct strategy *const __start_tlsbench_strategies[] __attribute__((visibility("hidden")));
extern const struct strategy *const __stop_tlsbench_strategies[] __attribute__((visibility("hidden")));

const struct strategy *strategy_at(size_t i)
{
	size_t n = (size_t)(__stop_tlsbench_strategies - __start_tlsbench_strategies);

	return i < n ? __start_tlsbench_strategies[i] : NULL;
}

const struct strategy *strategy_named(const char *name)
{
	const struct strategy *s;

	for (size_t i = 0; (s = strategy_at(i)) != NULL; i++) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}
