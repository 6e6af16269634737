package plots

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// written is a text with the room that it takes.
type written struct {
	text string
	box  vg.Rectangle
}

// allWritten are the texts that a figure writes on its sheet.
func allWritten(f *Figure) []written {
	var c recorder.Canvas
	w, h := f.Size()
	f.draw(draw.Canvas{Canvas: &c, Rectangle: vg.Rectangle{Max: vg.Point{X: w, Y: h}}})
	var list []written
	for _, a := range c.Actions {
		if s, ok := a.(*recorder.FillString); ok && strings.TrimSpace(s.String) != "" {
			face := plain
			face.Font = s.Font
			corner := vg.Point{X: face.Width(s.String), Y: 0.5 * s.Size} // the letters without what hangs or towers
			list = append(list, written{s.String, vg.Rectangle{Min: s.Point, Max: s.Point.Add(corner)}})
		}
	}
	return list
}

// TestTextsHaveRoom: no text leaves the sheet, and none lies on another; names
// that a user chose are no exception.
func TestTextsHaveRoom(t *testing.T) {
	long := fixtures["full"]
	long.strategies = append([]string{"a-strategy-of-my-own-with-a-very-long-name:first=1000:second=2000"}, long.strategies...)
	path := filepath.Join(t.TempDir(), "long.txt")
	check(t, os.WriteFile(path, long.write(t), 0o644))
	d, err := Load(Options{Probes: []string{filepath.Join("testdata", "probe.json")}}, path)
	check(t, err)
	sets := map[string]*Data{"long names": d}
	for name := range fixtures {
		sets[name] = load(t, name)
	}
	for name, d := range sets {
		for _, f := range Figures(d) {
			w, h := f.Size()
			list := allWritten(f)
			for i, a := range list {
				if a.box.Min.X < 0 || a.box.Max.X > w || a.box.Min.Y < 0 || a.box.Max.Y > h {
					t.Errorf("%s, %s: %q leaves the sheet: %v of %v x %v", name, f.ID, a.text, a.box, w, h)
				}
				for _, b := range list[:i] {
					wide := min(a.box.Max.X, b.box.Max.X) - max(a.box.Min.X, b.box.Min.X)
					high := min(a.box.Max.Y, b.box.Max.Y) - max(a.box.Min.Y, b.box.Min.Y)
					if wide > 1 && high > 1 {
						t.Errorf("%s, %s: %q lies on %q", name, f.ID, a.text, b.text)
					}
				}
			}
		}
	}
}

// All figures are written or none: what cannot be is seen before, and no folder is made
// where another user's link leads to.
func TestWriteFilesRefuses(t *testing.T) {
	figures := Figures(load(t, "no-events"))
	dir := t.TempDir()
	last := filepath.Join(dir, figures[len(figures)-1].ID+".svg")
	check(t, os.Symlink("elsewhere.svg", last))
	_, err := WriteFiles(dir, figures, true)
	if err == nil || !strings.Contains(err.Error(), last+": it is a link") {
		t.Errorf("error %v, want one about the link %s", err, last)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files %v, want the link alone: %v", entries, err)
	}
	if os.Geteuid() != 0 {
		return // only root can make links of other users
	}
	check(t, os.Chmod(dir, 0o777|os.ModeSticky))
	own, way := t.TempDir(), filepath.Join(dir, "way")
	check(t, os.Symlink(own, way))
	const someone = 12345
	check(t, os.Lchown(way, someone, someone))
	if _, err = WriteFiles(filepath.Join(way, "figures"), figures, false); err == nil || !strings.Contains(err.Error(), "link of another user (12345)") {
		t.Errorf("error %v, want one about another user's link", err)
	}
	if entries, err := os.ReadDir(own); err != nil || len(entries) > 0 {
		t.Errorf("made in another folder: %v, %v", entries, err)
	}
}
