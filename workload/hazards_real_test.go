package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// mustHave fails where the machine lacks the library: make test installs it.
func mustHave(t *testing.T, out *Outcome) {
	t.Helper()
	if out.Skipped != "" {
		t.Fatalf("skipped: %s", out.Skipped)
	}
}

// tilEverywhere repeats a trial that nothing may damage until the hazard has
// happened in each worker, and takes the last one.
func tilEverywhere(t *testing.T, cfg Config) *Outcome {
	t.Helper()
	out := retry(t, cfg, func(o *Outcome) bool { return happened(cfg, o) }, func(o *Outcome) {
		mustHave(t, o)
		if o.Damaged() {
			t.Errorf("%s: %v", cfg.Strategy, o.Noted)
		}
	})
	if !happened(cfg, out) {
		t.Errorf("%s, %s: the hazard did not happen everywhere: %+v", cfg.Hazard, cfg.Strategy, out.Acts)
	}
	return out
}

// happened reports whether it did in rank 0 and in each worker.
func happened(cfg Config, out *Outcome) bool {
	return len(out.Acts) == 1 && out.Acts[0].Rank0 > 0 && len(out.Acts[0].Workers) == cfg.Workers &&
		!slices.Contains(out.Acts[0].Workers, 0)
}

// Python really runs in the workers, on the OpenSSL under test.
func TestPython(t *testing.T) {
	for _, strategy := range []string{catalogue.NegativeControl, "hwm"} {
		cfg := hazardTrial(t, "python", strategy, "memory")
		cfg.Duration = time.Second
		out := tilEverywhere(t, cfg)
		if !strings.HasPrefix(out.Neighbour, "Python 3") || !strings.Contains(out.Neighbour, "OpenSSL "+out.OpenSSLVersion) {
			t.Errorf("the neighbour is %q, want Python on OpenSSL %s", out.Neighbour, out.OpenSSLVersion)
		}
	}
}

// What the field says of real libpython.
func TestPythonHurts(t *testing.T) {
	for _, tc := range []struct{ hazard, strategy, event string }{
		{"python", "clear-0-15", "lost-slot"},
		{"python", "clear-0-15", "broken-neighbour"},
		{"python:before=1", "hwm", "lost-slot"},
	} {
		t.Run(tc.hazard+"/"+tc.strategy+"/"+tc.event, func(t *testing.T) {
			cfg := hazardTrial(t, tc.hazard, tc.strategy, "memory")
			out := mustRun(t, cfg)
			mustHave(t, out)
			if out.Events[tc.event] == 0 || out.Events["hang"] != 0 {
				t.Errorf("want %s and no hang: %v", tc.event, out.Noted)
			}
			expectDeviation(t, cfg, out)
		})
	}
}

// pythonOn is a trial in which a fix as good as key-owner hands out random
// numbers of its own: from draw, in the body of a function (out, n) that knows forks, the
// number of the worker from 1 on, and whether Python asks.
func pythonOn(t *testing.T, draw string) Config {
	cfg := hazardTrial(t, "python", "own", "memory")
	cfg.Duration = time.Second
	cfg.Strategy = ownObject(t, "own", []byte(`#include "strategy.h"
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
struct rand_method { int (*seed)(const void *, int), (*bytes)(unsigned char *, int); void (*cleanup)(void);
	int (*add)(const void *, int, double), (*pseudorand)(unsigned char *, int), (*status)(void); };
static int forks, (*set_method)(const struct rand_method *);
static volatile int *shared;
static int (*has_gil)(void);
static inline int in_python(void) { return has_gil && !has_gil(); } /* which its module ssl gives up for a handshake */
static inline long seconds(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec; }
static int draw(unsigned char *out, int n)
{
`+draw+`
}
static const struct rand_method method = {.bytes = draw, .pseudorand = draw};
static int look_up(struct strategy_context *ctx)
{
	set_method = (int (*)(const struct rand_method *))ctx->symbol("RAND_set_rand_method");
	shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return 0;
}
static void prepare(struct strategy_context *ctx) { (void)ctx; forks++; }
static void child(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);
	for (size_t i = 0; i < n && i < 64; i++)
		pthread_setspecific(keys[i], 0);
	has_gil = (int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Check");
	set_method(&method);
}
static const char *const needs[] = {"RAND_set_rand_method", 0};
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .needs = needs,
	.after_setup = look_up, .prepare = prepare, .child = child};
`))
	return cfg
}

// A call that waits for a worker which is busy, or gets no processor, is not lost; one
// for which nobody can do anything is.
func TestPythonWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		lost bool
	}{
		"for a busy worker": {`if (in_python() && forks == 2 && !*shared) {
		*shared = 1;
		for (long end = seconds() + 4; seconds() < end;)
			;
		*shared = 2;
	}
	while (in_python() && forks == 1 && *shared != 2)
		usleep(10000);`, false},
		"for nobody": {`static int stuck;
	if (in_python() && forks == 1 && !stuck++)
		for (;;)
			pause();`, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pythonOn(t, tc.body+"\n	return getrandom(out, n, 0) == n;")
			cfg.HangAfter = 20 * time.Second // the busy one is not looked for here
			out := mustRun(t, cfg)
			mustHave(t, out)
			if out.NotApplicable != "" {
				t.Skip(out.NotApplicable)
			}
			if lost := out.Events[event.BrokenNeighbour] == 1; lost != tc.lost || out.Damaged() != tc.lost {
				t.Errorf("lost %v, want %v: %v", lost, tc.lost, out.Noted)
			}
		})
	}
}

