package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// Plan is what to ask, and how. Two runs of one plan differ in nothing but
// luck.
type Plan struct {
	Daemons    []Daemon
	Strategies []catalogue.Choice
	MemSafety  []int
	Python     []string // "", "before", "after"

	Readers  int
	BadShare float64
	TLS      string
	Seed     uint64 // 0 is no seed: see DrawSeed
	Rounds   int
	// ControlRounds is how many trials a daemon on OpenSSL 3 or later without a
	// fix gets, and the rig beside it, if that is more than Rounds.
	ControlRounds int
	Duration      time.Duration // of a daemon's trial
	Patience      time.Duration // of a daemon's without a fix, as long as nothing was seen
	RigDuration   time.Duration // of a rig's; 0 = no rig
}

// DrawSeed gives a seed short enough to be typed again.
func DrawSeed() uint64 { return rand.Uint64N(1<<31-1) + 1 }

// Cases lists them in the order of the table: a strategy injected, and where a
// daemon has it built in. One that can be neither stays in the list, as not
// applicable. With Python the first mem_safety alone is asked for: what that
// tells apart is known without.
func (p *Plan) Cases() []Case {
	var list []Case
	for _, d := range p.Daemons {
		for _, python := range p.Python {
			for i, safety := range p.MemSafety {
				if python != "" && i > 0 {
					continue
				}
				for _, s := range p.Strategies {
					list = append(list, cases(Case{d, s, NoMode, python, safety})...)
				}
			}
		}
	}
	return list
}

// Task is one trial to be carried out, of a daemon or of the rig.
type Task struct {
	ID    int // from 1
	Round int // from 1
	Seed  uint64
	Case  Case
	Index int // of the case in the plan, from 1
	Rig   bool
}

// Tasks lists all trials in the order they are run in: each round in another
// random order, so that what drifts on the machine does not follow the table.
// The rig's trial of a case comes after the daemon's, once in a round for all
// cases that it can not tell apart.
func (p *Plan) Tasks() []Task {
	var list []Task
	add := func(t Task) {
		t.ID = len(list) + 1
		t.Seed = p.Seed + uint64(t.Round-1)
		list = append(list, t)
	}
	cases := p.Cases()
	for round := 1; round <= max(p.Rounds, p.ControlRounds); round++ {
		rigs := map[string]bool{}
		for _, i := range shuffled(len(cases), p.Seed, round) {
			c := cases[i]
			if round > p.Rounds && !c.control() {
				continue
			}
			add(Task{Round: round, Case: c, Index: i + 1})
			if key := c.RigKey(); p.RigDuration > 0 && key != "" && !rigs[key] {
				rigs[key] = true
				add(Task{Round: round, Case: c, Index: i + 1, Rig: true})
			}
		}
	}
	return list
}

// shuffled gives the cases of a round in random order.
func shuffled(n int, seed uint64, round int) []int {
	return rand.New(rand.NewPCG(seed, uint64(round))).Perm(n)
}

// Estimate is how long the plan takes, from what a start and an end took
// where it was tried.
func (p *Plan) Estimate() time.Duration {
	const daemonStart, rigStart = 1200 * time.Millisecond, 500 * time.Millisecond
	var sum time.Duration
	for _, t := range p.Tasks() {
		switch {
		case t.Rig:
			sum += p.RigDuration + rigStart
		case Injectable(t.Case.Strategy) == nil:
			sum += p.Duration + daemonStart
		}
	}
	return sum
}

// document is a plan as it stands in a results file: without the folders of
// this machine.
type document struct {
	Daemons       []daemonID    `json:"daemons"`
	Strategies    []strategyID  `json:"strategies"`
	MemSafety     []int         `json:"mem_safety"`
	Python        []string      `json:"python"`
	Readers       int           `json:"readers"`
	BadShare      float64       `json:"bad"`
	TLS           string        `json:"tls"`
	Seed          uint64        `json:"seed"`
	Rounds        int           `json:"rounds"`
	ControlRounds int           `json:"control_rounds"`
	Duration      time.Duration `json:"duration_ns"`
	Patience      time.Duration `json:"patience_ns"`
	RigDuration   time.Duration `json:"rig_duration_ns"`
}

type daemonID struct {
	Kamailio string `json:"kamailio"`
	Package  string `json:"package"`
	OpenSSL  string `json:"openssl"`
}

type strategyID struct {
	Name   string           `json:"name"`
	Params map[string]int64 `json:"params,omitempty"`
	Path   string           `json:"path,omitempty"`
	Digest string           `json:"digest,omitempty"` // SHA-256 of a user's own object
}

// document reads the users' own objects, for their digests.
func (p *Plan) document() (json.RawMessage, error) {
	d := document{
		MemSafety: p.MemSafety, Readers: p.Readers, BadShare: p.BadShare, TLS: p.TLS, Seed: p.Seed,
		Rounds: p.Rounds, ControlRounds: p.ControlRounds,
		Duration: p.Duration, Patience: p.Patience, RigDuration: p.RigDuration,
	}
	for _, x := range p.Daemons {
		d.Daemons = append(d.Daemons, daemonID{x.Release.Name, x.Package, x.OpenSSL})
	}
	for _, python := range p.Python {
		d.Python = append(d.Python, pythonWord(python))
	}
	for _, c := range p.Strategies {
		id := strategyID{Name: c.Name, Params: maps.Clone(c.Params), Path: openssl.Portable(c.Path)}
		if c.Path != "" {
			content, err := os.ReadFile(c.Path)
			if err != nil {
				return nil, fmt.Errorf("strategy %s: %w", c.Name, err)
			}
			sum := sha256.Sum256(content)
			id.Digest = hex.EncodeToString(sum[:])
		}
		d.Strategies = append(d.Strategies, id)
	}
	return json.Marshal(d)
}

// parsePlan reads a document. Its daemons know their releases alone.
func parsePlan(text json.RawMessage) (*Plan, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("its plan: %w", err)
	}
	p := &Plan{
		MemSafety: d.MemSafety, Readers: d.Readers, BadShare: d.BadShare, TLS: d.TLS, Seed: d.Seed,
		Rounds: d.Rounds, ControlRounds: d.ControlRounds,
		Duration: d.Duration, Patience: d.Patience, RigDuration: d.RigDuration,
	}
	for _, id := range d.Daemons {
		list, err := ParseReleases([]string{id.Kamailio})
		if err != nil {
			return nil, fmt.Errorf("its plan: %w", err)
		}
		p.Daemons = append(p.Daemons, Daemon{Release: list[0], Package: id.Package, OpenSSL: id.OpenSSL})
	}
	for _, word := range d.Python {
		p.Python = append(p.Python, strings.TrimPrefix(word, "no"))
	}
	for _, id := range d.Strategies {
		p.Strategies = append(p.Strategies, catalogue.Choice{Name: id.Name, Params: id.Params, Path: openssl.Local(id.Path)})
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("its plan: %w", err)
	}
	return p, nil
}

// pythonWord is how a file and a user say it.
func pythonWord(python string) string {
	if python == "" {
		return "no"
	}
	return python
}

// difference names what two documents do not have in common, "" if they are
// the same.
func difference(file, mine json.RawMessage) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(file, &a) != nil || json.Unmarshal(mine, &b) != nil {
		return "its plan cannot be read"
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if !bytes.Equal(a[key], b[key]) {
			return fmt.Sprintf("it was made with %s %s, and this run has %s", key, shorten(string(a[key])), shorten(string(b[key])))
		}
	}
	return ""
}
