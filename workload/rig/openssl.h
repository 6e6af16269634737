/*
 * openssl.h: OpenSSL by dlopen, without its headers, so that one binary drives
 * every release from 1.1.1 to 4.0. One list of functions makes the declaration,
 * the loading and the message about a missing one.
 */
#ifndef TLSBENCH_OPENSSL_H
#define TLSBENCH_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ssl SSL;
typedef struct ssl_ctx SSL_CTX;
typedef struct ssl_method SSL_METHOD;
typedef struct bio BIO;

typedef void *(*malloc_function)(size_t size, const char *file, int line);
typedef void *(*realloc_function)(void *p, size_t size, const char *file, int line);
typedef void (*free_function)(void *p, const char *file, int line);

/*
 * What OpenSSL allocates with. file and line are the caller's. Whoever is to see
 * each call wraps the three functions that it was given.
 */
struct allocator {
	malloc_function malloc;
	realloc_function realloc;
	free_function free;
};

/* OSSL_provider_init_fn: what a provider starts with. */
typedef int (*provider_function)(const void *handle, const void *in, const void **out, void **context);

/* RAND_METHOD, the same from 1.1.0 on. */
struct rand_method {
	int (*seed)(const void *, int);
	int (*bytes)(unsigned char *, int);
	void (*cleanup)(void);
	int (*add)(const void *, int, double);
	int (*pseudorand)(unsigned char *, int);
	int (*status)(void);
};

/* CORE(result, name, arguments): every supported release has it. */
#define OPENSSL_CORE(CORE)                                                                      \
	CORE(int, CRYPTO_set_mem_functions, (malloc_function, realloc_function, free_function)) \
	CORE(void *, CRYPTO_malloc, (size_t, const char *, int))                                \
	CORE(void, CRYPTO_free, (void *, const char *, int))                                    \
	CORE(int, CRYPTO_get_ex_new_index, (int, long, void *, void *, void *, void *))         \
	CORE(int, OPENSSL_init_crypto, (uint64_t, const void *))                                \
	CORE(const char *, OpenSSL_version, (int))                                              \
	CORE(unsigned long, OpenSSL_version_num, (void))                                        \
	CORE(void, ERR_clear_error, (void))                                                     \
	CORE(int, ERR_pop_to_mark, (void))                                                      \
	CORE(unsigned long, ERR_get_error, (void))                                              \
	CORE(unsigned long, ERR_peek_error, (void))                                             \
	CORE(unsigned long, ERR_peek_last_error, (void))                                        \
	CORE(void, ERR_error_string_n, (unsigned long, char *, size_t))                         \
	CORE(int, RAND_bytes, (unsigned char *, int))                                           \
	CORE(int, RAND_priv_bytes, (unsigned char *, int))                                      \
	CORE(int, BIO_new_bio_pair, (BIO **, size_t, BIO **, size_t))                           \
	CORE(int, BIO_write, (BIO *, const void *, int))                                        \
	CORE(int, BIO_read, (BIO *, void *, int))                                               \
	CORE(long, BIO_ctrl, (BIO *, int, long, void *))                                        \
	CORE(int, BIO_free, (BIO *))                                                            \
	CORE(int, OPENSSL_init_ssl, (uint64_t, const void *))                                   \
	CORE(const SSL_METHOD *, TLS_method, (void))                                            \
	CORE(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *))                                      \
	CORE(void, SSL_CTX_free, (SSL_CTX *))                                                   \
	CORE(long, SSL_CTX_ctrl, (SSL_CTX *, int, long, void *))                                \
	CORE(uint64_t, SSL_CTX_set_options, (SSL_CTX *, uint64_t))                              \
	CORE(int, SSL_CTX_set_num_tickets, (SSL_CTX *, size_t))                                 \
	CORE(int, SSL_CTX_use_certificate_ASN1, (SSL_CTX *, int, const unsigned char *))        \
	CORE(int, SSL_CTX_use_PrivateKey_ASN1, (int, SSL_CTX *, const unsigned char *, long))   \
	CORE(int, SSL_CTX_set_cipher_list, (SSL_CTX *, const char *))                           \
	CORE(int, SSL_CTX_set_ciphersuites, (SSL_CTX *, const char *))                          \
	CORE(void, SSL_CTX_set_verify, (SSL_CTX *, int, void *))                                \
	CORE(SSL *, SSL_new, (SSL_CTX *))                                                       \
	CORE(void, SSL_free, (SSL *))                                                           \
	CORE(int, SSL_set_fd, (SSL *, int))                                                     \
	CORE(void, SSL_set_bio, (SSL *, BIO *, BIO *))                                          \
	CORE(void, SSL_set_accept_state, (SSL *))                                               \
	CORE(void, SSL_set_connect_state, (SSL *))                                              \
	CORE(long, SSL_ctrl, (SSL *, int, long, void *))                                        \
	CORE(size_t, SSL_get_server_random, (const SSL *, unsigned char *, size_t))             \
	CORE(void, EVP_PKEY_free, (void *))                                                     \
	CORE(int, SSL_do_handshake, (SSL *))                                                    \
	CORE(int, SSL_read, (SSL *, void *, int))                                               \
	CORE(int, SSL_write, (SSL *, const void *, int))                                        \
	CORE(int, SSL_shutdown, (SSL *))                                                        \
	CORE(int, SSL_get_shutdown, (const SSL *))                                              \
	CORE(int, SSL_get_error, (const SSL *, int))

