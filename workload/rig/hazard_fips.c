/*
 * hazard_fips.c: OpenSSL's FIPS module, a provider in a shared object that holds
 * a second copy of OpenSSL's code for threads and random generators, with
 * pthread keys of its own. Its state comes from the same allocator, so it lies
 * in the shared heap. The harness's configuration file activates it, and asks
 * for algorithms of the module alone.
 */
#include "hazard.h"
#include "host.h"
#include "openssl.h"

#include <string.h>

static void expect_module(const char *what, const void *provider)
{
	const char *name = provider != NULL ? openssl.OSSL_PROVIDER_get0_name(provider) : "none";

	if (strcmp(name, "fips") != 0)
		FAIL(0, "%s comes from provider %s, not from fips", what, name);
}

/* A handshake cannot be outside the module: there is no other to take from. */
static void load_module(void *unused)
{
	void *digest, *cipher;

	(void)unused;
	if (openssl.OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
		openssl.OSSL_PROVIDER_available(NULL, "fips") != 1) {
		/* A provider that fails is passed over: another try tells why, with its second error. */
		openssl.ERR_clear_error();
		openssl.OSSL_PROVIDER_try_load(NULL, "fips", 1);
		openssl.ERR_get_error();
		hazard_skip("the FIPS module %s does not load: %s", hazard_text("libfips"), openssl_error());
	}
	if (openssl.OSSL_PROVIDER_available(NULL, "default") != 0)
		FAIL(0, "the default provider is there besides fips");
	digest = openssl.EVP_MD_fetch(NULL, "SHA2-256", NULL);
	expect_module("SHA-256", digest != NULL ? openssl.EVP_MD_get0_provider(digest) : NULL);
	cipher = openssl.EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	expect_module("AES-128-GCM", cipher != NULL ? openssl.EVP_CIPHER_get0_provider(cipher) : NULL);
	expect_module("the random generator",
		openssl.EVP_RAND_get0_provider(openssl.EVP_RAND_CTX_get0_rand(openssl.RAND_get0_public(NULL))));
	openssl.EVP_MD_free(digest);
	openssl.EVP_CIPHER_free(cipher);
	hazard_introduce("FIPS module %s", hazard_text("libfips"));
}

/* Loading it is a part of initialising OpenSSL, and so under the strategy's care. */
static bool load(void)
{
	host_initialise(load_module, NULL);
	return true;
}

const struct hazard hazard_fips = {
	.name = "fips",
	.before_setup = load,
};
