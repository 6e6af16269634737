package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tlsbench/strategies"
	"tlsbench/workload"
)

// outcome is what a probe says about a claim.
type outcome string

const (
	confirmed outcome = "confirmed"
	refuted   outcome = "refuted"
	untested  outcome = "not tested"
)

// claim is one statement of the field about OpenSSL's thread-local state, and
// how the findings of a probe tell whether it holds.
type claim struct {
	Text   string
	Source string
	// test looks at the findings. The detail says what was found, or what it
	// would take to test the claim.
	test func(*findings) (outcome, string)
}

const (
	readme      = "Kamailio, src/modules/tls/OpenSSL3-README.md, commit 77de869 (2024-05-04)"
	plainNeeded = "no other library has a key here: hazard plain cannot tell"
)

// claims lists them all. The text is that of the source, shortened.
var claims = []claim{
	{
		Text:   "what rank 0 initialises, all workers reuse: the same memory in shared memory",
		Source: readme,
		test: eachBuild("", "shared addresses under none", func(b *finding) (bool, string, bool) {
			p := b.Under[strategies.PositiveControl]
			if p == nil {
				return false, "", false
			}
			return p.SharedSlots > 0, fmt.Sprint(p.SharedSlots), true
		}),
	},
	{
		Text: "OpenSSL 1.1.1 uses 4 thread-locals", Source: readme,
		test: eachBuild("1.1.1", "keys", keysAre(4)),
	},
	{
		Text: "OpenSSL 3 uses 6 thread-locals", Source: readme,
		test: eachBuild("3", "keys", keysAre(6)),
	},
	{
		Text:   "in OpenSSL 1.1.1 three of them matter: private_drbg, public_drbg, err_thread_local",
		Source: readme,
		test:   eachBuild("1.1.1", handedOut, handedOutAre(3)),
	},
	{
		Text:   "in 1.1.1 the two of the DRBGs are circumvented by an early RAND_set_rand_method()",
		Source: readme,
		test: eachBuild("1.1.1", "slots shared under none, without and with it", func(b *finding) (bool, string, bool) {
			p := b.Under[strategies.PositiveControl]
			if b.Method == nil || p == nil {
				return false, "", false
			}
			without, with := count(p).shared, count(b.Method).shared
			return with == without-2, fmt.Sprintf("%d and %d", without, with), true
		}),
	},
	{
		Text: "in OpenSSL 3 one of them matters: err_thread_local", Source: readme,
		test: eachBuild("3", handedOut, handedOutAre(1)),
	},
	{
		Text:   "pthread_key_t is a small integer that is incremented with each new key (Linux)",
		Source: readme,
		test: eachBuild("", "keys", func(b *finding) (bool, string, bool) {
			p := b.base()
			if p == nil || len(p.Slots) == 0 {
				return false, "", false
			}
			keys := keyNumbers(p)
			return keys[0] == 0 && keys[len(keys)-1] == len(keys)-1, ranges(keys), true
		}),
	},
	{
		Text:   "temp-thread is limited: libraries such as libpython must start in the primary thread",
		Source: readme,
		test: func(*findings) (outcome, string) {
			return untested, "it takes such a library in rank 0"
		},
	},
	{
		Text:   "keys at the high-water mark or above belong to others, those below to OpenSSL",
		Source: readme,
		test:   markDivides,
	},
	{
		Text:   "setting keys 0 to 15 to NULL does not hit other libraries",
		Source: "assumed by tls_threads_mode=2 of Kamailio 5.8.0 and 5.8.1",
		test:   noneLost("clear-0-15"),
	},
}

// eachBuild tests a claim on all builds of a line ("" is any). It is confirmed
// if it holds on each, and refuted if there is one on which it does not. what
// names the figure that ok gives; its last result is whether there is one.
func eachBuild(line, what string, ok func(*finding) (bool, string, bool)) func(*findings) (outcome, string) {
	return func(f *findings) (outcome, string) {
		if f.Hazard != "plain" || f.Heap == "private" || f.Locks != "shared" || f.Rand != "default" {
			return untested, "it is about OpenSSL alone on a shared heap, with its own random generators"
		}
		var seen []string
		result := confirmed
		for _, b := range f.Builds {
			if line != "" && !b.is(line) {
				continue
			}
			holds, figure, known := ok(b)
			if !known {
				continue
			}
			if !holds {
				result = refuted
			}
			seen = append(seen, fmt.Sprintf("%s in %s", figure, b.Version))
		}
		if len(seen) == 0 {
			return untested, needed(line)
		}
		return result, what + ": " + strings.Join(seen, ", ")
	}
}

