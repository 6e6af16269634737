package results

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tlsbench/results/event"
)

func TestObject(t *testing.T) {
	for site, want := range map[string]string{
		"err.c:692 libcrypto.so.3+0x1e8cb0 < ERR_set_mark < CONF_modules_load_file_ex":     "error queue",
		"libcrypto.so.3+0x214b5e < ERR_set_mark < CONF_modules_load_file_ex":               "error queue",
		"initthread.c:100 libcrypto.so.3+0x23453a < ERR_set_mark < pthread_once":           "list of what is to be done at a thread's end",
		"evp_enc.c:71 libcrypto.so.3+0x330285 < EVP_RAND_instantiate < RAND_get0_primary":  "random generator",
		"drbg.c:787 libcrypto.so.3+0x33bbcc < EVP_RAND_CTX_new":                            "random generator",
		"lhash.c:51 OPENSSL_LH_new (libcrypto.so.1.1) < OBJ_NAME_init":                     "",
		"ssl_cert.c:77 libssl.so.3+0x2bf23 < SSL_CTX_new < ERR_never_at_the_begin_of_this": "",
	} {
		if got := (&RacedBlock{Site: site}).Object(); got != want {
			t.Errorf("%s: %q, want %q", site, got, want)
		}
	}
}

func TestWho(t *testing.T) {
	for want, processes := range map[string][]int{
		"rank 0": {-1}, "worker 2": {2}, "workers 0 1": {0, 1}, "rank 0 and workers 0 3": {0, 3, -1},
		"worker 1 and children of worker 1": {1, -3}, "children of workers 0 2": {-2, -4},
	} {
		if got := Who(processes); got != want {
			t.Errorf("%v: %q, want %q", processes, got, want)
		}
	}
}

// sharingFile has sharing trials of some strategies, under plain and under a
// hazard, by the sites of their raced blocks; a site with ! is read-raced, and a status
// is the trial's.
func sharingFile(t *testing.T, sites map[string]string) string {
	t.Helper()
	var trials []*Trial
	for cell, text := range sites {
		hazard, strategy, _ := strings.Cut(cell, " ")
		trial := &Trial{
			Cell: Cell{Measure: Sharing, OpenSSL: "3.0.20", Hazard: hazard, Load: "memory", Heap: "traced", Strategy: strategy, Workers: 4},
			ID:   len(trials) + 1, Round: 1, Status: OK, Life: Life{Handshakes: 200}, Metrics: []Metric{{1, RacedBlocks}},
		}
		for site := range strings.FieldsSeq(text) {
			if slices.Contains(statuses, Status(site)) {
				trial.Status, trial.Metrics = Status(site), nil
				continue
			}
			if site == event.Crash {
				trial.Events = map[string]uint64{site: 1}
				continue
			}
			name, read := strings.CutSuffix(site, "!")
			trial.Raced = append(trial.Raced, RacedBlock{Site: name, ReadRaced: read, Writers: []int{0, 1}, Writes: []event.RacedWrite{{Site: "w", By: []int{0}, Count: 1}}})
		}
		trials = append(trials, trial)
	}
	return fileOf(t, "sharing.txt", trials...)
}

// Equal slots are shared objects where the tracer has not looked, or not to the end.
func TestEqualSlots(t *testing.T) {
	life, looked := testCell(Corruption, "hwm"), testCell(Sharing, "hwm")
	looked.Heap = Traced
	for name, tt := range map[string]struct {
		sharing []*Trial
		want    bool
	}{
		"no sharing trial": {nil, true},
		"nothing raced":    {[]*Trial{{Cell: looked, Status: OK, Metrics: []Metric{{0, RacedBlocks}}}}, false},
		"cut short": {[]*Trial{{Cell: looked, Status: OK, Metrics: []Metric{{0, RacedBlocks}},
			Life: Life{Events: map[string]uint64{event.Crash: 1}}}}, true},
		"could not be carried out": {[]*Trial{{Cell: looked, Status: Failed, Reason: "too busy"}}, true},
	} {
		trials := append(some(60, life), tt.sharing...)
		trials[0].SharedSlots = 1
		sum, err := Summarize(Options{}, fileOf(t, "run.txt", trials...))
		if err != nil || len(sum.Tables) != 1 {
			t.Fatalf("%s: %v, %+v", name, err, sum)
		}
		if v := sum.Tables[0].Rows[0].Verdict; (v.Worst() == Shared) != tt.want {
			t.Errorf("%s: %v", name, v)
		}
	}
}

