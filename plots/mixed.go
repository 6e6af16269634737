package plots

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mixed says what differs between the trials of one cell that are counted
// together: their length, and the version of the program. "" is for nothing.
func (d *Data) mixed(s *Scene, strategy string) string {
	var lengths []time.Duration
	var versions, names []string
	for _, i := range s.of(strategy).files {
		in := d.Inputs[i]
		names = append(names, in.name())
		if in.plan != nil && !slices.Contains(lengths, in.plan.Spec.Corruption) {
			lengths = append(lengths, in.plan.Spec.Corruption)
		}
		if v := in.fact("tlsbench"); !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	var parts []string
	if len(lengths) > 1 {
		slices.Sort(lengths)
		parts = append(parts, "of "+strings.Join(texts(lengths), " and "))
	}
	if len(versions) > 1 {
		parts = append(parts, fmt.Sprintf("by %d versions of the program", len(versions)))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("trials %s (%s)", strings.Join(parts, " and "), strings.Join(names, ", "))
}

// mixedMarks stand beside cells that count unlike trials together.
var mixedMarks = []string{"†", "‡", "§", "¶"}

// mark puts it there, and says below the table what is unlike.
func (t *pageTable) mark(cell *pageCell, what string) {
	if what == "" {
		return
	}
	i := slices.Index(t.mixed, what)
	if i < 0 {
		i, t.mixed = len(t.mixed), append(t.mixed, what)
	}
	mark := strings.Repeat(mixedMarks[i%len(mixedMarks)], 1+i/len(mixedMarks))
	cell.Detail = strings.TrimSpace(cell.Detail + " " + mark)
	if note := mark + " Counted together: " + what + "."; !slices.Contains(t.Notes, note) {
		t.Notes = append(t.Notes, note)
	}
}
