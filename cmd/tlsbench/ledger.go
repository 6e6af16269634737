package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
)

// Marks of what became of a slot in the workers.
const (
	markShared = "S"
	markLate   = "s"
	markUnseen = "?"
	markNone   = "n/a"
)

var stateMarks = map[event.SlotState]string{
	event.Empty: "-", event.Cleared: "c", event.Replaced: "r", event.Inherited: "i", event.SharedSlot: markShared,
}

// marksExplained are the marks, in the order they are printed in.
var marksExplained = page.List{
	item("own", "created by libcrypto or libssl"),
	item("rank 0", "its value right before the first fork: empty, in private memory, or in the shared heap"),
	item(markShared, "shared: two workers have one address in the shared heap"),
	item(markLate, "cleared or replaced by the fork, and shared after the first handshake"),
	item(stateMarks[event.Cleared], "cleared: NULL in every worker"),
	item(stateMarks[event.Replaced], "replaced: each worker has its own value"),
	item(stateMarks[event.Inherited], "inherited: rank 0's value in private memory, a copy in each worker"),
	item(stateMarks[event.Empty], "rank 0's slot was empty at the fork, so nothing is inherited"),
	item(markUnseen, "not seen: no worker survived, or the key did not exist"),
	item(eventsLabel, "number of events: damage in these few handshakes"),
	item(sharedLabel, "number of addresses that two workers have, in OpenSSL's slots or in per-thread objects that OpenSSL returns"),
}

const (
	sharedLabel = "shared"
	eventsLabel = "events"
)

// markOf is what the table shows for a slot.
func markOf(p *results.ProbedStrategy, key int) string {
	s, _ := p.Slot(key) // one that is not there was not seen
	if s.State != event.SharedSlot && s.SharedInUse {
		return markLate
	}
	return cmp.Or(stateMarks[s.State], markUnseen)
}

// ledger shows every key of one build: whose it is, what rank 0 had in it, and
// what each strategy made of it.
func (f *probeReport) ledger(b *buildReport) []page.Part {
	parts := []page.Part{
		page.Heading{Level: 2, Text: fmt.Sprintf("OpenSSL %s, hazard %s, heap %s, locks %s, rand %s, %d workers", b.OpenSSL, f.Hazard, f.Heap, f.Locks, f.Rand, b.workers)},
		page.Code(b.library.Libcrypto),
	}
	if b.base() == nil {
		return append(parts, page.Text("no result"))
	}
	t := &page.Table{Labels: 4, Head: append([]string{"key", "creator", "own", "rank 0"}, b.names()...)}
	for _, k := range b.Keys() {
		own := "no"
		if k.OpenSSL {
			own = "yes"
		}
		row := []any{k.Key, creator(k), own, content(b.base(), k.Key)}
		for i := range b.Strategies {
			row = append(row, told(&b.Strategies[i], func(p *results.ProbedStrategy) string { return markOf(p, k.Key) }))
		}
		t.Add(row...)
	}
	shared, events := []any{sharedLabel, "", "", ""}, []any{eventsLabel, "", "", ""}
	for i := range b.Strategies {
		p := &b.Strategies[i]
		shared, events = append(shared, told(p, sharedAddresses)), append(events, told(p, eventsOf))
	}
	t.Add(shared...)
	t.Add(events...)
	return append(append(parts, t), b.remarks()...)
}

// names lists the strategies.
func (b *buildReport) names() []string {
	return results.Distinct(b.Strategies, func(p results.ProbedStrategy) string { return p.Strategy })
}

func creator(s event.Slot) string { return cmp.Or(s.Creator, "not seen") }

// content is what rank 0 had in a slot right before the first fork.
func content(p *results.ProbedStrategy, key int) string {
	s, ok := p.Slot(key)
	switch {
	case !ok:
		return markUnseen
	case !s.Filled:
		return "empty"
	case s.InHeap:
		return "shared"
	}
	return "private"
}

// told is a cell of a strategy: what was found out, or why nothing was.
func told(p *results.ProbedStrategy, found func(*results.ProbedStrategy) string) string {
	switch {
	case p == nil:
		return markUnseen
	case p.NotApplicable != "":
		return markNone
	case p.Skipped != "":
		return "skip"
	}
	return found(p)
}

func sharedAddresses(p *results.ProbedStrategy) string { return strconv.Itoa(p.SharedAddresses) }

func eventsOf(p *results.ProbedStrategy) string {
	var sum uint64
	for _, n := range p.Events {
		sum += n
	}
	return strconv.FormatUint(sum, 10)
}