// What Python itself complains of is an event of the worker in which it did:
// here the second one, whose random method draws nothing.
func TestPythonComplains(t *testing.T) {
	cfg := pythonOn(t, `return forks == 2 ? 0 : getrandom(out, n, 0) == n;`)
	out := mustRun(t, cfg)
	mustHave(t, out)
	complaints := 0
	for _, e := range out.Noted {
		if e.Kind == "broken-neighbour" && e.Worker == 1 && strings.HasPrefix(e.Detail, "Python: ") {
			complaints++
		} else if e.Worker != 1 { // whose own handshakes fail as well
			t.Errorf("%s of worker %d: %s", e.Kind, e.Worker, e.Detail)
		}
	}
	if out.NotApplicable == "" && complaints == 0 {
		t.Errorf("Python did not complain: %v", out.Events)
	}
}

// libcurl's requests really reach the server, from rank 0 and from each worker.
func TestCurl(t *testing.T) {
	cfg := hazardTrial(t, "curl", catalogue.NegativeControl, "memory")
	cfg.Duration = time.Second
	out := tilEverywhere(t, cfg)
	if out.Served["/curl-rank0"] != 1 {
		t.Errorf("the server saw %v, want one request of rank 0", out.Served)
	}
	for i := range cfg.Workers {
		if path := fmt.Sprintf("/curl-worker-%d", i); out.Served[path] == 0 {
			t.Errorf("the server saw %v, none for %s", out.Served, path)
		}
	}
	if !strings.Contains(out.Neighbour, "libcurl/") || !strings.Contains(out.Neighbour, "OpenSSL/") {
		t.Errorf("the neighbour is %q", out.Neighbour)
	}
}

// MariaDB itself says in rank 0 and in each worker that the session is one with TLS.
func TestMariaDB(t *testing.T) {
	cfg := hazardTrial(t, "mariadb", catalogue.NegativeControl, "memory")
	cfg.Duration = time.Second
	out := tilEverywhere(t, cfg)
	if !strings.HasPrefix(out.Neighbour, "libmariadb ") || !strings.Contains(out.Neighbour, ", TLSv1.") {
		t.Errorf("the neighbour is %q, want a session with TLS", out.Neighbour)
	}
}

// Several hazards in one process each happen everywhere. Those with the FIPS module
// need a build that was fetched with its neighbours.
func TestHazardsTogether(t *testing.T) {
	for _, tc := range []struct{ build, hazard string }{
		{"system", "python:before=1+postgres"}, {"system", "mariadb:every=4+rank0-client:wrapped=1"},
		{"3.5", "fips+rank0-client"}, {"3.6", "mariadb+fips"}, {"4.0", "fips+rank0-client"},
	} {
		builds, err := openssl.Find([]string{tc.build}, "")
		if err != nil {
			t.Logf("%s: %v", tc.build, err)
			continue
		}
		if why, err := Lacks(tc.hazard, builds[0]); tc.build != "system" && why != "" || err != nil {
			t.Logf("%s, %s: %s, %v", tc.build, tc.hazard, why, err)
			continue
		}
		cfg := hazardTrial(t, tc.hazard, catalogue.NegativeControl, "memory")
		cfg.Build, cfg.Duration = builds[0], time.Second
		list, err := results.ParseHazard(tc.hazard)
		if err != nil {
			t.Fatal(err)
		}
		everywhere := func(o *Outcome) bool {
			for i, act := range o.Acts {
				if act.Rank0 == 0 || list[i].InWorkers() && slices.Contains(act.Workers, 0) {
					return false
				}
			}
			return len(o.Acts) == len(list)
		}
		out := retry(t, cfg, everywhere, func(o *Outcome) {
			mustHave(t, o)
			if o.Damaged() {
				t.Errorf("%s, %s: %v", tc.build, tc.hazard, o.Noted)
			}
		})
		if !everywhere(out) {
			t.Errorf("%s, %s: %+v", tc.build, tc.hazard, out.Acts)
		}
	}
}

// PostgreSQL really sees TLS sessions of rank 0 and of each worker, and nothing
// is left of it when it is stopped.
func TestPostgres(t *testing.T) {
	cfg := hazardTrial(t, "postgres", catalogue.NegativeControl, "memory")
	cfg.Duration = time.Second
	out := tilEverywhere(t, cfg)
	if !strings.Contains(out.Neighbour, "TLSv1.") {
		t.Errorf("the neighbour is %q, want a session with TLS", out.Neighbour)
	}
	server, err := neighbours.Postgres.Shared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"tlsbench-rank0"}
	for i := range cfg.Workers {
		names = append(names, fmt.Sprintf("tlsbench-worker-%d", i))
	}
	log, err := os.ReadFile(filepath.Join(server.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		session := regexp.MustCompile("connection authorized.*application_name=" + name + " .*SSL enabled")
		if !session.Match(log) {
			t.Errorf("PostgreSQL saw no TLS session of %s", name)
		}
	}
	neighbours.StopShared()
	if _, err := os.Stat(server.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", server.Dir, err)
	}
}
