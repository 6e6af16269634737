/*
 * hazard_long_lived.c: connections that stay open and are written to between
 * other handshakes, as phones keep theirs. Their state is old by the time it is
 * used again.
 */
#include "hazard.h"
#include "pair.h"

enum { OPEN_MAX = 64 };

static struct pair open_pairs[OPEN_MAX];
static uint64_t echoes[OPEN_MAX];
static SSL_CTX *client;

static bool use(struct contexts *mine, int i)
{
	struct pair *pair = &open_pairs[i];
	bool fresh = pair->client == NULL;

	if (client == NULL)
		client = contexts_client();
	openssl.ERR_clear_error();
	if (fresh && (!pair_open(pair, mine->server, client) || !pair_shake(pair))) {
		note_event(EVENT_FAILED_HANDSHAKE, "long-lived connection %d: %s", i, openssl_error());
		pair_close(pair);
		return false;
	}
	echoes[i] = fresh ? 1 : echoes[i] + 1;
	if (!pair_echo(pair, echoes[i])) {
		note_event(EVENT_WRONG_DATA, "long-lived connection %d, echo %llu: %s", i,
			(unsigned long long)echoes[i], openssl_error());
		pair_close(pair);
		return false;
	}
	return !fresh;
}

static bool use_all(struct contexts *mine)
{
	int64_t n = hazard_number("long-lived", "n", 8);
	bool lived = false;

	for (int i = 0; i < n && i < OPEN_MAX; i++)
		lived = use(mine, i) || lived;
	return lived;
}

const struct hazard hazard_long_lived = {
	.name = "long-lived",
	.every = 4,
	.each = use_all,
};
