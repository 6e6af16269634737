/*
 * tracecalls.c: system calls that get a buffer in a traced block would fail with
 * EFAULT, as the kernel raises no signal for them. The functions that OpenSSL
 * makes them through are defined anew: the buffer is noted and opened around the
 * call. And whoever takes the tracer's signals away is told at once, or cannot
 * block them.
 */
#include "rig.h"
#include "trace.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void *next_function(void **next, const char *name)
{
	if (*next == NULL)
		*next = dlsym(RTLD_NEXT, name);
	return *next;
}

static void open_buffers(const struct iovec *list, size_t n, bool writes, const void *caller)
{
	for (size_t i = 0; i < n; i++)
		trace_kernel_opens(list[i].iov_base, list[i].iov_len, writes, caller);
}

static void close_buffers(const struct iovec *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trace_kernel_closes(list[i].iov_base);
}

/*
 * CALL defines a function of the C library anew, one that the kernel gets buffers
 * from; error is what it returns without the next one.
 */
#define CALL(type, error, name, parameters, arguments, opens, closes)                      \
	type name parameters                                                               \
	{                                                                                  \
		static void *found;                                                        \
		type(*next) parameters = (type(*) parameters)next_function(&found, #name); \
		const void *caller = __builtin_return_address(0);                          \
		type result;                                                               \
                                                                                           \
		if (next == NULL) {                                                        \
			errno = ENOSYS;                                                    \
			return error;                                                      \
		}                                                                          \
		opens;                                                                     \
		result = next arguments;                                                   \
		closes;                                                                    \
		return result;                                                             \
	}

/* The buffer is p and n. */
#define BUFFER(type, name, writes, parameters, arguments)                                             \
	CALL(type, -1, name, parameters, arguments, trace_kernel_opens(p, (size_t)n, writes, caller), \
		trace_kernel_closes(p))
/* There are n buffers, listed. */
#define BUFFERS(name, writes, parameters, arguments, list, n)                                           \
	CALL(ssize_t, -1, name, parameters, arguments, open_buffers(list, (size_t)(n), writes, caller), \
		close_buffers(list, (size_t)(n)))

BUFFER(ssize_t, read, true, (int fd, void *p, size_t n), (fd, p, n))
BUFFER(ssize_t, write, false, (int fd, const void *p, size_t n), (fd, p, n))
BUFFER(ssize_t, pread, true, (int fd, void *p, size_t n, off_t from), (fd, p, n, from))
BUFFER(ssize_t, pread64, true, (int fd, void *p, size_t n, off64_t from), (fd, p, n, from))
BUFFER(ssize_t, pwrite, false, (int fd, const void *p, size_t n, off_t to), (fd, p, n, to))
BUFFER(ssize_t, pwrite64, false, (int fd, const void *p, size_t n, off64_t to), (fd, p, n, to))
BUFFER(ssize_t, recv, true, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
BUFFER(ssize_t, send, false, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
BUFFER(ssize_t, recvfrom, true, (int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *length),
	(fd, p, n, flags, from, length))
BUFFER(ssize_t, sendto, false,
	(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t length),
	(fd, p, n, flags, to, length))
BUFFER(ssize_t, getrandom, true, (void *p, size_t n, unsigned flags), (p, n, flags))
BUFFER(int, getentropy, true, (void *p, size_t n), (p, n))
BUFFER(int, connect, false, (int fd, const struct sockaddr *p, socklen_t n), (fd, p, n))
BUFFER(int, bind, false, (int fd, const struct sockaddr *p, socklen_t n), (fd, p, n))
BUFFERS(readv, true, (int fd, const struct iovec *list, int n), (fd, list, n), list, n)
BUFFERS(writev, false, (int fd, const struct iovec *list, int n), (fd, list, n), list, n)
BUFFERS(recvmsg, true, (int fd, struct msghdr *message, int flags), (fd, message, flags), message->msg_iov,
	message->msg_iovlen)
BUFFERS(sendmsg, false, (int fd, const struct msghdr *message, int flags), (fd, message, flags), message->msg_iov,
	message->msg_iovlen)
/* A stream hands large pieces, and all where it has no buffer, to the kernel as they are. */
CALL(size_t, 0, fread, (void *p, size_t size, size_t n, FILE *stream), (p, size, n, stream),
	trace_kernel_opens(p, size *n, true, caller), trace_kernel_closes(p))
CALL(size_t, 0, fwrite, (const void *p, size_t size, size_t n, FILE *stream), (p, size, n, stream),
	trace_kernel_opens(p, size *n, false, caller), trace_kernel_closes(p))

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

/* A fault while its signal is blocked ends the process. */
static void leave_open(sigset_t *mask)
{
	if (tracer.record == NULL)
		return;
	sigdelset(mask, SIGSEGV);
	sigdelset(mask, SIGTRAP);
}

/* MASK defines a function anew that blocks signals; error is what it returns without the next one. */
#define MASK(name, error)                                                                         \
	int name(int how, const sigset_t *mask, sigset_t *before)                                 \
	{                                                                                         \
		static void *found;                                                               \
		int (*next)(int, const sigset_t *, sigset_t *) =                                  \
			(int (*)(int, const sigset_t *, sigset_t *))next_function(&found, #name); \
		sigset_t changed;                                                                 \
                                                                                                  \
		if (next == NULL) {                                                               \
			errno = ENOSYS;                                                           \
			return error;                                                             \
		}                                                                                 \
		if (mask == NULL || how == SIG_UNBLOCK)                                           \
			return next(how, mask, before);                                           \
		changed = *mask;                                                                  \
		leave_open(&changed);                                                             \
		return next(how, &changed, before);                                               \
	}

MASK(sigprocmask, -1)
MASK(pthread_sigmask, ENOSYS)

static int kept;                /* a signal, 0: none */
static struct sigaction theirs; /* the program's handler of it */

void trace_keep_signal(int number, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigfillset(&ours.sa_mask);
	sigdelset(&ours.sa_mask, SIGSEGV);
	sigdelset(&ours.sa_mask, SIGTRAP);
	if (sigaction(number, &ours, &theirs) != 0)
		FAIL(errno, "handle signal %d", number);
	kept = number;
}

void trace_pass_on(int number, siginfo_t *info, void *context)
{
	if (theirs.sa_flags & SA_SIGINFO)
		theirs.sa_sigaction(number, info, context);
	else if (theirs.sa_handler != SIG_DFL && theirs.sa_handler != SIG_IGN)
		theirs.sa_handler(number);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	static void *found;
	int (*next)(int, const struct sigaction *, struct sigaction *) =
		(int (*)(int, const struct sigaction *, struct sigaction *))next_function(&found, "sigaction");
	struct sigaction changed;

	if (next == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if (number == kept && number != 0) {
		if (before != NULL)
			*before = theirs;
		if (action != NULL)
			theirs = *action;
		return 0;
	}
	if (action == NULL)
		return next(number, action, before);
	if (is_tracers(number) && action->sa_handler != SIG_DFL)
		refuse_handler(number, __builtin_return_address(0));
	changed = *action;
	if (!is_tracers(number))
		leave_open(&changed.sa_mask);
	return next(number, &changed, before);
}

sighandler_t signal(int number, sighandler_t handler)
{
	static void *found;
	sighandler_t (*next)(int, sighandler_t) = (sighandler_t(*)(int, sighandler_t))next_function(&found, "signal");

	if (next == NULL) {
		errno = ENOSYS;
		return SIG_ERR;
	}
	if (number == kept && number != 0) {
		sighandler_t was = theirs.sa_handler;

		theirs = (struct sigaction){.sa_handler = handler};
		return was;
	}
	if (is_tracers(number) && handler != SIG_DFL)
		refuse_handler(number, __builtin_return_address(0));
	return next(number, handler);
}
