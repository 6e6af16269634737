package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"tlsbench/results/event"
)

// Probe is what "tlsbench probe --json" writes: what each strategy made of each
// thread-local key, and what became of the field's claims about them.
type Probe struct {
	Format int           `json:"format,omitempty"` // ProbeFormat; none is as good as 1
	Hazard string        `json:"hazard"`
	Heap   string        `json:"heap"`
	Locks  string        `json:"locks"`
	Rand   string        `json:"rand"`
	Builds []ProbedBuild `json:"builds"`
	Claims []ProbedClaim `json:"claims"`
}

// ProbeFormat is the version of what a Probe looks like in a file.
const ProbeFormat = 1

// ProbedBuild is one OpenSSL in a Probe.
type ProbedBuild struct {
	OpenSSL    string           `json:"openssl"`
	Libcrypto  string           `json:"libcrypto"`
	Strategies []ProbedStrategy `json:"strategies"`
}

// Under is what a strategy made of the keys; nil if it was not probed.
func (b *ProbedBuild) Under(strategy string) *ProbedStrategy {
	for i := range b.Strategies {
		if b.Strategies[i].Strategy == strategy {
			return &b.Strategies[i]
		}
	}
	return nil
}

// Keys lists the keys of all strategies by number, each as the first that has it.
func (b *ProbedBuild) Keys() []event.Slot {
	var keys []event.Slot
	for _, s := range b.Strategies {
		keys = append(keys, s.Keys...)
	}
	slices.SortStableFunc(keys, func(a, b event.Slot) int { return a.Key - b.Key })
	return slices.CompactFunc(keys, func(a, b event.Slot) bool { return a.Key == b.Key })
}

// ProbedStrategy is the ledger of keys of one build under one strategy.
type ProbedStrategy struct {
	Strategy      string `json:"strategy"`
	NotApplicable string `json:"not_applicable,omitempty"` // the function that the strategy needs and the build lacks
	Skipped       string `json:"skipped,omitempty"`        // what this machine lacks for the hazard
	// SharedAddresses counts the addresses in the shared heap that workers share:
	// in OpenSSL's slots, or handed out by OpenSSL as per-thread objects.
	SharedAddresses int               `json:"shared_addresses"`
	Events          map[string]uint64 `json:"events"` // by kind; the few handshakes may show damage already
	Files           []string          `json:"files"`
	Keys            []event.Slot      `json:"keys"`
}

// Untold says why nothing was found out about the slots, "" if something was.
func (p *ProbedStrategy) Untold() string {
	switch {
	case p.NotApplicable != "":
		return "not applicable, this build has no " + p.NotApplicable
	case p.Skipped != "":
		return "skipped: " + p.Skipped
	}
	return ""
}

// Slot is what became of a key; false where it was not there.
func (p *ProbedStrategy) Slot(key int) (event.Slot, bool) {
	return find(p.Keys, func(k event.Slot) bool { return k.Key == key })
}

// ProbedClaim is a claim of the field and what became of it here.
type ProbedClaim struct {
	Text    string `json:"claim"`
	Source  string `json:"source"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail"`
}

// ReadProbe reads a file written by "tlsbench probe --json".
func ReadProbe(path string) (*Probe, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := new(Probe)
	if err = json.Unmarshal(text, p); err == nil {
		err = p.check()
	}
	if err != nil {
		return nil, fmt.Errorf("read probe %s: %w (want the output of tlsbench probe --json)", path, err)
	}
	return p, nil
}

// check refuses what no probe can have found.
func (p *Probe) check() error {
	if len(p.Builds) == 0 {
		return errors.New("it has no builds")
	}
	if p.Format != 0 && p.Format != ProbeFormat {
		return fmt.Errorf("format %d: this version reads %d", p.Format, ProbeFormat)
	}
	for _, b := range p.Builds {
		for _, s := range b.Strategies {
			if s.SharedAddresses < 0 {
				return fmt.Errorf("openssl %s, strategy %s: %d shared addresses", b.OpenSSL, s.Strategy, s.SharedAddresses)
			}
			for _, k := range s.Keys {
				if k.Key < 0 || !slices.Contains(event.SlotStates, k.State) {
					return fmt.Errorf("openssl %s, strategy %s: key %d with fate %q: want 0 or more, and one of empty, cleared, replaced, inherited, shared", b.OpenSSL, s.Strategy, k.Key, k.State)
				}
			}
		}
	}
	return nil
}