func needed(line string) string {
	if line == "" {
		return "it takes strategy none"
	}
	return "it takes OpenSSL " + line + " (tlsbench openssl fetch), strategies none and pointer-match"
}

func keysAre(n int) func(*finding) (bool, string, bool) {
	return func(b *finding) (bool, string, bool) {
		p := b.base()
		if p == nil {
			return false, "", false
		}
		k := count(p)
		return k.keys == n, fmt.Sprint(k.keys), true
	}
}

// handedOut is how handedOutAre tells the slots that the claims name from
// others.
const handedOut = "slots with the error state or a generator (found by pointer-match), of those shared under none"

// handedOutAre counts the slots that hold what OpenSSL hands out as its error
// state or random generators. The strategy pointer-match finds them; a slot
// beyond them, such as that of OpenSSL's own list of things to do when a
// thread ends, is shared too, but no claim is made about it.
func handedOutAre(n int) func(*finding) (bool, string, bool) {
	return func(b *finding) (bool, string, bool) {
		none, matched := b.Under[strategies.PositiveControl], b.Under["pointer-match"]
		if none == nil || matched == nil || matched.NotApplicable != "" {
			return false, "", false
		}
		found := 0
		for _, s := range none.Slots {
			after, ok := slotOf(matched, s.Key)
			if s.OpenSSL && s.Fate == workload.Shared && ok && after.Fate != workload.Shared {
				found++
			}
		}
		return found == n, fmt.Sprintf("%d of %d", found, count(none).shared), true
	}
}

func keyNumbers(p *workload.Probed) []int {
	var keys []int
	for _, s := range p.Slots {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
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

// foreign lists the filled keys that are not OpenSSL's.
func foreign(p *workload.Probed) []workload.ProbedSlot {
	var list []workload.ProbedSlot
	for _, s := range p.Slots {
		if s.Filled && !s.OpenSSL {
			list = append(list, s)
		}
	}
	return list
}

// noneLost tests that a strategy clears no filled key of another library.
func noneLost(strategy string) func(*findings) (outcome, string) {
	return func(f *findings) (outcome, string) {
		others, lost := 0, []string(nil)
		for _, b := range f.Builds {
			p := b.Under[strategy]
			if p == nil || p.NotApplicable != "" {
				continue
			}
			for _, s := range foreign(p) {
				others++
				if s.Fate == workload.Cleared {
					lost = append(lost, fmt.Sprintf("key %d of %s with %s", s.Key, creator(s), b.Version))
				}
			}
		}
		switch {
		case others == 0:
			return untested, plainNeeded
		case len(lost) > 0:
			return refuted, "cleared: " + strings.Join(lost, ", ")
		}
		return confirmed, fmt.Sprintf("none of %d was cleared", others)
	}
}

// markDivides tests that no key of another library is below OpenSSL's last.
func markDivides(f *findings) (outcome, string) {
	others, below := 0, []string(nil)
	for _, b := range f.Builds {
		p := b.base()
		if p == nil {
			continue
		}
		top := -1
		for _, s := range p.Slots {
			if s.OpenSSL && s.Filled {
				top = max(top, s.Key)
			}
		}
		for _, s := range foreign(p) {
			if others++; s.Key < top {
				below = append(below, fmt.Sprintf("key %d of %s with %s", s.Key, creator(s), b.Version))
			}
		}
	}
	switch {
	case others == 0:
		return untested, plainNeeded
	case len(below) > 0:
		return refuted, "below it: " + strings.Join(below, ", ")
	}
	return confirmed, fmt.Sprintf("all %d of others are above it", others)
}

// verdict is a claim and what became of it here.
type verdict struct {
	Text    string  `json:"claim"`
	Source  string  `json:"source"`
	Outcome outcome `json:"outcome"`
	Detail  string  `json:"detail"`
}

// judge tests claims on the findings.
func (f *findings) judge(list []claim) []verdict {
	var out []verdict
	for _, c := range list {
		result, detail := c.test(f)
		out = append(out, verdict{c.Text, c.Source, result, detail})
	}
	return out
}

// printVerdicts shows what became of the claims; those with one source stand
// together below it.
func printVerdicts(w io.Writer, list []verdict) {
	fmt.Fprintln(w, "\nWhat the field says, on this machine")
	source := ""
	for _, v := range list {
		if v.Source != source {
			source = v.Source
			paragraph(w, "source: "+source)
		}
		entry(w, len(untested), string(v.Outcome), v.Text, "("+v.Detail+")")
	}
}