// A daemon has a floor and controls of its own, whatever random generator it has.
func TestSharingOfDaemon(t *testing.T) {
	var trials []*Trial
	for i, c := range []struct{ server, strategy, site string }{
		{"", "none", "err.c:1"}, {"", "key-owner", "rig.c:2"}, {"kamailio-5.4", "none", "err.c:1"}, {"kamailio-5.4", "key-owner", "own.c:3"}, {"kamailio-5.4", "hwm", "rig.c:2"},
	} {
		trial := &Trial{
			Cell: Cell{Measure: Sharing, OpenSSL: "1.1.1w", Hazard: "plain", Load: "tcp", Heap: "traced", Strategy: c.strategy, Workers: 4},
			ID:   i + 1, Round: 1, Status: OK, Metrics: []Metric{{1, RacedBlocks}}, Life: Life{Raced: []RacedBlock{{Site: c.site, Writers: []int{0, 1}}}},
		}
		if c.server != "" {
			trial.Cell.Settings = Settings("server=" + c.server + " rand=method")
		}
		trials = append(trials, trial)
	}
	sum, err := Summarize(Options{}, fileOf(t, "sharing.txt", trials...))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range sum.Tables {
		raced := map[string]int{}
		for _, r := range table.Rows {
			raced[r.Strategy] = r.Sharing.Raced
		}
		want := map[string]int{"none": 1, "key-owner": 0}
		if table.Setting(ServerKey) != "" {
			want["hwm"] = 1 // what the rig's oracle shares is not the daemon's
		}
		if !maps.Equal(raced, want) || table.Mark != "" {
			t.Errorf("%s: raced %v, want %v; %q", table.Scene, raced, want, table.Mark)
		}
	}
}

// What the oracle shows under plain is held against nobody; what it shows
// with a hazard is.
func TestSharingFloor(t *testing.T) {
	path := sharingFile(t, map[string]string{
		"plain none": "err.c:1 drbg.c:2 lhash.c:3", "plain key-owner": "lhash.c:3 prop.c:4!", "plain hwm": "lhash.c:3 prop.c:4!",
		"fips key-owner": "lhash.c:3 fips.c:5", "plain thread-stop": "prop.c:4", "plain shm-match": "prop.c:5", "plain clear-0-15": "other.c:6!",
	})
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"plain none": "shared 2 raced", "plain key-owner": "no trials 0 raced", "plain hwm": "no trials 0 raced",
		"fips key-owner": "shared 1 raced", "plain thread-stop": "no trials 0 raced", "plain shm-match": "shared 1 raced", "plain clear-0-15": "shared 0 raced, 1 read-raced",
	}
	for i := range c.Tables {
		for _, r := range c.Tables[i].Rows {
			cell := c.Tables[i].Hazard + " " + r.Strategy
			if got := r.Verdict.Short() + " " + r.Sharing.String(); got != want[cell] {
				t.Errorf("%s: %s, want %s", cell, got, want[cell])
			}
			delete(want, cell)
		}
		if got := strings.Join(c.Tables[i].Floor, " "); got != "lhash.c:3 prop.c:4" || c.Tables[i].Mark != "" {
			t.Errorf("%s: floor %q, mark %q", c.Tables[i].Hazard, got, c.Tables[i].Mark)
		}
	}
	if len(want) != 0 {
		t.Errorf("no row of %v", want)
	}
	for expect, broken := range map[string]int{
		"hwm=unshared": 0, "none=unshared": 1, "thread-stop=unshared": 0, "shm-match=unshared": 1, "clear-0-15=unshared": 1, "key-owner=unshared": 1, "hwm=clean": 1,
	} {
		var out strings.Builder
		if n, err := unmet(&out, CheckOptions{Expect: []string{expect}}, path); err != nil || n != broken {
			t.Errorf("%s: %d broken, %v, want %d: %s", expect, n, err, broken, out.String())
		}
	}
}

// A trial that a crash ended says nothing where no block was raced before it.
func TestSharingCutShort(t *testing.T) {
	path := sharingFile(t, map[string]string{"plain none": "err.c:1", "plain key-owner": "", "plain hwm": "crash", "fips hwm": "crash err.c:1", "python hwm": ""})
	for hazard, want := range map[string]string{"plain": "undecided: hwm=unshared: openssl 3.0.20, hazard plain, load memory, heap global, 4 workers: 0 raced, 1 of 1 trial cut short", "fips": "1 raced, such as err.c:1", "python": ""} {
		var out strings.Builder
		n, err := unmet(&out, CheckOptions{Expect: []string{"hwm=unshared"}, Where: []string{"hazard=" + hazard}}, path)
		if err != nil || n != min(1, len(want)) || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %d broken, %v, %s, want %s", hazard, n, err, out.String(), want)
		}
	}
	if got := (Verdict{Words: []Word{Clean}}).share(&SharedBlocks{Trials: 3, Cut: 1}); got.Worst() != NoDamageSeen {
		t.Errorf("clean with a trial cut short is %v", got.Words)
	}
}

