/*
 * traceroot.c: behind which pthread key or which variable of a library a
 * process has a block of its own, right before its first fork. Whatever looks like the address of
 * a block's begin counts as a pointer to it; the nearest root wins, and among
 * those as near a key.
 */
#include "trace.h"

#include <link.h>
#include <pthread.h>
#include <string.h>

enum { KEYS = 1024, DEPTH = 8 };

static struct trace_block *begins_at(uintptr_t address)
{
	const void *p = (const void *)address;
	struct trace_block *block = trace_contains(p) ? trace_block_at(p) : NULL;

	return block != NULL && block->state == TRACE_LIVE && block->owner == tracer.self && block->address == address
		       ? block
		       : NULL;
}

static void reach(struct trace_block *block, uint32_t root, uint32_t depth)
{
	block->root = root;
	block->depth = depth;
}

/* The block that begins there, if nothing nearer leads to it. */
static struct trace_block *new_at(uintptr_t address)
{
	struct trace_block *block = begins_at(address);

	return block != NULL && block->root == 0 ? block : NULL;
}

static void follow_keys(void)
{
	for (pthread_key_t key = 0; key < KEYS; key++) {
		struct trace_block *block = new_at((uintptr_t)pthread_getspecific(key));

		if (block != NULL)
			reach(block, trace_site_of_key(tracer.record, key) + 1, 1);
	}
}

/* Writable data of the files that are loaded; the program's own is not OpenSSL's. */
static int follow_file(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (info->dlpi_name == NULL || info->dlpi_name[0] == '\0')
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) == 0)
			continue;
		from = (from + sizeof from - 1) & ~(sizeof from - 1);
		for (uintptr_t at = from; at + sizeof at <= info->dlpi_addr + part->p_vaddr + part->p_memsz;
			at += sizeof at) {
			struct trace_block *block = new_at(*(const uintptr_t *)at);

			if (block == NULL)
				continue;
			reach(block, trace_site_of_variable(tracer.record, at, info->dlpi_name, info->dlpi_addr) + 1,
				1);
		}
	}
	return 0;
}

static void follow_block(const struct trace_block *block)
{
	for (uint64_t offset = 0; offset + sizeof(uintptr_t) <= block->size; offset += sizeof(uintptr_t)) {
		struct trace_block *next;
		uintptr_t value;

		memcpy(&value, (const void *)(uintptr_t)(block->address + offset), sizeof value);
		next = new_at(value);
		if (next != NULL)
			reach(next, block->root, block->depth + 1);
	}
}

void trace_survey_roots(void)
{
	follow_keys();
	dl_iterate_phdr(follow_file, NULL);
	for (uint32_t depth = 1; depth < DEPTH; depth++) {
		for (uint32_t i = 0; i < tracer.record->blocks; i++) {
			const struct trace_block *block = &tracer.record->list[i];

			if (block->depth == depth && block->state == TRACE_LIVE && block->owner == tracer.self)
				follow_block(block);
		}
	}
}
