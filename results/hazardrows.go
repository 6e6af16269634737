package results

import "tlsbench/strategies/catalogue"

// every is the parameter of all hazards that act between handshakes.
func every(n int64) catalogue.Param {
	return catalogue.Param{Name: "every", Default: n, Min: 1, Max: 1 << 20, Summary: "handshakes of a worker from one time to the next"}
}

// hazardCatalogue has one line for each hazard of the rig's C table, after
// plain, which is none.
var hazardCatalogue = []Hazard{
	{
		Name:    Plain,
		Summary: "OpenSSL alone",
		Source:  "the seed: Kamailio, src/modules/tls/OpenSSL3-README.md",
		Expects: "none corrupts; all others are clean, but for pointer-match on 3.6, whose slots hold tables and not the objects themselves",
		expect:  onlyNone,
	},
	{
		Name: "foreign-before", File: "hazard_foreign.c",
		Summary: "n filled pthread keys of other libraries, made before OpenSSL's",
		Source:  "what the notes on clear-0-15 and hwm take for granted: that OpenSSL comes first",
		Expects: "clear-0-15 and hwm wipe them; each misses those of OpenSSL's own keys that are pushed past its bound of 16 or 32, pointer-match too: from n=11, n=27 and n=27 on with the 6 keys of 3.0",
		Params:  []catalogue.Param{{Name: "n", Default: 14, Min: 1, Max: 100, Summary: "number of keys"}},
		Variants: []string{"foreign-before:n=5", "foreign-before", "foreign-before:n=20",
			"foreign-before:n=40"},
		expect: expectForeignBefore,
	},
	{
		Name: "foreign-after", File: "hazard_foreign.c",
		Summary: "n filled pthread keys of other libraries, made after OpenSSL's set-up",
		Source:  "modules that are loaded after the TLS module",
		Expects: "clear-0-15 wipes those that fall below 16",
		Params:  []catalogue.Param{{Name: "n", Default: 12, Min: 1, Max: 100, Summary: "number of keys"}},
		expect:  hurts(map[string]words{"clear-0-15": collateral}),
	},
	{
		Name: "rank0-client", File: "hazard_rank0_client.c",
		Summary:  "a module makes a real TLS connection in rank 0's main thread, after set-up and before the forks",
		Source:   "database modules, which connect at start",
		Expects:  "temp-thread corrupts, unless the connection is made through it (wrapped=1)",
		Params:   []catalogue.Param{{Name: "wrapped", Default: 0, Min: 0, Max: 1, Summary: "1: through the strategy's initialising hook"}},
		Variants: []string{"rank0-client", "rank0-client:wrapped=1"},
		expect: func(e expecting) words {
			if e.number("wrapped") != 0 {
				return onlyNone(e)
			}
			return hurts(map[string]words{"temp-thread": corrupt})(e)
		},
		Quiet: true,
	},
	{
		Name: "between-forks", File: "hazard_between_forks.c",
		Summary: "rank 0 uses OpenSSL between two forks, and leaves errors in its queue",
		Source:  "a main process that does more than start workers",
		Expects: "temp-thread corrupts; a fix that acts once would, one that acts at each fork is clean",
		expect:  hurts(map[string]words{"temp-thread": corrupt}),
		Quiet:   true,
	},
	{
		Name: "shared-ctx", File: "hazard_shared_ctx.c",
		Summary:  "one SSL_CTX for all workers",
		Source:   "why Kamailio makes one for each worker",
		Expects:  "with an RSA key all strategies fail: OpenSSL tells the owner of a blinding by pthread_self(), which forked processes have in common; with ECDSA only none",
		Params:   []catalogue.Param{{Name: "rsa", Default: 0, Min: 0, Max: 1, Summary: "1: the server's key is RSA-2048"}},
		Variants: []string{"shared-ctx", "shared-ctx:rsa=1"},
		RSA:      "rsa",
		expect: func(e expecting) words {
			if e.key == RSA2048 {
				return corrupt
			}
			return onlyNone(e)
		},
		NeedsHeap: true, Quiet: true,
	},
	{
		Name: "private-locks", File: "hazard_private_locks.c",
		Summary:  "OpenSSL's locks in the shared heap stay private to a process",
		Source:   "what OpenSSL does by itself; Kamailio's tls module overrides two of three kinds of lock (kamailio=1)",
		Expects:  "all strategies hang, key-owner too: it is no control here; with kamailio=1 only where OpenSSL uses condition variables (3.5 and later)",
		Params:   []catalogue.Param{{Name: "kamailio", Default: 0, Min: 0, Max: 1, Summary: "1: mutexes and rwlocks are shared, condition variables are not"}},
		Variants: []string{"private-locks", "private-locks:kamailio=1"},
		expect: func(e expecting) words {
			switch {
			case e.number("kamailio") == 0:
				return hanging
			case KeysOfOpenSSL(e.openssl) == keysOf30 || e.line() == "1.1.1":
				return onlyNone(e)
			}
			return toBeMeasured
		},
		NeedsHeap: true, Quiet: true,
	},
	{
		Name: "many-errors", File: "hazard_many_errors.c",
		Summary: "all peers are bad, and each worker puts more errors into its queue than it holds",
		Source:  "scanners on an open SIP port",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(1)},
		AllBad:  true,
		expect:  onlyNone,
	},
	{
		Name: "python", File: "hazard_python.c",
		Summary: "real libpython in rank 0's main thread, and Python's ssl and hashlib in the workers",
		Needs:   "libpython 3 with its module ssl, linked to the build's libcrypto: libpython3.x, libpython3.x-stdlib",
		Source:  "Kamailio's module app_python3; the notes name libpython as what must start in the primary thread",
		Expects: "temp-thread corrupts; clear-0-15 wipes libpython's key, and PyGILState_Ensure dead-locks in the workers; with before=1 hwm does as well",
		Params: []catalogue.Param{
			{Name: "before", Default: 0, Min: 0, Max: 1, Summary: "1: the interpreter starts before OpenSSL, its module ssl after"},
			every(8),
		},
		Variants: []string{"python", "python:before=1"},
		expect: func(e expecting) words {
			lost := words{"broken", "collateral"}
			how := map[string]words{"temp-thread": corrupt, "clear-0-15": lost}
			if e.number("before") != 0 {
				how["hwm"] = lost
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "curl", File: "hazard_curl.c",
		Summary: "real libcurl on OpenSSL: HTTPS requests in rank 0's main thread and in the workers",
		Needs:   "libcurl of the OpenSSL flavour, linked to the build's libcrypto: libcurl4",
		Source:  "modules that query web services, such as Kamailio's http_client",
		Expects: "temp-thread corrupts; all others but none are clean: no library that Debian's libcurl loads keeps a value in a key of rank 0 (first seen by this suite, on 1.1.1 to 3.6)",
		Params:  []catalogue.Param{every(16)},
		expect:  hurts(map[string]words{"temp-thread": corrupt}),
	},
	{
		Name: "postgres", File: "hazard_postgres.c",
		Summary: "real libpq with TLS to a real PostgreSQL: a connection in rank 0's main thread, queries in the workers",
		Needs:   "libpq linked to the build's libcrypto, and a server's programs: libpq5, postgresql",
		Source:  "Kamailio's module db_postgres, which connects at start",
		Expects: "temp-thread corrupts; all others but none are clean: no library that Debian's libpq loads keeps a value in a key of rank 0 (first seen by this suite, on 1.1.1 to 3.6)",
		Params:  []catalogue.Param{every(8)},
		expect:  hurts(map[string]words{"temp-thread": corrupt}),
	},
	{
		Name: "handoff", File: "hazard_handoff.c",
		Summary:   "connections cross processes: one worker shakes hands, the next serves, a third frees",
		Needs:     "three workers or more, and a shared heap",
		Source:    "Kamailio's TCP main process and its readers; it is what the shared heap is for",
		Expects:   "none corrupts; it must work under every real strategy",
		expect:    onlyNone,
		NeedsHeap: true, NeedsWorkers: 3,
		Without: []string{"late-forks"},
	},
	{
		Name: "late-forks", File: "hazard_late_forks.c",
		Summary: "workers retire while traffic runs, and rank 0 forks others in their place",
		Source:  "autoscaling, and what OPENSSL_thread_stop() is documented to be for",
		Expects: "none corrupts; what each retired worker leaves in the shared heap is measured, with OPENSSL_thread_stop() at its end (thread-stop=1) and without; with it pointer-match corrupts: it leaves OpenSSL's list of thread-stop handlers shared, and the first worker to retire frees it for all (found by this suite)",
		Params: []catalogue.Param{
			{Name: "thread-stop", Default: 0, Min: 0, Max: 1, Summary: "1: a worker calls OPENSSL_thread_stop() when it retires"},
			{Name: "after", Default: 16, Min: 1, Max: 1 << 20, Summary: "connections that a worker serves before it retires"},
		},
		Variants: []string{"late-forks", "late-forks:thread-stop=1"},
		expect: func(e expecting) words {
			if e.number("thread-stop") != 0 {
				return hurts(map[string]words{"pointer-match": corrupt})(e)
			}
			return onlyNone(e)
		},
	},
	{
		Name: "mutual-tls", File: "hazard_mutual_tls.c",
		Summary: "peers present certificates: good, expired, of an unknown authority; each has its one right outcome",
		Source:  "verification errors are the most common in the field",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(2)},
		expect:  onlyNone,
	},
	{
		Name: "reload", File: "hazard_reload.c",
		Summary: "live workers build a new SSL_CTX, and free the old one when its last connection ends",
		Source:  "a reload of certificates, as by Kamailio's tls.reload",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(16)},
		expect:  onlyNone,
		Without: []string{"shared-ctx", "late-forks"},
	},
	{
		Name: "long-lived", File: "hazard_long_lived.c",
		Summary: "connections stay open and are written to between other handshakes",
		Source:  "phones, which keep their connection",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{{Name: "n", Default: 8, Min: 1, Max: 64, Summary: "connections of each worker"}, every(4)},
		expect:  onlyNone,
	},
}
