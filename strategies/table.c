/* The list of the suite's own strategies, as the linker gathered it. */
#include "strategy.h"

#include <string.h>

/* The linker's names for the two ends of a section. */
extern const struct strategy *const __start_tlsbench_strategies[] __attribute__((visibility("hidden")));
extern const struct strategy *const __stop_tlsbench_strategies[] __attribute__((visibility("hidden")));

const struct strategy *strategy_named(const char *name)
{
	for (const struct strategy *const *s = __start_tlsbench_strategies; s < __stop_tlsbench_strategies; s++) {
		if (strcmp((*s)->name, name) == 0)
			return *s;
	}
	return NULL;
}
