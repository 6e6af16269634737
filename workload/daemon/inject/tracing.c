/*
 * tracing.c: the tracer (trace.c) in a program that knows nothing of it. The
 * memory functions that the program gives to OpenSSL are wrapped, all processes
 * that come of it are numbered in the order of their forks, and the record lies
 * in memory that they share.
 *
 * TLSBENCH_TRACE_RECORD names the record's file: tlsbench reads it. Without it
 * the list is written in words, by the first process at its exit and by any at
 * SIGUSR2, to the file that TLSBENCH_TRACE names or to standard error. The file is
 * replaced whole, if it is a plain file of this user's and no results file.
 */
#include "preload.h"

#include "rig.h"
#include "trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool wanted;
static char list_file[1024]; /* empty: standard error */
static const char *record_file;
static pid_t first; /* process */
static uint32_t next_number;

static void before_fork(void)
{
	if (tracer.record == NULL)
		return;
	next_number = __atomic_fetch_add(&tracer.record->processes, 1, __ATOMIC_RELAXED);
	if (next_number >= TRACE_MAX_WORKERS)
		next_number = TRACE_MAX_WORKERS - 1; /* the last number is all the others' */
	trace_before_fork();
}

static void in_parent(void)
{
	trace_in_parent(next_number);
}

static void in_child(void)
{
	trace_in_child(next_number);
}

/* A daemon goes to another folder. */
static void name_list(const char *name)
{
	char folder[512] = "";

	if (name[0] != '/' && name[0] != '\0' && getcwd(folder, sizeof folder) == NULL)
		FAIL(errno, "find the folder of the list %s", name);
	if ((size_t)snprintf(list_file, sizeof list_file, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name) >=
		sizeof list_file)
		FAIL(0, "the name of the list is too long: %s", name);
}

void tracing_begin(void)
{
	const char *list = getenv("TLSBENCH_TRACE");
	int err;

	record_file = getenv("TLSBENCH_TRACE_RECORD");
	wanted = record_file != NULL || list != NULL || getenv("TLSBENCH_FIELD_STRATEGY") == NULL;
	if (!wanted)
		return;
	first = getpid();
	if (list != NULL)
		name_list(list);
	/* The first to be registered: the last before a fork, the first after it. */
	err = pthread_atfork(before_fork, in_parent, in_child);
	if (err != 0)
		FAIL(err, "register the tracer's fork handlers");
}

static void *shared_memory(size_t size, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0),
		fd, 0);

	if (p == MAP_FAILED)
		FAIL(errno, "map %zu bytes for the tracer", size);
	return p;
}

