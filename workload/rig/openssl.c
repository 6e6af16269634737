/* openssl.c: see openssl.h. */
#include "openssl.h"

#include "rig.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct openssl openssl;

static void *libcrypto, *libssl;
static const void *crypto_base, *ssl_base;

void *openssl_symbol(const char *name)
{
	void *p = dlsym(libcrypto, name);

	return p != NULL ? p : dlsym(libssl, name);
}

static void *core_symbol(const char *name)
{
	void *p = openssl_symbol(name);

	if (p == NULL)
		FAIL(0, "OpenSSL function %s is missing from %s and %s", name, rig.config->libcrypto,
			rig.config->libssl);
	return p;
}

static const void *base_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/*
 * By full path and libcrypto first: libssl then finds the libcrypto it needs
 * already loaded under its soname, whatever else the loader might know.
 */
static void *open_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);

	if (library == NULL)
		FAIL(0, "load %s: %s", path, dlerror());
	return library;
}

#define LOAD_CORE(result, name, arguments) openssl.name = (result(*) arguments)core_symbol(#name);
#define LOAD_OPTIONAL(result, name, arguments) openssl.name = (result(*) arguments)openssl_symbol(#name);

void openssl_use(void *crypto, void *ssl)
{
	libcrypto = crypto;
	libssl = ssl;
	OPENSSL_CORE(LOAD_CORE)
	OPENSSL_OPTIONAL(LOAD_OPTIONAL)
	if (openssl.EVP_PKEY_get1_encoded_public_key == NULL) /* its name was another one in 1.1.1 */
		openssl.EVP_PKEY_get1_encoded_public_key = openssl.EVP_PKEY_get1_tls_encodedpoint;
	crypto_base = base_of((const void *)openssl.OPENSSL_init_crypto);
	ssl_base = base_of((const void *)openssl.OPENSSL_init_ssl);
}

void openssl_load(const char *crypto_path, const char *ssl_path)
{
	void *crypto = open_library(crypto_path);

	openssl_use(crypto, open_library(ssl_path));
	snprintf(rig.block->version, sizeof rig.block->version, "%s", openssl.OpenSSL_version(0));
}

bool openssl_owns(const void *load_address)
{
	return load_address != NULL && (load_address == crypto_base || load_address == ssl_base);
}

bool openssl_queue_file(const char *file)
{
	return file != NULL && strstr(file, "crypto/err/") != NULL;
}

const char *openssl_error(void)
{
	static char text[200];
	unsigned long code = openssl.ERR_peek_error();

	if (code == 0)
		return "no error queued";
	openssl.ERR_error_string_n(code, text, sizeof text);
	return text;
}

unsigned long openssl_peek_error(int *line)
{
	const char *text;
	int flags;

	*line = 0;
	if (openssl.ERR_peek_error_all != NULL)
		return openssl.ERR_peek_error_all(&text, line, &text, &text, &flags);
	return openssl.ERR_peek_error_line(&text, line);
}

void openssl_put_error(int library, int reason, int line)
{
	if (openssl.ERR_set_error != NULL) {
		openssl.ERR_new();
		openssl.ERR_set_debug("tlsbench", line, "check");
		openssl.ERR_set_error(library, reason, NULL);
	} else {
		openssl.ERR_put_error(library, 0, reason, "tlsbench", line);
	}
}
