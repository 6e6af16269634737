package plots

import (
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// A sheet is a figure on a page of its own: title, panels in a grid, caption.

const (
	sheetMargin vg.Length = 16
	sheetGap    vg.Length = 22
	// sheetPanels is how many panels a picture holds before it is split by
	// OpenSSL, and then before they are made smaller.
	sheetPanels = 15
	pngDPI      = 144
	largeDPI    = 72 // of sheets larger than a screen
	large       = vg.Length(1500)
)

// WriteFiles writes each figure as SVG, and if asked for also as PNG, into a
// folder and returns the names of the files. New ones are readable by their
// owner alone.
func WriteFiles(folder string, figures []*Figure, pngs bool) ([]string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var names []string
	for _, f := range figures {
		for _, sheet := range f.sheets() {
			for _, w := range []struct {
				extension string
				write     func(io.Writer) error
			}{{".svg", sheet.WriteSVG}, {".png", sheet.WritePNG}} {
				if w.extension == ".png" && !pngs {
					continue
				}
				name := sheet.ID + w.extension
				if err := writeFile(filepath.Join(folder, name), w.write); err != nil {
					return names, err
				}
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

// sheets splits a figure: by what its panels name, and where a sheet would hold
// too many by OpenSSL.
func (f *Figure) sheets() []*Figure {
	var list []*Figure
	for _, part := range f.split(func(p *Panel) string { return p.sheet }) {
		if len(part.Panels) <= sheetPanels {
			list = append(list, part)
			continue
		}
		for _, sheet := range part.split(func(p *Panel) string { return p.OpenSSL }) {
			list = append(list, sheet.dense())
		}
	}
	if len(list) == 0 {
		return []*Figure{f}
	}
	return list
}

// split makes a sheet of the panels of each name.
func (f *Figure) split(name func(*Panel) string) []*Figure {
	var list []*Figure
	for _, p := range f.Panels {
		id := f.ID
		if n := name(p); n != "" {
			id += "-" + fileName(n)
		}
		i := slices.IndexFunc(list, func(s *Figure) bool { return s.ID == id })
		if i < 0 {
			sheet := *f
			sheet.ID, sheet.Panels = id, nil
			i, list = len(list), append(list, &sheet)
		}
		list[i].Panels = append(list[i].Panels, p)
	}
	for _, s := range list {
		if s.libraries != nil {
			s.Caption = s.caption()
		}
	}
	return list
}

// dense makes the panels of a sheet smaller where there are many.
func (f *Figure) dense() *Figure {
	if len(f.Panels) <= sheetPanels || slices.ContainsFunc(f.Panels, func(p *Panel) bool { return p.compact == 0 }) {
		return f
	}
	sheet := *f
	sheet.Columns, sheet.Panels = 4, nil
	for _, p := range f.Panels {
		small := *p
		small.width, small.height = compactWidth, p.compact
		sheet.Panels = append(sheet.Panels, &small)
	}
	return &sheet
}

// fileName keeps what any file system takes.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// grid is where the panels of a sheet go.
type grid struct {
	columns       int
	widths        []vg.Length // by column
	heights       []vg.Length // by row
	width, height vg.Length   // of the sheet
	title, foot   paragraph
}

func (f *Figure) grid() grid {
	g := grid{columns: max(1, min(f.Columns, len(f.Panels)))}
	g.widths = make([]vg.Length, g.columns)
	for i, p := range f.Panels {
		w, h := p.Size()
		g.widths[i%g.columns] = max(g.widths[i%g.columns], w)
		if i%g.columns == 0 {
			g.heights = append(g.heights, 0)
		}
		g.heights[len(g.heights)-1] = max(g.heights[len(g.heights)-1], h)
	}
	for _, w := range g.widths {
		g.width += w
	}
	g.width = max(g.width+vg.Length(g.columns-1)*sheetGap, panelWidth)
	heading, foot := style(headingSize, true, ink), style(smallSize, false, softInk)
	g.title = paragraph{heading, wrap(heading, f.Title, g.width)}
	g.foot = paragraph{foot, wrap(foot, f.Caption, g.width)}
	for _, h := range g.heights {
		g.height += h + sheetGap
	}
	if f.Empty != "" {
		g.height += 120
	}
	g.height += g.title.height() + 8 + g.foot.height()
	return g
}

// Size is that of the sheet.
func (f *Figure) Size() (w, h vg.Length) {
	g := f.grid()
	return g.width + 2*sheetMargin, g.height + 2*sheetMargin
}

// Draw draws the figure as a sheet.
func (f *Figure) Draw(c draw.Canvas) {
	g := f.grid()
	fill(c, c.Min.X, c.Max.X, c.Min.Y, c.Max.Y, paper)
	c = draw.Crop(c, sheetMargin, -sheetMargin, sheetMargin, -sheetMargin)
	y := g.title.draw(c, c.Min.X, c.Max.Y) - 8
	if f.Empty != "" {
		f.drawEmpty(c, y)
		y -= 120
	}
	for row := range g.heights {
		x := c.Min.X
		for column := range g.columns {
			i := row*g.columns + column
			if i >= len(f.Panels) {
				break
			}
			p := f.Panels[i]
			w, h := p.Size()
			p.Draw(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y - h}, Max: vg.Point{X: x + w, Y: y}}})
			x += g.widths[column] + sheetGap
		}
		y -= g.heights[row] + sheetGap
	}
	g.foot.draw(c, c.Min.X, y)
}

// drawEmpty says in a frame why there is no picture.
func (f *Figure) drawEmpty(c draw.Canvas, y vg.Length) {
	frame := draw.LineStyle{Color: softInk, Width: 0.8, Dashes: []vg.Length{4, 3}}
	top, bottom := y, y-100
	c.StrokeLines(frame, []vg.Point{{X: c.Min.X, Y: top}, {X: c.Max.X, Y: top}, {X: c.Max.X, Y: bottom}, {X: c.Min.X, Y: bottom}, {X: c.Min.X, Y: top}})
	s := aligned(plain, draw.XCenter, draw.YCenter)
	for i, line := range wrap(s, f.Empty, c.Max.X-c.Min.X-24) {
		c.FillText(s, vg.Point{X: c.Center().X, Y: y - 45 - vg.Length(i)*14}, line)
	}
}

// WritePNG writes the figure as a sheet.
func (f *Figure) WritePNG(w io.Writer) error {
	if _, h := f.Size(); h > large {
		return f.writePNG(w, largeDPI)
	}
	return f.writePNG(w, pngDPI)
}

func (f *Figure) writePNG(w io.Writer, dpi int) error {
	width, height := f.Size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	f.Draw(draw.New(c))
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, c.Image())
}
