package main

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/page"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// What a probe says about a claim.
const (
	confirmed = "confirmed"
	refuted   = "refuted"
	untested  = "not tested"
)

// condition is under what a build is probed. Everything else has its default.
type condition struct {
	Strategy, Hazard, Rand string
}

// The conditions that claims are about.
var (
	asItIs     = condition{catalogue.PositiveControl, "plain", "default"}
	ownRandom  = condition{catalogue.PositiveControl, "plain", "method"}
	matched    = condition{"pointer-match", "plain", "default"}
	tempThread = condition{"temp-thread", "rank0-client", "default"}
	clearing   = condition{"clear-0-15", "foreign-before", "default"}
	marking    = condition{"hwm", "foreign-before", "default"}
)

// String names the condition for a message.
func (c condition) String() string {
	return fmt.Sprintf("strategy %s, hazard %s, rand %s", c.Strategy, c.Hazard, c.Rand)
}

// claim is one statement of the field about OpenSSL's thread-local state, and
// how probes tell whether it holds.
type claim struct {
	Text   string
	Source string
	Line   string      // of OpenSSL that it is about, such as 3; "" is any
	Needs  []condition // what has to be probed to test it
	Figure string      // what holds gives as figure
	// holds says whether the claim holds on one build, from the probes under
	// Needs, and what was found.
	holds func(p []*results.ProbedStrategy) (bool, string)
}

const readme = "Kamailio, src/modules/tls/OpenSSL3-README.md, commit 77de869 (2024-05-04)"

// claims lists them all. The text is that of the source, shortened.
var claims = []claim{
	{
		Text:   "all workers reuse the state that rank 0 initialises, at the same location in shared memory",
		Source: readme, Needs: []condition{asItIs},
		Figure: "shared addresses under none",
		holds:  addressesAreShared,
	},
	{
		Text: "OpenSSL 1.1.1 uses 4 thread-locals", Source: readme, Line: "1.1.1", Needs: []condition{asItIs},
		Figure: "keys", holds: keysAre(4),
	},
	{
		Text: "OpenSSL 3 uses 6 thread-locals", Source: readme, Line: "3", Needs: []condition{asItIs},
		Figure: "keys", holds: keysAre(6),
	},
	{
		Text:   "in OpenSSL 1.1.1 three of them matter: private_drbg, public_drbg, err_thread_local",
		Source: readme, Line: "1.1.1", Needs: []condition{asItIs, matched},
		Figure: handedOut, holds: handedOutAre(3),
	},
	{
		Text:   "in 1.1.1 an early RAND_set_rand_method() circumvents those of the two DRBGs",
		Source: readme, Line: "1.1.1", Needs: []condition{asItIs, ownRandom},
		Figure: "slots shared under none, without and with it",
		holds: func(p []*results.ProbedStrategy) (bool, string) {
			without, with := count(p[0]).shared, count(p[1]).shared
			return with == without-2, fmt.Sprintf("%d and %d", without, with)
		},
	},
	{
		Text:   "in OpenSSL 3 one of them matters: err_thread_local",
		Source: readme, Line: "3", Needs: []condition{asItIs, matched},
		Figure: handedOut, holds: handedOutAre(1),
	},
	{
		Text:   "pthread_key_t is a small integer that is incremented with each new key (Linux)",
		Source: readme, Needs: []condition{asItIs},
		Figure: "keys", holds: keysAreInARow,
	},
	{
		Text:   "temp-thread fails if a library must start OpenSSL in the primary thread",
		Source: readme, Needs: []condition{tempThread},
		Figure: "shared addresses with hazard rank0-client",
		holds:  addressesAreShared,
	},
	{
		Text:   "all keys below the high-water mark belong to OpenSSL, all others to third-party libraries",
		Source: readme, Needs: []condition{marking},
		Figure: "third-party keys that hwm clears with hazard foreign-before",
		holds:  nothingForeignCleared,
	},
	{
		Text:   "setting keys 0 to 15 to NULL affects only OpenSSL",
		Source: "assumed by tls_threads_mode=2 of Kamailio 5.8.0 and 5.8.1",
		Needs:  []condition{clearing},
		Figure: "third-party keys that clear-0-15 clears with hazard foreign-before",
		holds:  nothingForeignCleared,
	},
}

func addressesAreShared(p []*results.ProbedStrategy) (bool, string) {
	return p[0].SharedAddresses > 0, fmt.Sprint(p[0].SharedAddresses)
}