static int open_record(void)
{
	int fd = record_file != NULL ? open(record_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (record_file != NULL && (fd < 0 || ftruncate(fd, sizeof(struct trace)) != 0))
		FAIL(errno, "make the tracer's record %s", record_file);
	return fd;
}

static int unwritten; /* errno of a piece of the list that could not be written */

/* What the list is written with: it may be in a signal handler. */
static void put(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(int fd, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n > 0 && write(fd, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1) < 0)
		unwritten = errno;
}

static void put_processes(int fd, uint64_t set)
{
	if (set & UINT64_C(1) << TRACE_RANK0)
		put(fd, " %d (the first)", (int)tracer.record->pids[TRACE_RANK0]);
	for (uint32_t i = 0; i < TRACE_MAX_WORKERS; i++) {
		if (set & UINT64_C(1) << i)
			put(fd, " %d", (int)tracer.record->pids[i]);
	}
}

static bool same_words(const struct trace_write *a, const struct trace_write *b)
{
	const struct trace_site *sites = tracer.record->sites;

	return b->count != 0 && a->how == b->how && a->by == b->by &&
	       strcmp(sites[a->site].text, sites[b->site].text) == 0;
}

static void put_block(int fd, const struct trace_block *block)
{
	const struct trace_site *sites = tracer.record->sites;

	put(fd, "%s block of %zu bytes\n  allocated: %s\n", block->verdict == TRACE_RACED ? "raced" : "read-raced",
		(size_t)block->size, sites[block->site].text);
	if (block->root != 0)
		put(fd, "  behind: %s\n", sites[block->root - 1].text);
	put(fd, "  written by processes");
	put_processes(fd, block->plain | block->atomic);
	if (block->verdict == TRACE_READ_RACED) {
		put(fd, ", read by");
		put_processes(fd, block->readers);
	}
	put(fd, "\n");
	for (uint32_t i = 0; i < TRACE_WRITES && block->writes[i].count != 0; i++) {
		const struct trace_write *write = &block->writes[i];
		size_t count = write->count;

		/* Instructions of one function have the same name. */
		for (; i + 1 < TRACE_WRITES && same_words(write, &block->writes[i + 1]); i++)
			count += block->writes[i + 1].count;
		put(fd, "  %s%zu by", block->sampled ? "at least " : "", count);
		put_processes(fd, write->by);
		put(fd, "%s%s%s%s%s%s: %s\n", write->how & TRACE_ATOMIC ? ", atomic" : "",
			write->how & TRACE_LOCKED ? ", locked" : "",
			write->how & TRACE_IN_LOCK ? ", in a lock function" : "",
			write->how & TRACE_FREE ? ", free" : "", write->how & TRACE_KERNEL ? ", system call" : "",
			write->how & TRACE_READ ? ", read" : "", sites[write->site].text);
	}
}

/* Why there is nothing to list; NULL if there is. */
static const char *why_nothing(const struct trace *record)
{
	if (record == NULL)
		return "the program gave OpenSSL no memory functions (CRYPTO_set_mem_functions), so its processes share "
		       "none of OpenSSL's memory";
	if (record->blocks == 0)
		return "OpenSSL allocated nothing with the program's memory functions";
	if (record->forks == 0)
		return "the program forked no process after OpenSSL had its memory functions";
	return NULL;
}

static void put_list(int fd)
{
	const struct trace *record = tracer.record;
	const char *nothing = why_nothing(record);
	uint32_t count[TRACE_READ_RACED + 1] = {0};

	for (uint32_t i = 0; record != NULL && i < record->blocks; i++)
		count[record->list[i].verdict]++;
	if (nothing != NULL) {
		put(fd, "tlsbench-preload: nothing was traced: %s\n", nothing);
		return;
	}
	put(fd, "tlsbench-preload: %u raced and %u read-raced of %u inherited blocks; %u forks, %zu writes seen\n",
		count[TRACE_RACED], count[TRACE_READ_RACED], record->blocks, record->processes, (size_t)record->faults);
	if (record->processes > TRACE_MAX_WORKERS)
		put(fd, "the tracer tells %d processes apart: those forked later count as one\n",
			TRACE_MAX_WORKERS - 1);
	for (uint32_t i = 0; i < record->blocks; i++) {
		if (record->list[i].verdict != TRACE_ALONE)
			put_block(fd, &record->list[i]);
	}
}

/* Why the list must not replace what has its name; NULL if it may. */
static const char *kept(void)
{
	static const char plan[] = "#plan ";
	char begin[sizeof plan] = "";
	struct stat st;
	int fd;

	if (lstat(list_file, &st) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (S_ISDIR(st.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(st.st_mode))
		return "it is not a plain file";
	if (st.st_uid != geteuid())
		return "it belongs to another user";
	fd = open(list_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || read(fd, begin, sizeof plan - 1) < 0)
		return strerror(errno);
	close(fd);
	return strcmp(begin, plan) == 0 ? "it is a results file, which is never replaced" : NULL;
}

/* Writes the file whole or not at all. Why not; NULL if it did. */
static const char *write_file(void)
{
	char fresh[sizeof list_file + 16];
	const char *why = kept();
	int fd;

	if (why != NULL)
		return why;
	snprintf(fresh, sizeof fresh, "%s.%d", list_file, (int)getpid());
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return strerror(errno);
	unwritten = 0;
	put_list(fd);
	close(fd);
	if (unwritten == 0 && rename(fresh, list_file) == 0)
		return NULL;
	why = strerror(unwritten != 0 ? unwritten : errno);
	unlink(fresh);
	return why;
}

static void write_list(void)
{
	const char *why = list_file[0] != '\0' ? write_file() : "";

	if (why == NULL)
		return;
	if (why[0] != '\0')
		SAY("%s: %s; the list follows\n", list_file, why);
	put_list(STDERR_FILENO);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	write_list();
	errno = saved;
	trace_pass_on(number, info, context);
}

/* Programs that OpenSSL is not in, or that the traced one runs, have nothing to say. */
__attribute__((destructor)) static void end(void)
{
	if (wanted && record_file == NULL && getpid() == first && find_openssl())
		write_list();
}

void tracing_wrap(struct allocator *allocator)
{
	static struct trace *record;
	static void *blocks;

	if (!wanted || tracer.self != TRACE_RANK0)
		return;
	if (record == NULL) {
		int fd = open_record();

		record = shared_memory(sizeof *record, fd);
		if (fd >= 0)
			close(fd);
		blocks = shared_memory((size_t)TRACE_PAGES * TRACE_PAGE, -1);
		if (record_file == NULL)
			trace_keep_signal(SIGUSR2, on_signal);
	}
	trace_install(record, blocks, allocator);
	trace_second_pass();
}
