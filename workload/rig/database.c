/* database.c: see database.h. */
#include "database.h"

#include "hazard.h"
#include "neighbour.h"

#include <signal.h>
#include <stdio.h>

enum { LIMIT_MS = 10000, QUERIES = 16 /* on one connection */ };

static void *connect_as(struct database *d, const char *who, char *said, size_t size)
{
	char server[32];

	snprintf(server, sizeof server, "%s-server", d->library);
	return d->connect(hazard_text(server), who, said, size);
}

bool database_start(struct database *d)
{
	char said[96];
	void *connection;

	d->load(neighbour_open(d->library));
	signal(SIGPIPE, SIG_IGN);
	connection = connect_as(d, "tlsbench-rank0", said, sizeof said);
	if (connection == NULL)
		FAIL(0, "%s in rank 0: %s", d->library, said);
	if (!d->ask(connection, said, sizeof said))
		FAIL(0, "%s in rank 0: the server said %s", d->library, said);
	d->close(connection);
	hazard_introduce("%s %s, %s", d->library, d->version(), said);
	return true;
}

static void hang_up(struct database *d)
{
	d->close(d->connection);
	d->connection = NULL;
	d->queries = 0;
}

static bool work(void *arg)
{
	struct database *d = arg;
	char said[96];

	if (d->connection == NULL) {
		char who[32];

		snprintf(who, sizeof who, "tlsbench-worker-%d", rig.worker);
		d->connection = connect_as(d, who, said, sizeof said);
	}
	if (d->connection == NULL) {
		neighbour_complain("%s: %s", d->library, said);
		return true;
	}
	if (!d->ask(d->connection, said, sizeof said)) {
		neighbour_complain("%s: the server said %s", d->library, said);
		hang_up(d);
	} else if (++d->queries >= QUERIES) {
		hang_up(d);
	}
	return true;
}

bool database_query(struct database *d)
{
	char what[48];

	snprintf(what, sizeof what, "%s's query", d->library);
	return neighbour_call(what, false, LIMIT_MS, work, d);
}
