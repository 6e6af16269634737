package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// threadKeys is figure 8: which slots each strategy reaches and misses.
func threadKeys(d *Data) *Figure {
	f := &Figure{ID: "keys", Title: "Which thread-local slots does each fix clear?"}
	f.Empty = "no probe was given; tlsbench probe --json writes one"
	probes := slices.SortedStableFunc(slices.Values(d.Probes), func(a, b *results.Probe) int { return results.CompareHazards(a.Hazard, b.Hazard) })
	for _, probe := range probes {
		order := slices.Clone(probe.Builds)
		slices.SortStableFunc(order, func(a, b results.ProbedBuild) int { return version.Compare(a.OpenSSL, b.OpenSSL) })
		for i := range order {
			f.addKeys(probe, &order[i])
		}
	}
	f.Caption = "The state of each of rank 0's slots in the workers. OpenSSL's slots: shared (dark: two or more workers use one object), kept (a value outside shared memory), cleared, new (each worker has its own value), empty. " +
		"Slots of third-party libraries: kept is right, cleared is collateral damage. Neighbouring keys with the same result are one column. " +
		"A shared slot is a risk, not yet damage: pointer-match clears only the slots of the error queue and the generators, and leaves other slots of OpenSSL shared; the verdict map says whether damage followed. " +
		fmt.Sprintf("%s, one run each; the slots follow from build and strategy and need no interval.", number.Count(len(f.Panels), "probe"))
	return f
}

var neutral = paint{paper, softInk}

// stateCell gives word and colour of one slot. Good is what a fix should do with it.
func stateCell(k event.Slot) cell {
	good := wordPaint[results.Clean]
	switch {
	case k.State == event.SharedSlot:
		return cell{paint: wordPaint[results.Crashed], word: "shared"}
	case k.State == event.Inherited && k.OpenSSL:
		return cell{paint: wordPaint[results.NoDamageSeen], word: "kept"}
	case k.State == event.Inherited:
		return cell{paint: good, word: "kept"}
	case k.State == event.Cleared && !k.OpenSSL:
		return cell{paint: wordPaint[results.Collateral], word: "collateral"}
	case k.State == event.Cleared:
		return cell{paint: good, word: "cleared"}
	case k.State == event.Replaced:
		return cell{paint: good, word: "new"}
	}
	return cell{paint: neutral, word: string(k.State)}
}

// column is a run of keys of one owner that fare alike under every strategy.
type column struct {
	first, last int
	owner       string
	cells       []cell
}

func (c column) title() string {
	keys := fmt.Sprint(c.first)
	if c.last > c.first {
		keys = fmt.Sprintf("%d–%d", c.first, c.last)
	}
	return keys + " " + c.owner
}

func (f *Figure) addKeys(probe *results.Probe, b *results.ProbedBuild) {
	columns := keyColumns(b)
	m := &cellMap{corner: "key, owner", labelWidth: 78, blocks: []block{{}}}
	for _, c := range columns {
		m.blocks[0].columns = append(m.blocks[0].columns, c.title())
	}
	m.cellWidth = max(46, (panelWidth-m.labelWidth)/vg.Length(max(1, len(columns))))
	for i, s := range b.Strategies {
		r := mapRow{label: s.Strategy}
		var fates []string
		for _, c := range columns {
			r.cells = append(r.cells, c.cells[i])
			fates = append(fates, c.title()+" "+c.cells[i].word)
		}
		m.rows = append(m.rows, r)
		m.words = append(m.words, s.Strategy+": "+strings.Join(fates, ", "))
	}
	f.Panels = append(f.Panels, &Panel{
		Title: "OpenSSL " + b.OpenSSL, Sub: "hazard " + results.HazardTitle(probe.Hazard), OpenSSL: b.OpenSSL, Hazard: probe.Hazard,
		Alt: m.describe(), chart: m,
	})
}

// keyColumns puts neighbouring keys that fare alike together.
func keyColumns(b *results.ProbedBuild) []column {
	var list []column
	for _, k := range b.Keys() {
		c := column{first: k.Key, last: k.Key, owner: "foreign"}
		if k.OpenSSL {
			c.owner = "OpenSSL"
		}
		for _, s := range b.Strategies {
			c.cells = append(c.cells, cellOf(s, k.Key))
		}
		if n := len(list); n > 0 && list[n-1].last == k.Key-1 && list[n-1].owner == c.owner && slices.Equal(list[n-1].cells, c.cells) {
			list[n-1].last = k.Key
			continue
		}
		list = append(list, c)
	}
	return list
}

func cellOf(s results.ProbedStrategy, key int) cell {
	if s.NotApplicable != "" {
		return cell{paint: neutral, word: "n/a"}
	}
	if k, ok := s.Slot(key); ok {
		return stateCell(k)
	}
	return cell{paint: neutral, word: "–"}
}