// Older files that share less are not matched: no luck is needed to see it, and no test.
func TestSharingAgainst(t *testing.T) {
	for name, tt := range map[string]struct{ was, is, want string }{
		"the same":          {"err.c:1", "err.c:1", ""},
		"the floor's":       {"", "lhash.c:3", ""},
		"less":              {"err.c:1", "", ""},
		"read now":          {"err.c:1", "err.c:1!", ""},
		"none before":       {"", "err.c:1", "broken: not worse than OLD: SCENE, hwm: 1 raced, was 0 raced: new is err.c:1"},
		"others before":     {"err.c:1", "err.c:1 drbg.c:2!", "hwm: 1 raced, 1 read-raced, was 1 raced: new is drbg.c:2"},
		"cut short":         {"", "crash", "undecided: not worse than OLD: SCENE, hwm: 0 raced, 1 of 1 trial cut short, was 0 raced"},
		"not carried out":   {"", "failed", "undecided: not worse than OLD: SCENE, hwm: 1 trial could not be carried out"},
		"not looked at now": {"", "skipped", "undecided: not worse than OLD: SCENE, hwm: no sharing trial any more"},
	} {
		cells := func(hwm string) map[string]string {
			return map[string]string{"plain none": "err.c:1 drbg.c:2", "plain key-owner": "lhash.c:3", "plain hwm": hwm}
		}
		old := sharingFile(t, cells(tt.was))
		var out bytes.Buffer
		n, err := unmet(&out, CheckOptions{Against: []string{old}}, sharingFile(t, cells(tt.is)))
		text := strings.NewReplacer(old, "OLD", "openssl 3.0.20, hazard plain, load memory, heap global, 4 workers", "SCENE").Replace(out.String())
		if err != nil || !strings.Contains(text, tt.want) || (n == 0) != (tt.want == "") {
			t.Errorf("%s: %d unmet, error %v, want %q:\n%s", name, n, err, tt.want, text)
		}
	}
}

// Without its controls a sharing trial proves nothing.
func TestSharingControls(t *testing.T) {
	for text, cells := range map[string]map[string]string{
		"no sharing trial of key-owner":    {"plain none": "a", "plain hwm": ""},
		"no sharing trial of none":         {"plain key-owner": "", "plain hwm": ""},
		"no raced block under none in one": {"plain key-owner": "a", "plain none": "a", "plain hwm": ""},
	} {
		var out strings.Builder
		n, err := unmet(&out, CheckOptions{Expect: []string{"hwm=unshared"}}, sharingFile(t, cells))
		if err != nil || n != 1 || !strings.Contains(out.String(), text) {
			t.Errorf("%v: %d broken, %v, %s, want %s", cells, n, err, out.String(), text)
		}
	}
}

// The word stands among the others by its rank, and takes clean away.
func TestSharedWord(t *testing.T) {
	s := &SharedBlocks{Trials: 1, Raced: 1}
	for _, test := range []struct{ words, want []Word }{
		{[]Word{Clean}, []Word{Shared}}, {[]Word{NoDamageSeen}, []Word{Shared}},
		{[]Word{Crashed, Corrupt, Collateral}, []Word{Crashed, Corrupt, Shared, Collateral}},
	} {
		got := Verdict{Words: test.words}.share(s)
		if got.Short() != (Verdict{Words: test.want}).Short() {
			t.Errorf("%v with raced blocks: %v, want %v", test.words, got.Words, test.want)
		}
	}
	if got := (Verdict{Words: []Word{Clean}}).share(&SharedBlocks{Trials: 3}); got.Worst() != Clean {
		t.Errorf("clean without raced blocks is %v", got.Words)
	}
}

// The same trials give the same list of places each time, also where a place is
// written by several in one block and read by others in another.
func TestSharedSitesHaveAnOrder(t *testing.T) {
	path := sharingFile(t, map[string]string{"plain none": "err.c:1 err.c:1! drbg.c:2 drbg.c:2! lhash.c:3 lhash.c:3!", "plain key-owner": ""})
	for range 20 {
		c, err := Summarize(Options{}, path)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, r := range c.Tables[0].Rows {
			for _, p := range r.Sharing.Sites {
				list = append(list, fmt.Sprint(p.Site, p.ReadRaced))
			}
		}
		if got, want := strings.Join(list, " "), "drbg.c:2false drbg.c:2true err.c:1false err.c:1true lhash.c:3false lhash.c:3true"; got != want {
			t.Fatalf("places %s, want %s", got, want)
		}
	}
}
