/* hazard_postgres.c: real libpq to a real PostgreSQL, with TLS; see database.h. */
#include "database.h"
#include "hazard.h"
#include "neighbour.h"

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

enum { CONNECTION_OK = 0, TUPLES_OK = 2 };

static const char query[] = "SELECT coalesce(version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";

static void load(void *library)
{
	LIBPQ(LOAD)
}

static void say(char *said, size_t size, const char *text)
{
	snprintf(said, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static void finish(void *connection)
{
	pq.PQfinish(connection);
}

static void *connect_to(const char *server, const char *who, char *said, size_t size)
{
	char info[1024];
	PGconn *c;

	snprintf(info, sizeof info, "%s application_name=%s", server, who);
	c = pq.PQconnectdb(info);
	if (pq.PQstatus(c) == CONNECTION_OK)
		return c;
	say(said, size, pq.PQerrorMessage(c));
	finish(c);
	return NULL;
}

static bool ask(void *c, char *said, size_t size)
{
	PGresult *result = pq.PQexec(c, query);
	bool answered = pq.PQresultStatus(result) == TUPLES_OK && pq.PQntuples(result) == 1;

	say(said, size, answered ? pq.PQgetvalue(result, 0, 0) : pq.PQerrorMessage(c));
	pq.PQclear(result);
	return answered && strncmp(said, "TLS", 3) == 0;
}

static const char *version(void)
{
	static char text[16];

	snprintf(text, sizeof text, "%d", pq.PQlibVersion());
	return text;
}

static struct database postgres = {
	.library = "libpq", .load = load, .connect = connect_to, .ask = ask, .close = finish, .version = version};

static bool start(struct contexts *all)
{
	(void)all;
	return database_start(&postgres);
}

static bool each(struct contexts *mine)
{
	(void)mine;
	return database_query(&postgres);
}

const struct hazard hazard_postgres = {
	.name = "postgres",
	.every = 8,
	.after_setup = start,
	.each = each,
};
