/*
 * hazard_handoff.c: connections that cross processes, which is what the shared
 * heap is for. One worker accepts and shakes hands, the next one serves, a third
 * frees. As in Kamailio the descriptor travels over a socket and whoever works
 * on the SSL holds the connection's own lock. With the memory load both ends of
 * the connection travel.
 */
#include "hazard.h"
#include "heap.h"
#include "lock.h"
#include "pair.h"
#include "serve.h"
#include "watch.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUIET_MS = 100 }; /* so long without a message at the end of the load: there are no more */

/* In the shared heap, as the SSL is. */
struct connection {
	struct lock lock;
	struct pair pair; /* tcp: the server's end alone */
	uint32_t shook, served;
};

struct message {
	struct connection *connection;
	uint32_t serve; /* else: free */
};

static int (*mailboxes)[2]; /* by worker: read end, write end */

static bool prepare(struct contexts *all)
{
	(void)all;
	mailboxes = calloc(rig.config->workers, sizeof *mailboxes);
	if (mailboxes == NULL)
		FAIL(errno, "allocate mailboxes of %u workers", rig.config->workers);
	for (uint32_t i = 0; i < rig.config->workers; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, mailboxes[i]) != 0)
			FAIL(errno, "open mailbox of worker %u", i);
	}
	return true;
}

/* A message with a descriptor, or with none (-1). */
union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static bool try_send(int to, const struct message *message, int fd)
{
	struct iovec part = {(void *)(uintptr_t)message, sizeof *message};
	union control control = {.room = {0}};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		header.msg_control = control.room;
		header.msg_controllen = sizeof control.room;
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	if (sendmsg(to, &header, MSG_NOSIGNAL) >= 0)
		return true; /* whole: the mailboxes keep messages apart */
	if (errno != EAGAIN && errno != EINTR && errno != ETOOMANYREFS)
		FAIL(errno, "pass a connection on");
	return false;
}

