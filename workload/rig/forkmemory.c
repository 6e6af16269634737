/* forkmemory.c: see forkmemory.h. */
#include "forkmemory.h"

#include "rig.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20 };

void fork_memory_pin(void)
{
	if (!rig.config->fork.huge_pages && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
		FAIL(errno, "switch transparent huge pages off for rank 0");
}

static bool kib_of(const char *text, uint64_t *kib)
{
	char *end;

	*kib = strtoull(text, &end, 10);
	return end != text;
}

/* A value in KiB of /proc/self/NAME, in bytes. */
static uint64_t kernel_count(const char *path, const char *field)
{
	FILE *file = fopen(path, "re");
	uint64_t kib = 0;
	char line[256];
	bool found = false;

	if (file == NULL)
		FAIL(errno, "open %s", path);
	while (!found && fgets(line, sizeof line, file) != NULL) {
		size_t n = strlen(field);

		found = strncmp(line, field, n) == 0 && line[n] == ':' && kib_of(line + n + 1, &kib);
	}
	fclose(file);
	if (!found)
		FAIL(0, "%s has no line %s", path, field);
	return kib * 1024;
}

static uint64_t private_bytes(void)
{
	return kernel_count("/proc/self/status", "RssAnon");
}

/* Memory that is there for its size alone; each page holds something. */
static void take(uint64_t bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL(errno, "map %" PRIu64 " MiB of private memory for rank 0", bytes >> 20);
	/* MADV_HUGEPAGE is refused by a kernel built without; the count below shows it. */
	if (rig.config->fork.huge_pages)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	for (uint64_t at = 0; at < bytes; at += (uint64_t)page)
		p[at] = 1;
}

void fork_memory_fill(void)
{
	struct fork_state *state = &rig.block->fork;
	uint64_t wanted = rig.config->fork.memory;
	uint64_t have = private_bytes();

	if (wanted != 0 && have > wanted)
		FAIL(0,
			"rank 0 has %" PRIu64 " KiB of private memory already: choose more than the %" PRIu64
			" KiB asked for",
			have >> 10, wanted >> 10);
	if (wanted > have)
		take(wanted - have);
	state->private_bytes = private_bytes();
	state->huge_bytes = kernel_count("/proc/self/smaps_rollup", "AnonHugePages");
	if (rig.config->fork.huge_pages && wanted >= have + (uint64_t)2 * HUGE_PAGE && state->huge_bytes == 0)
		FAIL(0, "the kernel gives no transparent huge pages: see /sys/kernel/mm/transparent_hugepage/enabled");
}

void fork_keys_fill(void)
{
	static char values[MAX_FORK_KEYS];
	pthread_key_t key;

	for (uint32_t i = 0; i < rig.config->fork.keys && i < MAX_FORK_KEYS; i++) {
		int err = pthread_key_create(&key, NULL);

		if (err == 0)
			err = pthread_setspecific(key, &values[i]);
		if (err != 0)
			FAIL(err, "fill key %u of %u", i + 1, rig.config->fork.keys);
	}
}
