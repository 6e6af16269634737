package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRounds bounds a plan that a file or a user asks for.
const maxRounds = 10_000

// Check refuses a plan that cannot be carried out, before anything is fetched.
func (p *Plan) Check() error {
	if err := p.checkLists(); err != nil {
		return err
	}
	if err := p.twice(); err != nil {
		return err
	}
	if err := p.checkNumbers(); err != nil {
		return err
	}
	if slices.ContainsFunc(p.Strategies, injected) {
		if _, err := preloadStore(); err != nil {
			return err
		}
	}
	return nil
}

// checkLists refuses what nothing would be asked of, what is unknown, and what
// is asked twice.
func (p *Plan) checkLists() error {
	var daemons, safety []string
	for _, d := range p.Daemons {
		daemons = append(daemons, d.Release.Name)
	}
	for _, n := range p.MemSafety {
		if n != 0 && n != 1 {
			return fmt.Errorf("mem_safety %d: choose from 0, 1", n)
		}
		safety = append(safety, fmt.Sprint(n))
	}
	var python []string
	for _, when := range p.Python {
		if !slices.Contains([]string{"", "before", "after"}, when) {
			return fmt.Errorf("unknown python %q: choose from no, before, after", when)
		}
		python = append(python, pythonWord(when))
	}
	if len(p.Strategies) == 0 {
		return errors.New("no strategy to compare")
	}
	return errors.Join(each("daemon", daemons), each("mem_safety", safety), each("python", python))
}

// each wants something, and nothing twice.
func each(what string, list []string) error {
	if len(list) == 0 {
		return fmt.Errorf("no %s to compare", what)
	}
	slices.Sort(list)
	if unique := slices.Compact(slices.Clone(list)); len(unique) < len(list) {
		return fmt.Errorf("%s %s: one of them is given twice", what, strings.Join(list, ", "))
	}
	return nil
}

// twice refuses a plan in which two strategies would have one name in a file:
// an own object is named for its file.
func (p *Plan) twice() error {
	seen := map[string]bool{}
	for _, c := range p.Strategies {
		if seen[c.String()] {
			return fmt.Errorf("strategy %s is given twice, or two files have that name: rename one", c)
		}
		seen[c.String()] = true
	}
	return nil
}

// checkNumbers refuses what is out of its range.
func (p *Plan) checkNumbers() error {
	switch {
	case p.Readers < 1 || p.Readers > 64:
		return fmt.Errorf("readers %d: want 1 to 64", p.Readers)
	case !(p.BadShare >= 0 && p.BadShare <= 1): // a NaN is neither
		return fmt.Errorf("share of bad peers %v: want 0 to 1", p.BadShare)
	case p.TLS != "1.2" && p.TLS != "1.3":
		return fmt.Errorf("tls %q: choose from 1.2, 1.3", p.TLS)
	case min(p.Rounds-1, p.ControlRounds) < 0 || max(p.Rounds, p.ControlRounds) > maxRounds:
		return fmt.Errorf("rounds %d, control rounds %d: want at least 1, and at least 0, and no more than %d", p.Rounds, p.ControlRounds, maxRounds)
	case p.Duration <= 0 || max(p.Duration, p.Patience, p.RigDuration) > time.Hour || p.RigDuration < 0:
		return fmt.Errorf("duration %v, rig time %v: want more than 0, and no more than an hour", p.Duration, p.RigDuration)
	}
	return nil
}