func keysAre(n int) func([]*results.ProbedStrategy) (bool, string) {
	return func(p []*results.ProbedStrategy) (bool, string) {
		keys := count(p[0]).keys
		return keys == n, fmt.Sprint(keys)
	}
}

// handedOut is how handedOutAre tells the slots that the claims name from
// others.
const handedOut = "slots with the error state or a generator (found by pointer-match), of those shared under none"

// handedOutAre counts the slots that hold what OpenSSL hands out as its error
// state or random generators. The strategy pointer-match finds them; a slot
// beyond them, such as that of OpenSSL's own list of things to do when a
// thread ends, is shared too, but no claim is made about it.
func handedOutAre(n int) func([]*results.ProbedStrategy) (bool, string) {
	return func(p []*results.ProbedStrategy) (bool, string) {
		found := 0
		for _, s := range p[0].Keys {
			after, ok := p[1].Slot(s.Key)
			if s.OpenSSL && s.State == event.SharedSlot && ok && after.State != event.SharedSlot {
				found++
			}
		}
		return found == n, fmt.Sprintf("%d of %d", found, count(p[0]).shared)
	}
}

func keysAreInARow(p []*results.ProbedStrategy) (bool, string) {
	var keys []int
	for _, s := range p[0].Keys {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return len(keys) > 0 && keys[0] == 0 && keys[len(keys)-1] == len(keys)-1, ranges(keys)
}

// nothingForeignCleared holds if no filled key of another library is NULL in
// the workers.
func nothingForeignCleared(p []*results.ProbedStrategy) (bool, string) {
	var keys []int
	for _, s := range p[0].Keys {
		if s.Filled && !s.OpenSSL && s.State == event.Cleared {
			keys = append(keys, s.Key)
		}
	}
	if len(keys) == 0 {
		return true, "none"
	}
	return false, ranges(keys)
}

// ranges writes 0 1 2 5 as "0-2 5".
func ranges(keys []int) string {
	var parts []string
	for i := 0; i < len(keys); {
		j := i
		for j+1 < len(keys) && keys[j+1] == keys[j]+1 {
			j++
		}
		part := fmt.Sprint(keys[i])
		if j > i {
			part = fmt.Sprintf("%d-%d", keys[i], keys[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, " ")
}

// about reports whether the claim is about a build.
func (c claim) about(b *buildReport) bool { return c.Line == "" || version.Of(b.OpenSSL, c.Line) }

// test gives the verdict on a claim on all builds that it is about. It is confirmed if it
// holds on each, and refuted if there is one on which it does not.
func (c claim) test(f *probeReport) results.ProbedClaim {
	v := results.ProbedClaim{Text: c.Text, Source: c.Source, Outcome: untested}
	var seen []string
	for _, b := range f.Builds {
		probes := b.under(c.Needs)
		if !c.about(b) || probes == nil {
			continue
		}
		ok, figure := c.holds(probes)
		switch {
		case !ok:
			v.Outcome = refuted
		case v.Outcome == untested:
			v.Outcome = confirmed
		}
		seen = append(seen, fmt.Sprintf("%s in %s", figure, b.OpenSSL))
	}
	v.Detail = c.Figure + ": " + strings.Join(seen, ", ")
	if len(seen) == 0 {
		v.Detail = "no probed build can test it"
		if c.Line != "" {
			v.Detail = fmt.Sprintf("no OpenSSL %s was probed; see tlsbench openssl fetch", c.Line)
		}
	}
	return v
}

// test gives the verdicts on all claims; none if the probes do not have the settings that
// the claims are about.
func (f *probeReport) test() []results.ProbedClaim {
	if !f.asClaimed() {
		return nil
	}
	var list []results.ProbedClaim
	for _, c := range claims {
		list = append(list, c.test(f))
	}
	return list
}

// asClaimed reports whether the user left everything that matters to the
// claims at its default.
func (c *probeCommand) asClaimed() bool {
	return c.Hazard == "plain" && c.Heap == "global" && c.Locks == "shared" && c.Rand == "default"
}

// verdictParts shows what became of the claims; those with one source stand
// together below it.
func verdictParts(list []results.ProbedClaim) []page.Part {
	if len(list) == 0 {
		return nil
	}
	parts := []page.Part{page.Heading{Level: 2, Text: "Published claims, tested on this machine"}}
	for _, group := range results.Group(list, func(v results.ProbedClaim) string { return v.Source }) {
		var entries page.List
		for _, v := range group {
			entries = append(entries, item(v.Outcome, v.Text, "("+v.Detail+")"))
		}
		parts = append(parts, page.Text("source: "+group[0].Source), entries)
	}
	return parts
}
