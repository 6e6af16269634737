/*
 * server.c: a preforked TLS server as small as a real one can be, which knows
 * nothing of tlsbench. It gives OpenSSL a heap in shared memory, sets a context
 * up, uses OpenSSL, and forks. The workers take turns in handshakes over a pair
 * of BIOs, every other one of which fails.
 *
 * With the argument thread-stop the parent gives up its per-thread state before
 * each fork, and with reads the first worker writes a block of it all by itself
 * that the others read. With system OpenSSL keeps the C library's heap, and with
 * signal the parent asks itself for the list and ends without one.
 */
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, ROUNDS = 3, HEAP = 64 << 20 };

struct heap {
	pthread_mutex_t lock;
	volatile int turn;
	size_t used;
	char bytes[];
};

static struct heap *heap;
static SSL_CTX *server, *client;
static volatile int *counter; /* an inherited block, NULL: none */

/* What is freed is not used again: that is all that a short life needs. */
static void *take(size_t size, const char *file, int line)
{
	size_t *p;

	(void)file;
	(void)line;
	pthread_mutex_lock(&heap->lock);
	p = (size_t *)(heap->bytes + heap->used);
	heap->used += (size + 31) / 16 * 16;
	pthread_mutex_unlock(&heap->lock);
	*p = size;
	return p + 2;
}

static void give(void *p, const char *file, int line)
{
	(void)p;
	(void)file;
	(void)line;
}

static void *resize(void *p, size_t size, const char *file, int line)
{
	void *moved = take(size, file, line);

	if (p != NULL)
		memcpy(moved, p, ((size_t *)p)[-2] < size ? ((size_t *)p)[-2] : size);
	return moved;
}

/* OpenSSL's locks lie in the shared heap, so they are to work across processes. */
int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *unused)
{
	int (*next)(pthread_rwlock_t *, const pthread_rwlockattr_t *) = dlsym(RTLD_NEXT, "pthread_rwlock_init");
	pthread_rwlockattr_t shared;

	(void)unused;
	pthread_rwlockattr_init(&shared);
	pthread_rwlockattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	return next(lock, &shared);
}

static void open_heap(void)
{
	pthread_mutexattr_t shared;

	heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&heap->lock, &shared);
}

static void set_up(void)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	X509 *certificate = X509_new();

	EVP_PKEY_keygen_init(maker);
	EVP_PKEY_keygen(maker, &key);
	EVP_PKEY_CTX_free(maker);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, NULL);
	server = SSL_CTX_new(TLS_server_method());
	client = SSL_CTX_new(TLS_client_method());
	SSL_CTX_use_certificate(server, certificate);
	SSL_CTX_use_PrivateKey(server, key);
}

/* Uses OpenSSL as set-up does in a daemon: its error queue and its generators. */
static void use(void)
{
	unsigned char bytes[8];

	ERR_clear_error();
	RAND_bytes(bytes, sizeof bytes);
	RAND_priv_bytes(bytes, sizeof bytes);
}

static int handshake(int bad)
{
	SSL *a = SSL_new(server), *b = SSL_new(client);
	BIO *one, *other;
	int done = 0;

	BIO_new_bio_pair(&one, 0, &other, 0);
	SSL_set_bio(a, one, one);
	SSL_set_bio(b, other, other);
	SSL_set_accept_state(a);
	SSL_set_connect_state(b);
	if (bad)
		SSL_set_max_proto_version(b, TLS1_VERSION);
	for (int i = 0; i < 8 && !done; i++) {
		SSL_do_handshake(b);
		SSL_do_handshake(a);
		done = SSL_is_init_finished(a) && SSL_is_init_finished(b);
	}
	SSL_free(a);
	SSL_free(b);
	return done;
}

static void work(int worker)
{
	for (int round = 0; round < ROUNDS; round++) {
		while (heap->turn != round * WORKERS + worker)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		use();
		if (handshake(0) != 1 || handshake(1) != 0)
			fprintf(stderr, "worker %d: wrong handshake\n", worker);
		if (counter != NULL && worker == 0)
			++*counter;
		else if (counter != NULL && *counter == 0)
			fprintf(stderr, "worker %d: nothing was counted\n", worker);
		heap->turn++;
	}
}

static void stop_thread(void)
{
	OPENSSL_thread_stop();
}

static void on_signal(int number)
{
	static const char text[] = "server's own handler\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300); /* workers wait for each other, even for one that is gone */
	open_heap();
	if (strcmp(how, "system") != 0 && CRYPTO_set_mem_functions(take, resize, give) != 1)
		return 1;
	signal(SIGUSR2, on_signal);
	if (strcmp(how, "thread-stop") == 0)
		pthread_atfork(stop_thread, NULL, NULL);
	set_up();
	if (strcmp(how, "reads") == 0)
		counter = OPENSSL_zalloc(sizeof *counter);
	use();
	for (int i = 0; i < WORKERS; i++) {
		if (fork() == 0) {
			work(i);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
	if (strcmp(how, "signal") == 0) {
		kill(getpid(), SIGUSR2);
		_exit(0);
	}
	fprintf(stderr, "server: %d of %d rounds\n", heap->turn, ROUNDS * WORKERS);
	return 0;
}
