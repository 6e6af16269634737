/*
 * hazard_curl.c: real libcurl, OpenSSL flavour: initialised in rank 0, where it
 * makes an HTTPS request, and used for requests in the workers between
 * handshakes, each on a connection of its own.
 */
#include "hazard.h"
#include "neighbour.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef void CURL;

#define LIBCURL(FUNCTION)                                   \
	FUNCTION(int, curl_global_init, (long))             \
	FUNCTION(const char *, curl_version, (void))        \
	FUNCTION(CURL *, curl_easy_init, (void))            \
	FUNCTION(int, curl_easy_setopt, (CURL *, int, ...)) \
	FUNCTION(int, curl_easy_perform, (CURL *))          \
	FUNCTION(const char *, curl_easy_strerror, (int))   \
	FUNCTION(void, curl_easy_cleanup, (CURL *))

#define MEMBER(result, name, arguments) result(*name) arguments;
#define LOAD(result, name, arguments) curl.name = (result(*) arguments)neighbour_symbol(library, #name);

static struct {
	LIBCURL(MEMBER)
} curl;

/* Values from curl/curl.h; part of its ABI. */
enum {
	GLOBAL_ALL = 3,
	OPT_WRITEDATA = 10001,
	OPT_URL = 10002,
	OPT_PROXY = 10004,
	OPT_ERRORBUFFER = 10010,
	OPT_WRITEFUNCTION = 20011,
	OPT_SSL_VERIFYPEER = 64,
	OPT_FORBID_REUSE = 75,
	OPT_NOSIGNAL = 99,
	OPT_TIMEOUT_MS = 155,
	OPT_CAINFO_BLOB = 40309, /* from 7.77 on */
	ERROR_SIZE = 256,
	OK = 0,
};

/* The time-out is for rank 0. It is longer than any call in a worker, which neighbour_call() ends. */
enum { TIMEOUT_MS = 25000, LIMIT_MS = 10000 };

struct blob {
	const void *data;
	size_t length;
	unsigned flags; /* 0: not copied */
};

struct answer {
	size_t length;
	char text[128];
};

static size_t receive(char *data, size_t size, size_t n, void *user)
{
	struct answer *answer = user;

	for (size_t i = 0; i < size * n && answer->length < sizeof answer->text - 1; i++)
		answer->text[answer->length++] = data[i];
	return size * n;
}

static void set_options(CURL *easy, const char *url, struct answer *answer, char *error)
{
	const char *authority = hazard_text("tls-authority");
	struct blob blob = {authority, strlen(authority), 1};

	curl.curl_easy_setopt(easy, OPT_URL, url);
	curl.curl_easy_setopt(easy, OPT_PROXY, "");
	curl.curl_easy_setopt(easy, OPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(easy, OPT_FORBID_REUSE, 1L);
	curl.curl_easy_setopt(easy, OPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl.curl_easy_setopt(easy, OPT_ERRORBUFFER, error);
	curl.curl_easy_setopt(easy, OPT_WRITEFUNCTION, receive);
	curl.curl_easy_setopt(easy, OPT_WRITEDATA, answer);
	if (curl.curl_easy_setopt(easy, OPT_CAINFO_BLOB, &blob) != OK)
		curl.curl_easy_setopt(easy, OPT_SSL_VERIFYPEER, 0L);
}

/* GET /who, which the server answers with "/who"; NULL, or what went wrong. */
static const char *request(const char *who)
{
	static char error[ERROR_SIZE];
	struct answer answer = {0};
	char url[96], wanted[48];
	CURL *easy = curl.curl_easy_init();
	int result;

	if (easy == NULL)
		return "curl_easy_init failed";
	error[0] = '\0';
	snprintf(wanted, sizeof wanted, "/%s\n", who);
	snprintf(url, sizeof url, "https://127.0.0.1:%s/%s", hazard_text("tls-port"), who);
	set_options(easy, url, &answer, error);
	result = curl.curl_easy_perform(easy);
	curl.curl_easy_cleanup(easy);
	if (result != OK)
		return error[0] != '\0' ? error : curl.curl_easy_strerror(result);
	return strcmp(answer.text, wanted) == 0 ? NULL : "the answer is another one's";
}

static bool start(struct contexts *all)
{
	void *library = neighbour_open("libcurl");
	const char *problem;

	(void)all;
	LIBCURL(LOAD)
	signal(SIGPIPE, SIG_IGN);
	if (strstr(curl.curl_version(), "OpenSSL") == NULL)
		hazard_skip("libcurl is not of the OpenSSL flavour: %s", curl.curl_version());
	if (curl.curl_global_init(GLOBAL_ALL) != OK)
		FAIL(0, "curl_global_init");
	problem = request("curl-rank0");
	if (problem != NULL)
		FAIL(0, "libcurl in rank 0: %s", problem);
	hazard_introduce("%s", curl.curl_version());
	return true;
}

static bool work(void *unused)
{
	const char *problem;
	char who[32];

	(void)unused;
	snprintf(who, sizeof who, "curl-worker-%d", rig.worker);
	problem = request(who);
	if (problem != NULL)
		neighbour_complain("libcurl: %s", problem);
	return true;
}

static bool each(struct contexts *mine)
{
	(void)mine;
	return neighbour_call("libcurl's request", false, LIMIT_MS, work, NULL);
}

const struct hazard hazard_curl = {
	.name = "curl",
	.every = 16,
	.after_setup = start,
	.each = each,
};
