/*
 * hazard_postgres.c: real libpq to a real PostgreSQL, with TLS: a connection in
 * rank 0 at start, as database modules make one to check their tables, and in
 * each worker a connection of its own that is made anew after some queries. The
 * server itself is asked whether the session is one with TLS.
 */
#include "hazard.h"
#include "neighbour.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct connection PGconn;
typedef struct result PGresult;

#define LIBPQ(FUNCTION)                                            \
	FUNCTION(int, PQlibVersion, (void))                        \
	FUNCTION(PGconn *, PQconnectdb, (const char *))            \
	FUNCTION(int, PQstatus, (const PGconn *))                  \
	FUNCTION(char *, PQerrorMessage, (const PGconn *))         \
	FUNCTION(PGresult *, PQexec, (PGconn *, const char *))     \
	FUNCTION(int, PQresultStatus, (const PGresult *))          \
	FUNCTION(int, PQntuples, (const PGresult *))               \
	FUNCTION(char *, PQgetvalue, (const PGresult *, int, int)) \
	FUNCTION(void, PQclear, (PGresult *))                      \
	FUNCTION(void, PQfinish, (PGconn *))

#define MEMBER(result, name, arguments) result(*name) arguments;
#define LOAD(result, name, arguments) pq.name = (result(*) arguments)neighbour_symbol(library, #name);

static struct {
	LIBPQ(MEMBER)
} pq;

enum { CONNECTION_OK = 0, TUPLES_OK = 2, LIMIT_MS = 10000, QUERIES = 16 /* on one connection */ };

static const char query[] =
	"SELECT ssl::text || ' ' || coalesce(version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

static PGconn *connection;
static int queries;

static PGconn *connect_as(const char *who)
{
	char info[1024];

	snprintf(info, sizeof info, "%s application_name=%s", hazard_text("postgres"), who);
	return pq.PQconnectdb(info);
}

/* Whether the server saw TLS; what it said is kept. */
static bool ask(PGconn *c, char *said, size_t size)
{
	PGresult *result = pq.PQexec(c, query);
	bool answered = pq.PQresultStatus(result) == TUPLES_OK && pq.PQntuples(result) == 1;

	snprintf(said, size, "%s", answered ? pq.PQgetvalue(result, 0, 0) : pq.PQerrorMessage(c));
	pq.PQclear(result);
	said[strcspn(said, "\n")] = '\0';
	return answered && strncmp(said, "true TLS", 8) == 0;
}

static bool start(struct contexts *all)
{
	void *library = neighbour_open("libpq");
	char said[96];
	PGconn *c;

	(void)all;
	LIBPQ(LOAD)
	signal(SIGPIPE, SIG_IGN);
	c = connect_as("tlsbench-rank0");
	if (pq.PQstatus(c) != CONNECTION_OK)
		FAIL(0, "libpq in rank 0: %s", pq.PQerrorMessage(c));
	if (!ask(c, said, sizeof said))
		FAIL(0, "libpq in rank 0: PostgreSQL said %s", said);
	pq.PQfinish(c);
	hazard_introduce("libpq %d, %s", pq.PQlibVersion(), said + strlen("true "));
	return true;
}

static void hang_up(void)
{
	pq.PQfinish(connection);
	connection = NULL;
	queries = 0;
}

static bool work(void *unused)
{
	char text[96];

	(void)unused;
	if (connection == NULL) {
		snprintf(text, sizeof text, "tlsbench-worker-%d", rig.worker);
		connection = connect_as(text);
		if (pq.PQstatus(connection) != CONNECTION_OK) {
			neighbour_complain("libpq: %s", pq.PQerrorMessage(connection));
			hang_up();
			return true;
		}
	}
	if (!ask(connection, text, sizeof text)) {
		neighbour_complain("PostgreSQL: %s", text);
		hang_up();
	} else if (++queries >= QUERIES) {
		hang_up();
	}
	return true;
}

static bool each(struct contexts *mine)
{
	(void)mine;
	return neighbour_call("libpq's query", LIMIT_MS, work, NULL);
}

const struct hazard hazard_postgres = {
	.name = "postgres",
	.every = 8,
	.after_setup = start,
	.each = each,
};
