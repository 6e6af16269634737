package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
)

// shared is figure 2: shared blocks by strategy and build, named by their place in
// OpenSSL. What hazards add to them is in the verdict map.
func shared(d *Data) *Figure {
	f := &Figure{ID: "shared", Title: "What do workers still share?"}
	f.Empty = "no trial looked for sharing without a hazard; tlsbench run --measure sharing does"
	scenes := d.scenesWith(func(r *results.Row) bool { return r.Sharing != nil })
	scenes = slices.DeleteFunc(scenes, func(s *results.Table) bool { return s.Hazard != results.Plain })
	for _, group := range byBuild(scenes) {
		names := results.Strategies(group...)
		for builds := range slices.Chunk(group, buildsPerMap(len(group), len(names))) {
			f.addShared(d, builds, names)
		}
	}
	f.Caption = fmt.Sprintf("Raced blocks: inherited memory that several processes write without a common lock. Read-raced ones (+n read): one process writes, others read. Both count as shared. The first row counts all blocks, the rows below say what they are. "+
		"Blocks that %s shows under plain too are left out, because OpenSSL itself shares them. A shared block does not depend on luck, so it needs no interval; it is not a bound of the damage that may follow. Darker is worse. "+
		"%s. What hazards add is in the verdict map, after the dot.", results.NegativeControl, f.trials("sharing trials", "column"))
	return f
}

func (f *Figure) addShared(d *Data, builds []*results.Table, names []string) {
	m := newMap("object", results.Distinct(builds, buildOf), names)
	objects := []string{""} // all of them
	for _, s := range builds {
		for _, name := range names {
			r := s.Row(name)
			if r == nil || r.Sharing == nil {
				continue
			}
			m.n.Add(r.Sharing.Trials)
			m.words = append(m.words, fmt.Sprintf("%s on %s: %v", name, s.OpenSSL, r.Sharing))
			for _, p := range r.Sharing.Sites {
				if !slices.Contains(objects, objectOf(p)) {
					objects = append(objects, objectOf(p))
				}
			}
		}
	}
	slices.Sort(objects)
	for _, object := range objects {
		r := mapRow{label: cmp.Or(object, "shared blocks")}
		for _, s := range builds {
			for _, name := range names {
				r.cells = append(r.cells, racedField(s.Row(name), object))
			}
		}
		m.rows = append(m.rows, r)
	}
	f.add(d, builds, "Shared blocks without a hazard, and what they are", m)
}

// objectOf names what a block is, or its innermost site.
func objectOf(p results.SharedSite) string {
	site, _, _ := strings.Cut(p.Site, " ")
	return cmp.Or(p.Object, site, "unknown place")
}

// racedField counts the shared blocks of a strategy, or those of one object.
func racedField(r *results.Row, object string) cell {
	if r == nil || r.Sharing == nil {
		return cell{paint: wordPaint[results.NoTrials], word: "–"}
	}
	raced, read := r.Sharing.Raced, r.Sharing.ReadRaced
	if object != "" {
		raced, read = 0, 0
		for _, p := range r.Sharing.Sites {
			switch {
			case objectOf(p) != object:
			case p.ReadRaced:
				read += p.Blocks
			default:
				raced += p.Blocks
			}
		}
	}
	c := cell{paint: wordPaint[results.NoDamageSeen], word: fmt.Sprint(raced)}
	if read > 0 {
		c.paint, c.detail = wordPaint[results.Collateral], fmt.Sprintf("+%d read", read)
	}
	if raced > 0 {
		c.paint = wordPaint[results.Shared]
	}
	return c
}
