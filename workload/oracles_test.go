package workload

import (
	"os"
	"slices"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// difference is a way in which shm-match, which goes by value, and key-owner, which
// goes by ownership, may leave a slot different.
type difference struct {
	why      string
	byValue  event.SlotState // under shm-match, and
	byOwner  event.SlotState // under key-owner,
	ours     bool            // of a key of OpenSSL's or not,
	inHeap   bool            // whose value in rank 0 points into the shared heap or not,
	occurs   func(hazard, line string) bool
	expected []string // events that it makes under shm-match
}

// differences are all that there are. Each has to be seen wherever it occurs.
var differences = []difference{
	{
		why: "From 3.0 on OpenSSL notes in a slot that this thread has read the configuration: -1, which is no address. " +
			"It is OpenSSL's, so key-owner clears it; it points nowhere, so shm-match leaves it, and a copy in each process harms no one.",
		byValue: event.Inherited, byOwner: event.Cleared, ours: true, inHeap: false,
		occurs: func(_, line string) bool { return line != "1.1.1" },
	},
	{
		why: "The value of a third party lies in the shared heap on purpose: shm-match takes it for OpenSSL's and wipes it. " +
			"This is the assumption of shm-match, broken.",
		byValue: event.Cleared, byOwner: event.SharedSlot, ours: false, inHeap: true,
		occurs:   func(hazard, _ string) bool { return hazard == "foreign-shared" },
		expected: []string{event.LostSlot},
	},
	{
		why: "A third party's handler uses OpenSSL in the child alone. key-owner is registered before it, so in the child it clears first and " +
			"the slots are filled anew; shm-match is registered after it, and clears what that one filled.",
		byValue: event.Cleared, byOwner: event.Replaced, ours: true, inHeap: true,
		occurs: func(hazard, _ string) bool { return hazard == "atfork-user:side=child" },
	},
}

// The two fixes that know what to clear know it by different means: neither can be
// wrong in the same way as the other. In every hazard on every line that is there
// they leave the same slots and do the same damage, but for the differences above.
// The system's line takes some seconds; make test-long does all.
func TestOraclesAgree(t *testing.T) {
	names := []string{"system"}
	if os.Getenv("TLSBENCH_LINES") != "" {
		names = []string{"all"}
	}
	builds, err := openssl.Find(names, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range builds {
		for _, hazard := range results.AllHazards() {
			t.Run(b.Version+"/"+hazard, func(t *testing.T) {
				byValue, byOwner := probedUnder(t, b, hazard, "shm-match"), probedUnder(t, b, hazard, catalogue.NegativeControl)
				if why := byOwner.Untold(); why != "" {
					t.Skip(why)
				}
				explained := compareSlots(t, hazard, version.Line(b.Version), byValue, byOwner)
				compareDamage(t, b, hazard, explained, byValue, byOwner)
			})
		}
	}
}

func probedUnder(t *testing.T, b openssl.Build, hazard, strategy string) *Probed {
	t.Helper()
	p, err := Probe(t.Context(), Config{Build: b, Hazard: hazard, Strategy: catalogue.Choice{Name: strategy}, HangAfter: time.Second})
	if err != nil {
		t.Fatalf("%s: %v", strategy, err)
	}
	return p
}

// compareSlots wants every difference that occurs here, and no other; it gives the
// events that they explain.
func compareSlots(t *testing.T, hazard, line string, byValue, byOwner *Probed) (explained []string) {
	t.Helper()
	seen := map[int]bool{}
	for _, v := range byValue.Keys {
		i := slices.IndexFunc(byOwner.Keys, func(o event.Slot) bool { return o.Key == v.Key })
		if i < 0 || byOwner.Keys[i].Creator != v.Creator {
			t.Errorf("key %d of %s under shm-match is another's under key-owner", v.Key, v.Creator)
			continue
		}
		o := byOwner.Keys[i]
		if v.State == o.State {
			continue
		}
		d := slices.IndexFunc(differences, func(d difference) bool {
			return d.byValue == v.State && d.byOwner == o.State && d.ours == v.OpenSSL && d.inHeap == v.InHeap && d.occurs(hazard, line)
		})
		if d < 0 {
			t.Errorf("key %d of %s is %s under shm-match and %s under key-owner, which nothing explains", v.Key, v.Creator, v.State, o.State)
		}
		seen[d] = true
	}
	for i, d := range differences {
		switch {
		case seen[i]:
			explained = append(explained, d.expected...)
		case d.occurs(hazard, line):
			t.Errorf("not seen: %s", d.why)
		}
	}
	return explained
}

// compareDamage wants the damage of the slots' differences under shm-match and none
// under key-owner, unless no fix can help against the hazard: there both fail.
func compareDamage(t *testing.T, b openssl.Build, hazard string, explained []string, byValue, byOwner *Probed) {
	t.Helper()
	expected, err := results.Expected(hazard, catalogue.NegativeControl, b.Version, results.Keys.Default())
	if err != nil {
		t.Fatal(err)
	}
	if len(expected) > 0 {
		return
	}
	for _, e := range explained {
		if byValue.Events[e] == 0 {
			t.Errorf("no %s under shm-match", e)
		}
		delete(byValue.Events, e)
	}
	for _, p := range []*Probed{byValue, byOwner} {
		if len(p.Events) > 0 || p.SharedAddresses > 0 {
			t.Errorf("%s: events %v, %d shared addresses", p.Strategy, p.Events, p.SharedAddresses)
		}
	}
	if !slices.ContainsFunc(byOwner.Keys, func(k event.Slot) bool {
		return k.OpenSSL && k.InHeap && (k.State == event.Cleared || k.State == event.Replaced)
	}) {
		t.Error("key-owner cleared nothing")
	}
}
