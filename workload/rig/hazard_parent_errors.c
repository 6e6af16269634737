/*
 * hazard_parent_errors.c: rank 0 has an error of its own in its queue when it
 * forks, and looks for it afterwards. A fix that empties rank 0's state before
 * each fork loses it: whatever rank 0 was about to report has no reason any more.
 */
#include "hazard.h"

static SSL_CTX *own;
static unsigned long mine; /* the error that rank 0 left, as OpenSSL codes it */

static void leave_error(void)
{
	static const unsigned char garbage[] = "no certificate";

	openssl.ERR_clear_error();
	openssl.SSL_CTX_use_certificate_ASN1(own, (int)sizeof garbage, garbage);
	mine = openssl.ERR_peek_error();
}

static bool before_first_fork(struct contexts *all)
{
	(void)all;
	own = contexts_server();
	leave_error();
	return mine != 0;
}

static bool between(int next)
{
	unsigned long now = openssl.ERR_peek_error();

	(void)next;
	if (now != mine)
		note_event(EVENT_BROKEN_NEIGHBOUR, "rank 0's own error %lx is gone after a fork: %lx", mine, now);
	leave_error();
	return mine != 0;
}

const struct hazard hazard_parent_errors = {
	.name = "parent-errors",
	.after_setup = before_first_fork,
	.between_forks = between,
};
