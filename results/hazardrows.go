package results

import "tlsbench/strategies/catalogue"

// every is the parameter of all hazards that act between handshakes.
func every(n int64) catalogue.Param {
	return catalogue.Param{Name: "every", Default: n, Min: 1, Max: 1 << 20, Summary: "handshakes of a worker between two times"}
}

// after is the parameter of hazards that end a worker.
var after = catalogue.Param{Name: "after", Default: 16, Min: 1, Max: 1 << 20, Summary: "connections that a worker serves before its end"}

// hazardCatalogue has one line for each hazard of the rig's C table, after
// plain, which adds nothing.
var hazardCatalogue = []Hazard{
	{
		Name:    Plain,
		Summary: "OpenSSL alone",
		Source:  "Kamailio, src/modules/tls/OpenSSL3-README.md",
		Expects: "none corrupts; all others are clean, except pointer-match on 3.6, whose slots hold tables instead of the objects",
		expect:  onlyNone,
	},
	{
		Name: "foreign-before", File: "hazard_foreign.c",
		Summary: "n filled pthread keys of third-party libraries, created before OpenSSL's",
		Source:  "the assumption of clear-0-15 and hwm that OpenSSL comes first",
		Expects: "clear-0-15 and hwm clear them; clear-0-15, hwm and pointer-match miss OpenSSL's keys past their bounds of 16, 32 and 32: from n=11, n=27 and n=27 on with the 6 keys of 3.0",
		Params:  []catalogue.Param{{Name: "n", Default: 14, Min: 1, Max: 100, Summary: "number of keys"}},
		Variants: []string{"foreign-before:n=5", "foreign-before", "foreign-before:n=20",
			"foreign-before:n=40"},
		expect: expectForeignBefore,
	},
	{
		Name: "foreign-after", File: "hazard_foreign.c",
		Summary: "n filled pthread keys of third-party libraries, created after OpenSSL's set-up",
		Source:  "modules that are loaded after the TLS module",
		Expects: "clear-0-15 clears those below 16; hwm clears those that reuse the number of a deleted key (reuse=1)",
		Params: []catalogue.Param{
			{Name: "n", Default: 12, Min: 1, Max: 100, Summary: "number of keys"},
			{Name: "reuse", Default: 0, Min: 0, Max: 1, Summary: "1: some reuse the numbers of deleted keys, below OpenSSL's keys"},
		},
		Variants: []string{"foreign-after", "foreign-after:reuse=1"},
		expect: func(e expecting) []Word {
			how := map[string][]Word{"clear-0-15": collateral}
			if e.value("reuse") != 0 {
				how["hwm"] = collateral
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "rank0-client", File: "hazard_rank0_client.c",
		Summary:  "a module makes a real TLS connection in rank 0's main thread, after set-up and before the forks",
		Source:   "database modules, which connect at start",
		Expects:  "temp-thread corrupts, unless the connection is made in its temporary thread (wrapped=1)",
		Params:   []catalogue.Param{{Name: "wrapped", Default: 0, Min: 0, Max: 1, Summary: "1: connect in the strategy's initialising hook"}},
		Variants: []string{"rank0-client", "rank0-client:wrapped=1"},
		expect: func(e expecting) []Word {
			if e.value("wrapped") != 0 {
				return onlyNone(e)
			}
			return hurts(map[string][]Word{"temp-thread": corrupt})(e)
		},
		Quiet: true,
	},
	{
		Name: "between-forks", File: "hazard_between_forks.c",
		Summary: "rank 0 uses OpenSSL between two forks, and leaves errors in its queue",
		Source:  "a main process that does more than start workers",
		Expects: "temp-thread corrupts, because it acts only once; fixes that act at each fork are clean",
		expect:  hurts(map[string][]Word{"temp-thread": corrupt}),
		Quiet:   true,
	},
	{
		Name: "shared-ctx", File: "hazard_shared_ctx.c",
		Summary:  "one SSL_CTX for all workers",
		Source:   "the reason why Kamailio makes one for each worker",
		Expects:  "with an RSA key all strategies fail, because OpenSSL identifies the owner of a blinding by pthread_self(), which is equal in forked processes; with ECDSA only none fails",
		Params:   []catalogue.Param{{Name: "rsa", Default: 0, Min: 0, Max: 1, Summary: "1: the server's key is RSA-2048"}},
		Variants: []string{"shared-ctx", "shared-ctx:rsa=1"},
		RSA:      "rsa",
		expect: func(e expecting) []Word {
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
		Source:   "OpenSSL's default; Kamailio's tls module overrides two of three kinds of lock (kamailio=1)",
		Expects:  "all strategies hang, key-owner too, so it is not a control here; with kamailio=1 only where OpenSSL uses condition variables (3.5 and later)",
		Params:   []catalogue.Param{{Name: "kamailio", Default: 0, Min: 0, Max: 1, Summary: "1: mutexes and rwlocks are shared, condition variables are not"}},
		Variants: []string{"private-locks", "private-locks:kamailio=1"},
		expect: func(e expecting) []Word {
			switch {
			case e.value("kamailio") == 0:
				return hanging
			case e.line() == "3.0" || e.line() == "1.1.1":
				return onlyNone(e)
			}
			return toBeMeasured
		},
		NeedsHeap: true, Quiet: true,
	},
	{
		Name: "many-errors", File: "hazard_many_errors.c",
		Summary: "all peers are bad, and each worker makes more errors than its queue holds",
		Source:  "scanners on an open SIP port",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(1)},
		AllBad:  true,
		expect:  onlyNone,
	},
	{
		Name: "python", File: "hazard_python.c",
		Summary: "real libpython in rank 0's main thread, and Python's ssl and hashlib in the workers",
		Needs:   "libpython 3 with its ssl module, linked with the build's libcrypto: libpython3.x, libpython3.x-stdlib",
		Source:  "Kamailio's module app_python3; its notes say that libpython must start in the primary thread",
		Expects: "temp-thread corrupts; clear-0-15 clears libpython's key, and PyGILState_Ensure deadlocks in the workers; with before=1 hwm does too",
		Params: []catalogue.Param{
			{Name: "before", Default: 0, Min: 0, Max: 1, Summary: "1: the interpreter starts before OpenSSL, and its ssl module after it"},
			every(8),
		},
		Variants: []string{"python", "python:before=1"},
		expect: func(e expecting) []Word {
			lost := []Word{Broken, Collateral}
			how := map[string][]Word{"temp-thread": corrupt, "clear-0-15": lost}
			if e.value("before") != 0 {
				how["hwm"] = lost
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "curl", File: "hazard_curl.c",
		Summary: "real libcurl on OpenSSL: HTTPS requests in rank 0's main thread and in the workers",
		Needs:   "libcurl with OpenSSL, linked with the build's libcrypto: libcurl4",
		Source:  "modules that query web services, such as Kamailio's http_client",
		Expects: "temp-thread corrupts; none corrupts too; all others are clean, because no library that Debian's libcurl loads keeps a value in a key of rank 0 (first seen by this suite, on 1.1.1 to 3.6)",
		Params:  []catalogue.Param{every(16)},
		expect:  hurts(map[string][]Word{"temp-thread": corrupt}),
	},
	{
		Name: "postgres", File: "hazard_postgres.c",
		Summary: "real libpq with TLS to a real PostgreSQL: a connection in rank 0's main thread, queries in the workers",
		Needs:   "libpq linked with the build's libcrypto, and a PostgreSQL server: libpq5, postgresql",
		Source:  "Kamailio's module db_postgres, which connects at start",
		Expects: "temp-thread corrupts; none corrupts too; all others are clean, because no library that Debian's libpq loads keeps a value in a key of rank 0 (first seen by this suite, on 1.1.1 to 3.6)",
		Params:  []catalogue.Param{every(8)},
		expect:  hurts(map[string][]Word{"temp-thread": corrupt}),
	},
	{
		Name: "mariadb", File: "hazard_mariadb.c",
		Summary: "real libmariadb with TLS to a real MariaDB: a connection in rank 0's main thread, queries in the workers",
		Needs:   "libmariadb linked with the build's libcrypto, and a MariaDB server: libmariadb3, mariadb-server-core",
		Source:  "OpenSIPS issue 3280 and pull request 3841; the most used database module of both daemons",
		Expects: "temp-thread corrupts; none corrupts too; all others are clean",
		Params:  []catalogue.Param{every(8)},
		expect:  hurts(map[string][]Word{"temp-thread": corrupt}),
	},
	{
		Name: "handoff", File: "hazard_handoff.c",
		Summary:   "connections cross processes: one worker does the handshake, a second serves, a third frees",
		Needs:     "three workers or more, and a shared heap",
		Source:    "Kamailio's TCP main process and its readers, the reason for the shared heap",
		Expects:   "none corrupts; all others must work",
		expect:    onlyNone,
		NeedsHeap: true, NeedsWorkers: 3,
		Without: []string{"late-forks"},
	},
	{
		Name: "late-forks", File: "hazard_late_forks.c",
		Summary: "workers retire under traffic, and rank 0 forks others in their place",
		Source:  "autoscaling, and the documented purpose of OPENSSL_thread_stop()",
		Expects: "none corrupts; with thread-stop=1 pointer-match corrupts too, because it leaves OpenSSL's list of thread-stop handlers shared, and the first worker to retire frees it for all (found by this suite); the memory that each retired worker leaves in the shared heap is measured",
		Params: []catalogue.Param{
			{Name: "thread-stop", Default: 0, Min: 0, Max: 1, Summary: "1: a worker calls OPENSSL_thread_stop() when it retires"},
			after,
		},
		Variants: []string{"late-forks", "late-forks:thread-stop=1"},
		expect: func(e expecting) []Word {
			if e.value("thread-stop") != 0 {
				return hurts(map[string][]Word{"pointer-match": corrupt})(e)
			}
			return onlyNone(e)
		},
	},
	{
		Name: "mutual-tls", File: "hazard_mutual_tls.c",
		Summary: "peers present good and expired certificates and those of an unknown authority; each has one right outcome",
		Source:  "verification errors are the most common in the field",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(2)},
		expect:  onlyNone,
	},
	{
		Name: "reload", File: "hazard_reload.c",
		Summary: "running workers build a new SSL_CTX, and free the old one when its last connection ends",
		Source:  "a reload of certificates, such as Kamailio's tls.reload",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{every(16)},
		expect:  onlyNone,
		Without: []string{"shared-ctx", "late-forks"},
	},
	{
		Name: "long-lived", File: "hazard_long_lived.c",
		Summary: "connections stay open and are written to between other handshakes",
		Source:  "phones, which keep their connections open",
		Expects: "none corrupts; all others are clean",
		Params:  []catalogue.Param{{Name: "n", Default: 8, Min: 1, Max: 64, Summary: "connections of each worker"}, every(4)},
		expect:  onlyNone,
	},
	{
		Name: "fips", File: "hazard_fips.c",
		Summary: "OpenSSL's FIPS module does all cryptography",
		Needs:   "the build's FIPS module: openssl-provider-fips, from Debian's 3.5 on",
		Source:  "openssl pull requests 27788, 27794, 28781",
		Expects: "thread-stop corrupts on 3.6 and 4.0, because the module's table stays in its slot after OPENSSL_thread_stop(); pointer-match leaves it shared too",
		expect: func(e expecting) []Word {
			how := map[string][]Word{}
			if e.line() == "3.6" || e.line() == "4.0" {
				how["thread-stop"] = corrupt
			}
			return hurts(how)(e)
		},
		Quiet: true,
	},
	{
		Name: "provider-state", File: "hazard_state.c",
		Summary: "a provider (on 1.1.1 an engine) keeps per-thread state behind its own key, in OpenSSL's memory",
		Source:  "QAT_Engine, issues 47, 100, 143, 308",
		Expects: "temp-thread, thread-stop and pointer-match leave it shared, because OpenSSL does not know it; hwm does too if the provider is loaded after its set-up",
		Params: []catalogue.Param{
			catalogue.OneOf("when", "loaded before or after the strategy's set-up", "before", "after"),
			every(1),
		},
		Variants: []string{"provider-state", "provider-state:when=after"},
		expect: func(e expecting) []Word {
			how := map[string][]Word{"temp-thread": corrupt, "thread-stop": corrupt, "pointer-match": corrupt}
			if e.value("when") != 0 {
				how["hwm"] = corrupt
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "tls-variable", File: "hazard_state.c",
		Summary: "the same state behind a __thread variable, which has no key",
		Source:  "workload/rig/hazard_state.c",
		Expects: "all corrupt, because they act on keys only",
		Params:  []catalogue.Param{every(1)},
		expect:  func(expecting) []Word { return corrupt },
	},
	{
		Name: "atfork-user", File: "hazard_atfork_user.c",
		Summary: "a third-party library's at-fork handler uses OpenSSL",
		Source:  "QAT_Engine issue 47, pkcs11-provider pull request 135, libp11 issue 39",
		Expects: "with a prepare handler temp-thread corrupts; a handler that is registered before the fix runs after it, and then thread-stop corrupts too",
		Params: []catalogue.Param{
			catalogue.OneOf("side", "side of the fork", "prepare", "child"),
			catalogue.OneOf("order", "registered before or after the strategy's handlers", "before", "after"),
		},
		Variants: []string{"atfork-user", "atfork-user:order=after", "atfork-user:side=child", "atfork-user:order=after;side=child"},
		expect: func(e expecting) []Word {
			how := map[string][]Word{}
			if e.value("side") == 0 {
				how["temp-thread"] = corrupt
				if e.value("order") == 0 {
					how["thread-stop"] = corrupt
				}
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "worker-forks", File: "hazard_worker_forks.c",
		Summary: "a worker forks, and both processes use OpenSSL at the same time",
		Source:  "Kamailio modules that fork by themselves; Python's multiprocessing; Shopify/pitchfork issues 67, 79, 89",
		Expects: "temp-thread corrupts, because it acts only in rank 0",
		Params:  []catalogue.Param{every(16)},
		expect:  hurts(map[string][]Word{"temp-thread": corrupt}), OneArena: true,
	},
	{
		Name: "rank0-thread", File: "hazard_rank0_thread.c",
		Summary: "a second thread of rank 0 uses OpenSSL while the main thread forks",
		Source:  "kamailio issue 4153, openssl issue 19066",
		Expects: "none corrupts; all others are clean, because the locks of the thread are in shared memory, and it lives on to release them (found by this suite)",
		expect:  onlyNone, Quiet: true, OneArena: true,
	},
	{
		Name: "orderly-exit", File: "hazard_orderly_exit.c",
		Summary: "a process ends by exit(), which runs OpenSSL's clean-up, while others serve",
		Source:  "OpenSIPS issues 1121, 2115, 3767; Kamailio's --atexit=no",
		Expects: "all corrupt up to 3.6; 4.0 no longer cleans up at exit, so that only none does",
		Params: []catalogue.Param{
			catalogue.OneOf("who", "workers that retire, or rank 0", "worker", "rank0"),
			after,
		},
		Variants: []string{"orderly-exit", "orderly-exit:who=rank0"},
		expect: func(e expecting) []Word {
			if e.line() == "4.0" {
				return onlyNone(e)
			}
			return corrupt
		},
		QuietIf: "who",
	},
	{
		Name: "parent-errors", File: "hazard_parent_errors.c",
		Summary: "rank 0 has an error in its queue at each fork",
		Source:  "the code of thread-stop",
		Expects: "thread-stop loses it; temp-thread corrupts, because rank 0's main thread then has an error queue",
		expect:  hurts(map[string][]Word{"temp-thread": corrupt, "thread-stop": {Broken}}), Quiet: true,
	},
	{
		Name: "second-context", File: "hazard_second_context.c",
		Summary:  "a library has n more library contexts (OSSL_LIB_CTX), made in rank 0 after set-up and used in the workers",
		Source:   "openssl issues 27757, 20118; curl pull request 22665",
		Expects:  "temp-thread corrupts; on 3.0 and 3.5, where each context has generators behind keys of its own, hwm and pointer-match miss them, and clear-0-15 those past key 15 (from n=6 and n=4 on)",
		Params:   []catalogue.Param{{Name: "n", Default: 1, Min: 1, Max: 32, Summary: "number of contexts"}, every(1)},
		Variants: []string{"second-context", "second-context:n=8"},
		expect: func(e expecting) []Word {
			how := map[string][]Word{"temp-thread": corrupt}
			if keys := KeysOfOpenSSL(e.openssl); keys > 4 {
				how["hwm"], how["pointer-match"] = corrupt, corrupt
				each := keys - 4 // new keys of each context, as probe shows: 2 on 3.0, 3 on 3.5
				if keys+each*e.value("n") > bound("clear-0-15") {
					how["clear-0-15"] = corrupt
				}
			}
			return hurts(how)(e)
		},
	},
	{
		Name: "killed-worker", File: "hazard_killed_worker.c",
		Summary: "a worker is killed by SIGKILL, with a lock that the others need, and replaced",
		Source:  "kamailio issue 1172, OpenSIPS issue 1767",
		Expects: "all hang, because OpenSSL's locks are not robust; with another lock, or without one, only none corrupts",
		Params: []catalogue.Param{
			catalogue.OneOf("locked", "the lock: OpenSSL's, the heap's (which knows its holder and is freed), or none", "openssl", "heap", "none"),
			after,
		},
		Variants: []string{"killed-worker", "killed-worker:locked=heap", "killed-worker:locked=none"},
		expect: func(e expecting) []Word {
			if e.value("locked") == 0 {
				return hanging
			}
			return onlyNone(e)
		},
		NeedsHeap: true,
	},
	{
		Name: "foreign-shared", File: "hazard_foreign.c",
		Summary:   "n keys of third-party libraries whose values point into the shared heap on purpose",
		Source:    "the assumption of shm-match",
		Expects:   "shm-match clears them; clear-0-15 clears those below key 16",
		Params:    []catalogue.Param{{Name: "n", Default: 2, Min: 1, Max: 32, Summary: "number of keys"}},
		expect:    hurts(map[string][]Word{"clear-0-15": collateral, "shm-match": collateral}),
		NeedsHeap: true,
	},
}
