/*
 * tcp.c: the TCP load. All workers accept on one loopback listener, each serves
 * one connection at a time: handshake, echo until the peer closes, free.
 */
#include "openssl.h"
#include "serve.h"
#include "watch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BACKLOG = 4096, ECHO_MAX = 16384 };

/*
 * Accepted sockets inherit the options. The time limit keeps a worker from
 * waiting for a silent peer for ever, so that whoever stays in one operation
 * for longer is hanging.
 */
static void set_options(int fd)
{
	struct timeval limit = {PEER_TIMEOUT_S, 0};
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
		FAIL(errno, "set socket options");
}

int tcp_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		FAIL(errno, "open socket");
	set_options(fd);
	if (bind(fd, (struct sockaddr *)&address, length) != 0)
		FAIL(errno, "bind 127.0.0.1, any port");
	if (listen(fd, BACKLOG) != 0)
		FAIL(errno, "listen on 127.0.0.1");
	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		FAIL(errno, "read the listener's port");
	rig.block->port = ntohs(address.sin_port);
	return fd;
}

/*
 * A socket that blocks wants more of its peer only when the time limit is over.
 * Call it before the error queue is looked at, which OpenSSL judges by too.
 */
static void count_timeout(const SSL *ssl, int result)
{
	int error = openssl.SSL_get_error(ssl, result);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		bump(&rig.me->timeouts);
}

void tcp_echo(SSL *ssl)
{
	static unsigned char buffer[ECHO_MAX];
	int n;

	while ((n = openssl.SSL_read(ssl, buffer, sizeof buffer)) > 0) {
		int written;

		begin_operation(OP_ECHO);
		watch_look("after a read");
		written = openssl.SSL_write(ssl, buffer, n);
		if (written != n) {
			count_timeout(ssl, written);
			watch_own_errors();
			return;
		}
		watch_look("after a write");
	}
	count_timeout(ssl, n);
	/* A peer that closed in good order is not an error; one that did not may be. */
	if ((openssl.SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
		watch_look("at the end of a connection");
	else
		watch_own_errors();
	if (openssl.SSL_shutdown(ssl) < 0)
		watch_own_errors();
}

int tcp_accept(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (errno == EINVAL) /* shut down by rank 0 */
			return -1;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			FAIL(errno, "accept");
		/* the rest is the peer's doing, or the time limit's */
	}
}

void tcp_serve(int fd, SSL_CTX *ctx)
{
	uint64_t began = now_ns();
	SSL *ssl;
	int result;

	begin_operation(OP_HANDSHAKE);
	watch_look("between two connections");
	openssl.ERR_clear_error();
	ssl = openssl.SSL_new(ctx);
	if (ssl == NULL || openssl.SSL_set_fd(ssl, fd) != 1) {
		count_refusal();
		watch_own_errors();
		openssl.SSL_free(ssl);
		close(fd);
		return;
	}
	openssl.SSL_set_accept_state(ssl);
	watch_look("before a handshake"); /* OpenSSL clears the queue first */
	result = openssl.SSL_do_handshake(ssl);
	if (result == 1) {
		watch_look("after a handshake");
		count_handshake(began);
		begin_operation(OP_ECHO);
		tcp_echo(ssl);
	} else {
		count_timeout(ssl, result);
		count_refusal();
		watch_drain();
	}
	openssl.SSL_free(ssl);
	close(fd);
}
