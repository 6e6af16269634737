package plots

import (
	"image/color"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// paint is how a cell of a map looks. Darker is worse, so that the order
// survives a black and white print; the word says the rest.
type paint struct{ fill, ink color.RGBA }

// cell is one field of a map: a word, and what stands below it.
type cell struct {
	paint
	word, detail string
}

// cellMap is a table with coloured fields, drawn.
type cellMap struct {
	corner     string
	columns    []string
	rows       []string
	cells      [][]cell // by row
	labelWidth vg.Length
	width      vg.Length
}

var (
	cellWord   = style(9, true, ink)
	cellDetail = style(8.5, false, ink)
)

func (m *cellMap) cellWidth() vg.Length {
	return (m.width - m.labelWidth) / vg.Length(max(1, len(m.columns)))
}

func (m *cellMap) inCell(s text.Style, txt string) []string {
	return wrap(s, txt, m.cellWidth()-4)
}

// rowHeight is what the fullest cell of a row needs.
func (m *cellMap) rowHeight(i int) vg.Length {
	lines := len(wrap(plain, m.rows[i], m.labelWidth-6))
	for _, c := range m.cells[i] {
		lines = max(lines, len(m.inCell(cellWord, c.word))+len(m.inCell(cellDetail, c.detail)))
	}
	return vg.Length(lines)*10.5 + 6
}

func (m *cellMap) headHeight() vg.Length {
	lines := 1
	for _, c := range m.columns {
		lines = max(lines, len(m.inCell(small, c)))
	}
	return vg.Length(lines)*11 + 4
}

func (m *cellMap) height() vg.Length {
	h := m.headHeight() + 2
	for i := range m.rows {
		h += m.rowHeight(i)
	}
	return h
}

func (m *cellMap) draw(c draw.Canvas) {
	y := c.Max.Y
	head := m.headHeight()
	m.lines(c, aligned(small, draw.XLeft, draw.YCenter), []string{m.corner}, c.Min.X, y-head/2, small.Font.Size)
	for j, name := range m.columns {
		s := small
		s.Color = ink
		m.lines(c, aligned(s, draw.XCenter, draw.YCenter), m.inCell(s, name), m.left(c, j)+m.cellWidth()/2, y-head/2, 11)
	}
	y -= head
	for i, name := range m.rows {
		h := m.rowHeight(i)
		m.lines(c, aligned(plain, draw.XLeft, draw.YCenter), wrap(plain, name, m.labelWidth-6), c.Min.X, y-h/2, 10.5)
		for j, field := range m.cells[i] {
			m.field(c, field, m.left(c, j), y, h)
		}
		y -= h
	}
}

func (m *cellMap) left(c draw.Canvas, column int) vg.Length {
	return c.Min.X + m.labelWidth + vg.Length(column)*m.cellWidth()
}

func (m *cellMap) field(c draw.Canvas, f cell, x, y, h vg.Length) {
	w := m.cellWidth()
	fill(c, x+0.75, x+w-0.75, y-h+0.75, y-0.75, f.fill)
	if f.fill == paper {
		c.StrokeLines(draw.LineStyle{Color: gridInk, Width: 0.7}, []vg.Point{
			{X: x + 1, Y: y - 1}, {X: x + w - 1, Y: y - 1}, {X: x + w - 1, Y: y - h + 1}, {X: x + 1, Y: y - h + 1}, {X: x + 1, Y: y - 1}})
	}
	words, details := m.inCell(cellWord, f.word), m.inCell(cellDetail, f.detail)
	top := y - h/2 + vg.Length(len(words)+len(details)-1)*10.5/2
	for i, line := range append(words, details...) {
		s := cellWord
		if i >= len(words) {
			s = cellDetail
		}
		s.Color = f.ink
		c.FillText(aligned(s, draw.XCenter, draw.YCenter), vg.Point{X: x + w/2, Y: top - vg.Length(i)*10.5}, line)
	}
}

// lines writes lines around a middle.
func (m *cellMap) lines(c draw.Canvas, s text.Style, lines []string, x, middle, step vg.Length) {
	y := middle + vg.Length(len(lines)-1)*step/2
	for _, line := range lines {
		c.FillText(s, vg.Point{X: x, Y: y}, line)
		y -= step
	}
}