/* OPTIONAL: missing from some release; the caller looks before it calls. */
#define OPENSSL_OPTIONAL(OPTIONAL)                                                               \
	OPTIONAL(void, ERR_put_error, (int, int, int, const char *, int))         /* 1.1.1 */    \
	OPTIONAL(void, ERR_new, (void))                                           /* from 3.0 */ \
	OPTIONAL(void, ERR_set_debug, (const char *, int, const char *))          /* from 3.0 */ \
	OPTIONAL(void, ERR_set_error, (int, int, const char *, ...))              /* from 3.0 */ \
	OPTIONAL(unsigned long, ERR_peek_error_line, (const char **, int *))      /* to 3.x */   \
	OPTIONAL(unsigned long, ERR_peek_last_error_line, (const char **, int *)) /* to 3.x */   \
	OPTIONAL(unsigned long, ERR_peek_error_all,                                              \
		(const char **, int *, const char **, const char **, int *)) /* from 3.0 */      \
	OPTIONAL(void *, ERR_get_state, (void))                              /* to 3.x */        \
	OPTIONAL(void *, RAND_get0_public, (void *))                         /* from 3.0 */      \
	OPTIONAL(void *, RAND_get0_private, (void *))                        /* from 3.0 */      \
	OPTIONAL(void *, RAND_DRBG_get0_public, (void))                      /* 1.1.1 */         \
	OPTIONAL(void *, RAND_DRBG_get0_private, (void))                     /* 1.1.1 */         \
	OPTIONAL(int, RAND_set_rand_method, (const struct rand_method *))    /* to 3.x */        \
	OPTIONAL(size_t, EVP_PKEY_get1_tls_encodedpoint, (void *, unsigned char **))             \
	OPTIONAL(size_t, EVP_PKEY_get1_encoded_public_key, (void *, unsigned char **))           \
	OPTIONAL(void *, OSSL_LIB_CTX_new, (void))                                               \
	OPTIONAL(int, RAND_bytes_ex, (void *, unsigned char *, size_t, unsigned))                \
	OPTIONAL(int, RAND_priv_bytes_ex, (void *, unsigned char *, size_t, unsigned))           \
	OPTIONAL(int, OSSL_PROVIDER_add_builtin, (void *, const char *, provider_function))      \
	OPTIONAL(void *, OSSL_PROVIDER_try_load, (void *, const char *, int)) /* from 3.0 */     \
	OPTIONAL(int, OSSL_PROVIDER_available, (void *, const char *))                           \
	OPTIONAL(const char *, OSSL_PROVIDER_get0_name, (const void *))                          \
	OPTIONAL(void *, EVP_MD_fetch, (void *, const char *, const char *))                     \
	OPTIONAL(void, EVP_MD_free, (void *))                                                    \
	OPTIONAL(const void *, EVP_MD_get0_provider, (const void *))                             \
	OPTIONAL(void *, EVP_CIPHER_fetch, (void *, const char *, const char *))                 \
	OPTIONAL(void, EVP_CIPHER_free, (void *))                                                \
	OPTIONAL(const void *, EVP_CIPHER_get0_provider, (const void *))                         \
	OPTIONAL(void *, EVP_RAND_CTX_get0_rand, (void *))                                       \
	OPTIONAL(const void *, EVP_RAND_get0_provider, (const void *))                           \
	OPTIONAL(void *, ENGINE_new, (void)) /* to 3.x */                                        \
	OPTIONAL(int, ENGINE_set_id, (void *, const char *))                                     \
	OPTIONAL(int, ENGINE_set_init_function, (void *, int (*)(void *)))                       \
	OPTIONAL(int, ENGINE_init, (void *))

#define OPENSSL_MEMBER(result, name, arguments) result(*name) arguments;

struct openssl {
	OPENSSL_CORE(OPENSSL_MEMBER)
	OPENSSL_OPTIONAL(OPENSSL_MEMBER)
};

extern struct openssl openssl;

/* Values from OpenSSL's public headers, the same in every release. */
enum {
	OPENSSL_INIT_LOAD_CONFIG = 0x40,
	CRYPTO_EX_INDEX_SSL = 0,
	EVP_PKEY_RSA = 6,
	EVP_PKEY_EC = 408,
	SSL_CTRL_SET_SESS_CACHE_MODE = 44,
	SSL_CTRL_SET_GROUPS_LIST = 92,
	SSL_CTRL_GET_PEER_TMP_KEY = 109,
	SSL_CTRL_SET_MIN_PROTO_VERSION = 123,
	SSL_CTRL_SET_MAX_PROTO_VERSION = 124,
	SSL_OP_NO_TICKET = 1 << 14,
	SSL_VERIFY_PEER = 1,
	SSL_RECEIVED_SHUTDOWN = 2,
	SSL_ERROR_WANT_READ = 2,
	SSL_ERROR_WANT_WRITE = 3,
	SSL_ERROR_SYSCALL = 5,
	SSL_ERROR_ZERO_RETURN = 6,
	ERR_LIB_USER = 128,
	BIO_C_SHUTDOWN_WR = 142,
};

/* Loads both libraries; a missing core function is a failure that names it. */
void openssl_load(const char *libcrypto, const char *libssl);

/* The same with libraries that the process has already. */
void openssl_use(void *libcrypto, void *libssl);

/* The address of a function in either library, NULL if there is none. */
void *openssl_symbol(const char *name);

/* Whether an address lies in libcrypto or libssl, by the file's load address. */
bool openssl_owns(const void *load_address);

/* Whether an allocation, by the file that asks for it, is one of the error queue's. */
bool openssl_queue_file(const char *file);

/* The oldest error as text, "no error queued" if there is none. */
const char *openssl_error(void);

/* The oldest entry of the error queue and the line it came from, without taking it. */
unsigned long openssl_peek_error(int *line);

/* Puts an entry into the error queue. */
void openssl_put_error(int library, int reason, int line);

#endif
