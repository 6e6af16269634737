/* hazard_mariadb.c: real libmariadb to a real MariaDB, with TLS; see database.h. */
#include "database.h"
#include "hazard.h"
#include "neighbour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct connection MYSQL;
typedef struct result MYSQL_RES;

#define LIBMARIADB(FUNCTION)                                                                              \
	FUNCTION(const char *, mysql_get_client_info, (void))                                             \
	FUNCTION(MYSQL *, mysql_init, (MYSQL *))                                                          \
	FUNCTION(int, mysql_options, (MYSQL *, int, const void *))                                        \
	FUNCTION(MYSQL *, mysql_real_connect,                                                             \
		(MYSQL *, const char *, const char *, const char *, const char *, unsigned, const char *, \
			unsigned long))                                                                   \
	FUNCTION(const char *, mysql_error, (MYSQL *))                                                    \
	FUNCTION(int, mysql_query, (MYSQL *, const char *))                                               \
	FUNCTION(MYSQL_RES *, mysql_store_result, (MYSQL *))                                              \
	FUNCTION(char **, mysql_fetch_row, (MYSQL_RES *))                                                 \
	FUNCTION(void, mysql_free_result, (MYSQL_RES *))                                                  \
	FUNCTION(void, mysql_close, (MYSQL *))

#define MEMBER(result, name, arguments) result(*name) arguments;
#define LOAD(result, name, arguments) my.name = (result(*) arguments)neighbour_symbol(library, #name);

static struct {
	LIBMARIADB(MEMBER)
} my;

/* Values from MariaDB's mysql.h; the last one asks for TLS. */
enum { OPT_CONNECT_TIMEOUT = 0, OPT_SSL_VERIFY_SERVER_CERT = 21, OPT_SSL_ENFORCE = 38 };

static const char query[] = "SHOW SESSION STATUS LIKE 'Ssl_version'";

static void load(void *library)
{
	LIBMARIADB(LOAD)
}

static void hang_up(void *connection)
{
	my.mysql_close(connection);
}

static void *connect_to(const char *server, const char *who, char *said, size_t size)
{
	static const unsigned seconds = 25; /* longer than any call, which neighbour_call() ends */
	static const char no = 0, yes = 1;
	char *password;
	unsigned port = (unsigned)strtoul(server, &password, 10);
	MYSQL *c;

	(void)who;
	if (*password++ != ' ')
		FAIL(0, "the harness told nothing of a MariaDB server");
	c = my.mysql_init(NULL);
	if (c == NULL) {
		snprintf(said, size, "mysql_init: out of memory");
		return NULL;
	}
	my.mysql_options(c, OPT_CONNECT_TIMEOUT, &seconds);
	my.mysql_options(c, OPT_SSL_VERIFY_SERVER_CERT, &no);
	my.mysql_options(c, OPT_SSL_ENFORCE, &yes);
	if (my.mysql_real_connect(c, "127.0.0.1", "tlsbench", password, NULL, port, NULL, 0) != NULL)
		return c;
	snprintf(said, size, "%s", my.mysql_error(c));
	hang_up(c);
	return NULL;
}

static bool ask(void *c, char *said, size_t size)
{
	MYSQL_RES *result = my.mysql_query(c, query) == 0 ? my.mysql_store_result(c) : NULL;
	char **row = result != NULL ? my.mysql_fetch_row(result) : NULL;

	snprintf(said, size, "%s", row != NULL ? row[1] : my.mysql_error(c));
	if (result != NULL)
		my.mysql_free_result(result);
	return row != NULL && strncmp(said, "TLS", 3) == 0;
}

static const char *version(void)
{
	return my.mysql_get_client_info();
}

static struct database mariadb = {
	.library = "libmariadb", .load = load, .connect = connect_to, .ask = ask, .close = hang_up, .version = version};

static bool start(struct contexts *all)
{
	(void)all;
	return database_start(&mariadb);
}

static bool each(struct contexts *mine)
{
	(void)mine;
	return database_query(&mariadb);
}

const struct hazard hazard_mariadb = {
	.name = "mariadb",
	.every = 8,
	.after_setup = start,
	.each = each,
};
