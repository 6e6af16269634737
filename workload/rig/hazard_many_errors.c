/*
 * hazard_many_errors.c: more errors than the queue has room for, by peers that
 * are all bad and by a worker that lets them pile up. OpenSSL keeps the newest
 * 15 in a ring of 16. A worker that puts 40 in must find its own newest 15, in
 * their order; anything else is another process's doing.
 */
#include "hazard.h"
#include "watch.h"

enum { ERRORS = 40, KEPT = 15, REASON = 300 };

static void put(int reason)
{
	if (openssl.ERR_set_error != NULL) {
		openssl.ERR_new();
		openssl.ERR_set_debug("tlsbench-many", rig.worker, "many");
		openssl.ERR_set_error(ERR_LIB_USER, reason, NULL);
	} else {
		ERR_put_error(ERR_LIB_USER, 0, reason, "tlsbench-many", rig.worker);
	}
}

static bool wrap(struct contexts *mine)
{
	(void)mine;
	openssl.ERR_clear_error();
	for (int i = 0; i < ERRORS; i++)
		put(REASON + i);
	for (int i = ERRORS - KEPT; i < ERRORS; i++) {
		int line;
		unsigned long code = openssl_peek_error(&line);

		if (rig.config->check_rate > 0 && ((int)(code & 0xfff) != REASON + i || line != rig.worker)) {
			note_event(EVENT_FOREIGN_ERROR, "full queue: entry %d is reason %lu of worker %d", i,
				code & 0xfff, line);
			break;
		}
		openssl.ERR_get_error();
	}
	while (openssl.ERR_get_error() != 0)
		continue;
	return true;
}

const struct hazard hazard_many_errors = {
	.name = "many-errors",
	.every = 1,
	.each = wrap,
};
