package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
)

// shared is figure 2: raced blocks by strategy and build, named by their place
// in OpenSSL. With a hazard there is a panel where it makes a fix share more than
// the fix does alone, which the first panel shows.
func shared(d *Data) *Figure {
	f := &Figure{ID: "shared", Title: "What do workers still share?"}
	f.Empty = "no trial looked for sharing; tlsbench run --measure sharing does"
	scenes := d.scenesWith(func(r *results.Row) bool { return r.Sharing != nil })
	alone := make(map[results.Scene]*Scene)
	for _, s := range scenes {
		if s.Hazard == results.Plain {
			alone[s.Scene] = s
		}
	}
	for _, group := range byBuild(scenes) {
		names := slices.DeleteFunc(strategiesOf(group), func(name string) bool {
			return group[0].Hazard != results.Plain && !slices.ContainsFunc(group, func(s *Scene) bool { return s.racedMore(alone, name) })
		})
		if len(names) == 0 {
			continue
		}
		for builds := range slices.Chunk(group, buildsPerMap(len(group), len(names))) {
			f.addShared(d, builds, names)
		}
	}
	f.Caption = fmt.Sprintf("Raced blocks: inherited memory that two processes write without a common lock; +n read: one process writes it and others read it. The first row counts all blocks, the rows below count them by the line of OpenSSL's source that allocated them. "+
		"Blocks that %[1]s shows too are left out, because OpenSSL itself shares them. A raced block shows sharing without depending on luck, so it needs no interval; it is not a bound of the damage that may follow. Darker is worse. "+
		"%s. Baseline of costs elsewhere: %[3]s.", results.NegativeControl, f.trials("sharing trials", "column"), d.Baseline)
	return f
}

// racedMore reports whether a strategy has raced blocks in a scene, and more than
// in the same place without the hazard. The positive control has to have some.
func (s *Scene) racedMore(alone map[results.Scene]*Scene, name string) bool {
	scene := s.Scene
	scene.Hazard = results.Plain
	here, there := s.raced(name), 0
	if plain := alone[scene]; plain != nil {
		there = plain.raced(name)
	}
	return here > there && (name != results.PositiveControl || len(alone) == 0)
}

func (s *Scene) raced(name string) int {
	if r := s.Row(name); r != nil && r.Sharing != nil {
		return r.Sharing.Raced + r.Sharing.ReadRaced
	}
	return 0
}

func (f *Figure) addShared(d *Data, builds []*Scene, names []string) {
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
		r := mapRow{label: cmp.Or(object, "raced blocks")}
		for _, s := range builds {
			for _, name := range names {
				r.cells = append(r.cells, racedField(s.Row(name), object))
			}
		}
		m.rows = append(m.rows, r)
	}
	what := "Raced blocks without a hazard, and where they were allocated"
	if hazard := builds[0].Hazard; hazard != results.Plain {
		what = "Raced blocks with " + results.HazardTitle(hazard)
	}
	f.add(d, builds, what, m)
}

// objectOf names what a block is, or its innermost site.
func objectOf(p results.SharedSite) string {
	site, _, _ := strings.Cut(p.Site, " ")
	return cmp.Or(p.Object, site, "unknown place")
}

// racedField counts the raced blocks of a strategy, or the sites of one object.
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
				read++
			default:
				raced++
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
