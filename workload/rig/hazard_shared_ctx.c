/*
 * hazard_shared_ctx.c: one SSL_CTX for all workers. What OpenSSL keeps in it
 * behind its own locks is then shared by processes; the private key's RSA
 * blinding, for one, is given to the thread that asks first, and threads are
 * told apart by a value that forked processes have in common.
 */
#include "hazard.h"

static bool share(struct contexts *all)
{
	for (uint32_t i = 1; i < rig.config->workers; i++) {
		openssl.SSL_CTX_free(all[i].server);
		all[i].server = all[0].server;
	}
	return rig.config->workers > 1;
}

const struct hazard hazard_shared_ctx = {
	.name = "shared-ctx",
	.after_setup = share,
};