// damage lists the events of a trial by kind, "" if there were none.
func damage(events map[string]uint64) string {
	var list []string
	for _, k := range event.Kinds {
		if n := events[k.Name]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", k.Name, n))
		}
	}
	return strings.Join(list, ", ")
}

// summary has one line for each build, then which slots stayed shared under
// which strategy, and whose they are.
func (f *probeReport) summary() []page.Part {
	t := &page.Table{Title: fmt.Sprintf("OpenSSL's thread-local keys, and addresses that workers share under each strategy"+
		"; \"!\": with damage (hazard %s, heap %s, locks %s, rand %s)", f.Hazard, f.Heap, f.Locks, f.Rand),
		Head: append([]string{"openssl", "keys", "filled", "in heap"}, f.strategies()...)}
	for _, b := range f.Builds {
		row := []any{b.OpenSSL, "?", "?", "?"}
		if p := b.base(); p != nil {
			k := count(p)
			row = []any{b.OpenSSL, k.keys, k.filled, k.inHeap}
		}
		for _, name := range f.strategies() {
			p := b.Under(name)
			cell := told(p, sharedAddresses)
			if p != nil && damage(p.Events) != "" {
				cell += "!"
			}
			row = append(row, cell)
		}
		t.Add(row...)
	}
	parts := []page.Part{t}
	for _, b := range f.Builds {
		parts = append(parts, b.remarks()...)
	}
	return parts
}

// strategies lists those that any build was probed under.
func (f *probeReport) strategies() []string {
	var list []string
	for _, b := range f.Builds {
		list = append(list, b.names()...)
	}
	return distinct(list)
}

// keyCount counts OpenSSL's keys.
type keyCount struct{ keys, filled, inHeap, shared int }

func count(p *results.ProbedStrategy) keyCount {
	var k keyCount
	for _, s := range p.Keys {
		if !s.OpenSSL {
			continue
		}
		k.keys++
		if s.Filled {
			k.filled++
		}
		if s.InHeap {
			k.inHeap++
		}
		if s.State == event.SharedSlot {
			k.shared++
		}
	}
	return k
}

// stopped says whether OPENSSL_thread_stop() empties OpenSSL's slots on this build,
// as strategy thread-stop found it; "" if that was not probed.
func (b *buildReport) stopped() string {
	p := b.Under("thread-stop")
	if p == nil || p.Untold() != "" {
		return ""
	}
	var all int
	var filled []string
	seen := true
	for _, k := range p.Keys {
		if !k.OpenSSL {
			continue
		}
		all++
		switch k.State {
		case event.Empty, event.Cleared:
		case "":
			seen = false
		default:
			filled = append(filled, fmt.Sprintf("key %d of %s (%s)", k.Key, creator(k), k.State))
		}
	}
	switch {
	case all == 0 || !seen:
		return "no worker lived to show its slots"
	case len(filled) > 0:
		return fmt.Sprintf("%d of OpenSSL's %d slots are not NULL: %s", len(filled), all, strings.Join(filled, ", "))
	}
	return fmt.Sprintf("all %d slots of OpenSSL are NULL", all)
}

// remarks name the slots that stayed shared although a strategy was there to prevent
// it, the damage, and what could not be tried.
func (b *buildReport) remarks() []page.Part {
	var parts []page.Part
	add := func(format string, args ...any) {
		parts = append(parts, page.Text(b.OpenSSL+fmt.Sprintf(format, args...)))
	}
	if seen := b.stopped(); seen != "" {
		add(": after OPENSSL_thread_stop() and a fork %s", seen)
	}
	for i := range b.Strategies {
		p, name := &b.Strategies[i], b.Strategies[i].Strategy
		if name != catalogue.PositiveControl && p.SharedAddresses > 0 {
			add(" under %s shares %s", name, stayed(p))
		}
		if seen := damage(p.Events); seen != "" {
			add(" under %s is damaged: %s", name, seen)
		}
		if why := p.Untold(); why != "" {
			add(" under %s: %s", name, why)
		}
	}
	return parts
}

// stayed names the shared slots of a trial.
func stayed(p *results.ProbedStrategy) string {
	var list []string
	for _, s := range p.Keys {
		if s.State == event.SharedSlot || s.SharedInUse {
			list = append(list, fmt.Sprintf("key %d of %s", s.Key, creator(s)))
		}
	}
	if len(list) == 0 {
		return "objects that OpenSSL returns but keeps in no slot"
	}
	return strings.Join(list, ", ")
}
