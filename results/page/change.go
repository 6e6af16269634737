package page

import (
	"fmt"
	"path/filepath"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Changes shows two files side by side, with the change between them, scene by
// scene.
func Changes(c *results.Changes) *Document {
	d := &Document{Data: c}
	d.Add(Text(fmt.Sprintf("before: %s; after: %s. Nothing of one is counted with the other.", filepath.Base(c.Before), filepath.Base(c.After))))
	for _, text := range c.Differs {
		d.Add(Alarm("differs: " + text))
	}
	if c.Empty() {
		d.Add(Text("Nothing to compare: no strategy has a verdict, a sharing trial or a cost relative to " + results.NegativeControl + " in both files."))
		return d
	}
	head := []string{"strategy", "before", "after", "change"}
	told := make(map[results.Scene]bool)
	add := func(scene results.Scene, t *Table) *Table {
		t.Title += ": " + scene.String()
		t.Mark = d.changeMarks(c.Marks, scene, told[scene])
		told[scene] = true
		d.Add(t)
		return t
	}
	for _, rows := range results.Group(c.Rows, func(r results.ChangedDamage) results.Scene { return r.Scene }) {
		t := add(rows[0].Scene, &Table{Title: "Damage", Head: head})
		for _, r := range rows {
			t.Add(r.Strategy, sideOf(r.Was, r.WasStopped), sideOf(r.Is, r.IsStopped), damageChange(&r))
		}
	}
	for _, rows := range results.Group(c.Sharing, func(r results.ChangedSharing) results.Scene { return r.Scene }) {
		t := add(rows[0].Scene, &Table{Title: "Shared blocks", Head: head})
		for _, r := range rows {
			t.Add(r.Strategy, r.Was, r.Is, sharingChange(&r))
		}
	}
	for _, rows := range results.Group(c.Costs, func(r results.ChangedCost) results.Scene { return r.Scene }) {
		base := results.NegativeControl + " in the same round"
		if other := rows[0].Against(); other != "" {
			base = other + " in duets"
		}
		t := add(rows[0].Scene, &Table{Title: "Cost relative to " + base, Head: append([]string{"metric"}, head...), Labels: 2})
		for i, r := range rows {
			label := r.Unit
			if i > 0 && label == rows[i-1].Unit {
				label = ""
			}
			t.Add(label, r.Strategy, number.Ratio(r.Was), number.Ratio(r.Is), Cell{Text: number.Change(r.Is / r.Was), Detail: star(r.Changed())})
		}
	}
	if len(c.Rows)+len(c.Costs) > 0 {
		d.Add(List{{"*", []string{"the change is more than chance: Fisher's exact test for damage, Mann-Whitney for costs, p < 0.05 after Holm's correction over all rows of both files"}}})
	}
	return d
}

// changeMarks gives what is wrong with the controls of a scene in either file, for
// the title of a table. The first table of the scene has it in full above it.
func (d *Document) changeMarks(list []results.ChangedMark, scene results.Scene, told bool) string {
	var marks []string
	for _, m := range list {
		for _, side := range []struct{ when, mark string }{{"before", m.Was}, {"after", m.Is}} {
			if m.Scene != scene || side.mark == "" {
				continue
			}
			if !told {
				d.Add(Alarm(side.when + ": " + side.mark))
			}
			marks = append(marks, shortMark(side.mark)+" "+side.when)
		}
	}
	return strings.Join(marks, ", ")
}

func sideOf(v results.Verdict, stopped bool) Cell {
	c := verdictWords(v)
	if v.Trials > 0 {
		c.Detail = v.Counts(stopped)
	}
	return c
}

func damageChange(r *results.ChangedDamage) Cell {
	text := "none shown"
	switch {
	case r.Untold:
		return Cell{Text: "cannot be told"}
	case r.Was.Damaged == 0 && r.Is.Damaged > 0:
		text = "damage is new" // one event is news: without damage there are none
	case r.Changed() && r.Is.Damaged == 0:
		text = "damage is gone"
	case r.Changed() && r.More():
		text = "damage is more frequent"
	case r.Changed():
		text = "damage is less frequent"
	case r.Was.Damaged > 0 && r.Is.Damaged == 0:
		text = "damage not seen, in too few trials to tell"
	}
	return Cell{Text: text, Detail: star(r.Changed())}
}

// sharingChange names places, because the numbers of blocks differ from trial to trial.
func sharingChange(r *results.ChangedSharing) Cell {
	var parts []string
	if n := len(r.New); n > 0 {
		parts = append(parts, number.Count(n, "place")+" new")
	}
	if n := len(r.Gone); n > 0 {
		parts = append(parts, number.Count(n, "place")+" gone")
	}
	switch {
	case r.Untold:
		return Cell{Text: "cannot be told"}
	case len(parts) == 0:
		return Cell{Text: "none shown"}
	}
	return Cell{Text: strings.Join(parts, ", ")}
}

func star(changed bool) string {
	if changed {
		return "*"
	}
	return ""
}