static bool receive(struct message *message, int *fd)
{
	struct iovec part = {message, sizeof *message};
	union control control;
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
	struct cmsghdr *c;

	if (recvmsg(mailboxes[rig.worker][0], &header, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof *message)
		return false;
	*fd = -1;
	c = CMSG_FIRSTHDR(&header);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return true;
}

static bool handle_one(void);

/* Whoever waits for room in another's mailbox empties its own meanwhile. */
static void pass_on(struct connection *connection, bool serve, int fd)
{
	uint32_t next = ((uint32_t)rig.worker + 1) % rig.config->workers;
	struct message message = {connection, serve};

	begin_operation(OP_IDLE);
	while (!try_send(mailboxes[next][1], &message, fd)) {
		struct pollfd fds[] = {{.fd = mailboxes[rig.worker][0], .events = POLLIN},
			{.fd = mailboxes[next][1], .events = POLLOUT}};

		poll(fds, 2, QUIET_MS);
		handle_one();
	}
	if (fd >= 0)
		close(fd);
}

static void serve_here(struct connection *c, int fd)
{
	begin_operation(OP_ECHO);
	lock_take(&c->lock, rig.pid);
	if (fd >= 0) {
		if (openssl.SSL_set_fd(c->pair.server, fd) == 1)
			tcp_echo(c->pair.server);
	} else if (!pair_echo(&c->pair, (uint64_t)(uintptr_t)c)) {
		note_event(EVENT_WRONG_DATA, "echo of a connection from another worker: %s", openssl_error());
		watch_own_errors();
	}
	c->served = rig.pid;
	lock_give(&c->lock);
	if (fd >= 0)
		close(fd);
	pass_on(c, false, -1);
}

static void free_here(struct connection *c)
{
	begin_operation(OP_ECHO);
	lock_take(&c->lock, rig.pid);
	pair_close(&c->pair);
	lock_give(&c->lock);
	if (c->shook != c->served && c->served != rig.pid && c->shook != rig.pid)
		hazard_acted("handoff");
	heap_allocator.free(c, __FILE__, __LINE__);
}

static bool handle_one(void)
{
	struct message message;
	int fd;

	if (!receive(&message, &fd))
		return false;
	openssl.ERR_clear_error();
	if (message.serve)
		serve_here(message.connection, fd);
	else
		free_here(message.connection);
	return true;
}

static struct connection *new_connection(void)
{
	struct connection *c = heap_allocator.malloc(sizeof *c, __FILE__, __LINE__);

	if (c == NULL)
		FAIL(ENOMEM, "allocate a connection in the shared heap");
	memset(c, 0, sizeof *c);
	c->shook = rig.pid;
	return c;
}

static void drop(struct connection *c, int fd)
{
	bump(&rig.me->refused);
	watch_drain();
	pair_close(&c->pair);
	heap_allocator.free(c, __FILE__, __LINE__);
	if (fd >= 0)
		close(fd);
}

static void shake_tcp(int fd, SSL_CTX *ctx)
{
	struct connection *c = new_connection();
	uint64_t began = now_ns();
	bool good;

	begin_operation(OP_HANDSHAKE);
	openssl.ERR_clear_error();
	lock_take(&c->lock, rig.pid);
	c->pair.server = openssl.SSL_new(ctx);
	good = c->pair.server != NULL && openssl.SSL_set_fd(c->pair.server, fd) == 1;
	if (good) {
		openssl.SSL_set_accept_state(c->pair.server);
		good = openssl.SSL_do_handshake(c->pair.server) == 1;
	}
	lock_give(&c->lock);
	if (!good) {
		drop(c, fd);
		return;
	}
	count_handshake(began);
	pass_on(c, true, fd);
}

static void shake_memory(struct contexts *mine)
{
	struct connection *c = new_connection();
	uint64_t began = now_ns();
	bool good;

	begin_operation(OP_HANDSHAKE);
	openssl.ERR_clear_error();
	lock_take(&c->lock, rig.pid);
	good = pair_open(&c->pair, mine->server, mine->clients[CLIENT_GOOD]) && pair_shake(&c->pair);
	lock_give(&c->lock);
	if (!good) {
		note_event(EVENT_FAILED_HANDSHAKE, "good peer: %s", openssl_error());
		drop(c, -1);
		return;
	}
	count_handshake(began);
	pass_on(c, true, -1);
}

/* Until no one sends anything more. */
static void empty_mailbox(void)
{
	struct pollfd mailbox = {.fd = mailboxes[rig.worker][0], .events = POLLIN};

	for (;;) {
		begin_operation(OP_IDLE);
		if (poll(&mailbox, 1, QUIET_MS) <= 0)
			return;
		handle_one();
	}
}

static void serve_tcp(int listener, struct contexts *mine)
{
	struct pollfd fds[] = {{.fd = mailboxes[rig.worker][0], .events = POLLIN}, {.fd = listener, .events = POLLIN}};

	/* All poll: who comes second must not wait. The flag is every worker's. */
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
	for (;;) {
		int fd;

		begin_operation(OP_IDLE);
		poll(fds, 2, -1);
		follow_phase();
		while (handle_one())
			continue;
		if (fds[1].revents == 0)
			continue;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno == EINVAL) /* shut down by rank 0 */
			return;
		if (fd < 0)
			continue;
		shake_tcp(fd, mine->server);
		after_handshake(mine);
	}
}

static void serve_memory(struct contexts *mine)
{
	while (follow_phase() < PHASE_DRAIN && memory_ticket_left()) {
		shake_memory(mine);
		while (handle_one())
			continue;
		after_handshake(mine);
	}
}

static void serve(int listener, struct contexts *mine)
{
	if (rig.config->load == LOAD_TCP)
		serve_tcp(listener, mine);
	else
		serve_memory(mine);
	empty_mailbox();
	follow_phase();
}

const struct hazard hazard_handoff = {
	.name = "handoff",
	.after_setup = prepare,
	.serve = serve,
};
