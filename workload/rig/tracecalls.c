/*
 * tracecalls.c: system calls that get a buffer in a traced block would fail with
 * EFAULT, as the kernel raises no signal for them. The functions that OpenSSL
 * makes them through are defined anew: the buffer is noted and opened around the
 * call. And whoever takes the tracer's signals away is told at once.
 */
#include "rig.h"
#include "trace.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static void *next_function(void **next, const char *name)
{
	if (*next == NULL)
		*next = dlsym(RTLD_NEXT, name);
	return *next;
}

/* BUFFER defines a function of the C library whose arguments p and n are a buffer. */
#define BUFFER(type, name, writes, parameters, arguments)                                       \
	type name parameters                                                                    \
	{                                                                                       \
		static void *found;                                                             \
		type(*next) parameters = (type(*) parameters)next_function(&found, #name);      \
		uint32_t opened;                                                                \
		type result;                                                                    \
                                                                                                \
		if (next == NULL) {                                                             \
			errno = ENOSYS;                                                         \
			return -1;                                                              \
		}                                                                               \
		opened = trace_kernel_opens(p, (size_t)n, writes, __builtin_return_address(0)); \
		result = next arguments;                                                        \
		trace_kernel_closes(opened);                                                    \
		return result;                                                                  \
	}

BUFFER(ssize_t, read, true, (int fd, void *p, size_t n), (fd, p, n))
BUFFER(ssize_t, write, false, (int fd, const void *p, size_t n), (fd, p, n))
BUFFER(ssize_t, recv, true, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
BUFFER(ssize_t, send, false, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
BUFFER(ssize_t, getrandom, true, (void *p, size_t n, unsigned flags), (p, n, flags))
BUFFER(int, getentropy, true, (void *p, size_t n), (p, n))

static void refuse_handler(int signal, const void *caller)
{
	Dl_info info;
	const char *file = dladdr(caller, &info) != 0 && info.dli_fname != NULL ? info.dli_fname : "?";
	const char *slash = strrchr(file, '/');

	FAIL(0, "%s installs a handler for signal %d (%s), which the tracer needs", slash != NULL ? slash + 1 : file,
		signal, strsignal(signal));
}

static bool is_tracers(int signal)
{
	return trace_on && (signal == SIGSEGV || signal == SIGTRAP);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	static void *found;
	int (*next)(int, const struct sigaction *, struct sigaction *) =
		(int (*)(int, const struct sigaction *, struct sigaction *))next_function(&found, "sigaction");

	if (next == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if (action != NULL && is_tracers(number) && action->sa_handler != SIG_DFL)
		refuse_handler(number, __builtin_return_address(0));
	return next(number, action, before);
}

sighandler_t signal(int number, sighandler_t handler)
{
	static void *found;
	sighandler_t (*next)(int, sighandler_t) = (sighandler_t(*)(int, sighandler_t))next_function(&found, "signal");

	if (next == NULL) {
		errno = ENOSYS;
		return SIG_ERR;
	}
	if (is_tracers(number) && handler != SIG_DFL)
		refuse_handler(number, __builtin_return_address(0));
	return next(number, handler);
}
