/*
 * hazard_rank0_client.c: a module of rank 0 makes a real TLS connection at start,
 * as database modules do, in the main thread and not under the strategy's care.
 * wrapped=1 passes it through the strategy's initialising hook, as Kamailio 5.8
 * did for the modules that it knew.
 */
#include "hazard.h"
#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(long port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		FAIL(errno, "rank 0's client: open socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		FAIL(errno, "rank 0's client: connect to 127.0.0.1:%ld", port);
	return fd;
}

static void request(void *done)
{
	static const char get[] = "GET /rank0-client HTTP/1.0\r\n\r\n";
	char answer[1024] = "";
	SSL_CTX *ctx = contexts_client();
	SSL *ssl = openssl.SSL_new(ctx);
	int fd = dial(strtol(hazard_text("tls-port"), NULL, 10));

	if (ssl == NULL || openssl.SSL_set_fd(ssl, fd) != 1)
		FAIL(0, "rank 0's client: %s", openssl_error());
	openssl.SSL_set_connect_state(ssl);
	if (openssl.SSL_do_handshake(ssl) != 1 || openssl.SSL_write(ssl, get, sizeof get - 1) <= 0 ||
		openssl.SSL_read(ssl, answer, sizeof answer - 1) <= 0)
		FAIL(0, "rank 0's client: %s", openssl_error());
	if (strncmp(answer, "HTTP/1.", 7) != 0)
		FAIL(0, "rank 0's client: the server answered %.40s", answer);
	openssl.SSL_shutdown(ssl);
	openssl.SSL_free(ssl);
	openssl.SSL_CTX_free(ctx);
	close(fd);
	*(bool *)done = true;
}

static bool connect_out(struct contexts *all)
{
	bool done = false;

	(void)all;
	signal(SIGPIPE, SIG_IGN); /* as every daemon does */
	if (hazard_number("rank0-client", "wrapped", 0) != 0)
		host_initialise(request, &done);
	else
		request(&done);
	return done;
}

const struct hazard hazard_rank0_client = {
	.name = "rank0-client",
	.after_setup = connect_out,
};
