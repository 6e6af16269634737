/*
 * hazard_rank0_thread.c: a second thread of rank 0 uses OpenSSL while the main
 * thread forks. A child inherits the memory as it is in the middle of that: a
 * lock that the other thread holds, a list that it is changing. There is no such
 * thread in the child to finish what it began.
 */
#include "hazard.h"

#include <pthread.h>

static bool using;

static void *use_openssl(void *unused)
{
	static const unsigned char garbage[] = "no certificate";
	struct contexts own;

	(void)unused;
	contexts_make(&own);
	__atomic_store_n(&using, true, __ATOMIC_RELEASE);
	for (;;) {
		unsigned char bytes[16];
		SSL *ssl = openssl.SSL_new(own.server);

		openssl.RAND_bytes(bytes, sizeof bytes);
		openssl.SSL_CTX_use_certificate_ASN1(own.server, (int)sizeof garbage, garbage);
		openssl.ERR_clear_error();
		openssl.SSL_free(ssl);
	}
	return NULL;
}

static bool start_thread(struct contexts *all)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, use_openssl, NULL);

	(void)all;
	if (err != 0)
		FAIL(err, "start rank 0's second thread");
	while (!__atomic_load_n(&using, __ATOMIC_ACQUIRE))
		sched_yield();
	return true;
}

const struct hazard hazard_rank0_thread = {
	.name = "rank0-thread",
	.after_setup = start_thread,
};
