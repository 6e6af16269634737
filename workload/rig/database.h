/*
 * database.h: what the hazards that are a database's client library share: a
 * connection in rank 0 at start, because database modules make one to check their
 * tables, and in each worker a connection of its own that is made anew after some
 * queries. The server itself is asked whether the session is one with TLS.
 */
#ifndef TLSBENCH_DATABASE_H
#define TLSBENCH_DATABASE_H

#include <stdbool.h>
#include <stddef.h>

struct database {
	const char *library; /* as the harness names it */
	/* Looks up the library's functions. */
	void (*load)(void *library);
	/* NULL if it cannot be had; said is why. server is what the harness tells of it. */
	void *(*connect)(const char *server, const char *who, char *said, size_t size);
	/* Whether the server saw TLS; said is what it said. */
	bool (*ask)(void *connection, char *said, size_t size);
	void (*close)(void *connection);
	const char *(*version)(void);

	void *connection; /* the worker's */
	int queries;
};

/* Rank 0's part, and one query of a worker. */
bool database_start(struct database *database);
bool database_query(struct database *database);

#endif
