/*
 * hazard_atfork_user.c: another library's at-fork handler uses OpenSSL. Prepare
 * handlers run in the reverse order of their registration, child handlers in
 * its order. A prepare handler that was registered before the strategy's runs
 * after it, and fills the slots again that the strategy has emptied; a child
 * handler registered before runs while the slots are still rank 0's.
 */
#include "hazard.h"

#include <pthread.h>

static uint64_t uses;

static void use_openssl(void)
{
	unsigned char bytes[16];

	if (openssl.RAND_bytes(bytes, sizeof bytes) != 1 || openssl.RAND_priv_bytes(bytes, sizeof bytes) != 1)
		note_event(EVENT_FAILED_HANDSHAKE, "an at-fork handler draws: %s", openssl_error());
	openssl.ERR_clear_error();
	uses++;
}

static bool enrol(void)
{
	bool in_child = hazard_number("atfork-user", "side", 0) != 0;
	int err = in_child ? pthread_atfork(NULL, NULL, use_openssl) : pthread_atfork(use_openssl, NULL, NULL);

	if (err != 0)
		FAIL(err, "register the library's at-fork handler");
	return false; /* it has not been called yet */
}

static bool before(void)
{
	return hazard_number("atfork-user", "order", 0) == 0 && enrol();
}

static bool after(struct contexts *all)
{
	(void)all;
	return hazard_number("atfork-user", "order", 0) != 0 && enrol();
}

static bool was_called(void)
{
	return uses > 0;
}

const struct hazard hazard_atfork_user = {
	.name = "atfork-user",
	.before_setup = before,
	.after_setup = after,
	.in_worker = was_called,
};
