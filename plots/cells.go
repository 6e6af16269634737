package plots

import (
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// cell is one field of a map: a word, and what appears below it.
type cell struct {
	paint
	word, detail string
}

// block is columns that belong together, with what appears above them.
type block struct {
	title   string
	columns []string
}

// mapRow is a row of a map. One without cells is the heading of those below.
type mapRow struct {
	label string
	cells []cell // of all blocks
}

// cellMap is a table with coloured fields, drawn.
type cellMap struct {
	counted
	corner     string
	words      []string // what it shows
	blocks     []block
	rows       []mapRow
	labelWidth vg.Length
	cellWidth  vg.Length
}

const blockGap vg.Length = 8

func (m *cellMap) size() (w, h vg.Length) {
	h = m.headHeight()
	for _, r := range m.rows {
		h += m.rowHeight(r)
	}
	w = m.labelWidth
	for _, b := range m.blocks {
		w += vg.Length(len(b.columns))*m.cellWidth + blockGap
	}
	return max(w-blockGap, panelWidth), h + 2
}

func (m *cellMap) describe() string { return sentence(m.words) }

func (m *cellMap) inCell(s text.Style, txt string) []string { return wrap(s, txt, m.cellWidth-2) }

// headHeight is that of the titles of blocks and columns.
func (m *cellMap) headHeight() vg.Length {
	lines, above := 1, vg.Length(0)
	for _, b := range m.blocks {
		if b.title != "" {
			above = leading(title) + 2
		}
		for _, c := range b.columns {
			lines = max(lines, len(m.inCell(tiny, c)))
		}
	}
	return above + vg.Length(lines)*leading(tiny) + 4
}

// rowHeight is what the fullest cell of a row needs.
func (m *cellMap) rowHeight(r mapRow) vg.Length {
	if len(r.cells) == 0 {
		return 17
	}
	lines := len(wrap(plain, r.label, m.labelWidth-6))
	for _, c := range r.cells {
		lines = max(lines, len(c.lines()))
	}
	return max(vg.Length(lines)*10+3, 17)
}

func (m *cellMap) draw(c draw.Canvas) {
	y := c.Max.Y - m.headHeight()
	write(c, small, c.Min.X, y+leading(small)+2, []string{m.corner})
	m.eachColumn(c, func(b block, name string, _ int, x vg.Length) {
		lines := m.inCell(tiny, name)
		write(c, aligned(tiny, draw.XCenter, draw.YTop), x+m.cellWidth/2, y+vg.Length(len(lines))*leading(tiny)+2, lines)
		if name == b.columns[0] {
			write(c, aligned(title, draw.XCenter, draw.YTop), x+vg.Length(len(b.columns))*m.cellWidth/2, c.Max.Y, []string{b.title})
		}
	})
	for _, r := range m.rows {
		h := m.rowHeight(r)
		if len(r.cells) == 0 {
			c.FillText(aligned(tinyTop, draw.XLeft, draw.YCenter), vg.Point{X: c.Min.X, Y: y - h/2 - 1}, r.label)
		} else {
			drawLines(c, aligned(plain, draw.XLeft, draw.YCenter), c.Min.X, y-h/2, wrap(plain, r.label, m.labelWidth-6))
			m.eachColumn(c, func(_ block, _ string, i int, x vg.Length) { m.field(c, r.cells[i], x, y, h) })
		}
		y -= h
	}
}

func (m *cellMap) eachColumn(c draw.Canvas, each func(b block, name string, i int, x vg.Length)) {
	x, i := c.Min.X+m.labelWidth, 0
	for _, b := range m.blocks {
		for _, name := range b.columns {
			each(b, name, i, x)
			x, i = x+m.cellWidth, i+1
		}
		x += blockGap
	}
}

func (m *cellMap) field(c draw.Canvas, f cell, x, y, h vg.Length) {
	w := m.cellWidth
	if f.fill == paper {
		fill(c, x+0.5, x+w-0.5, y-h+0.5, y-0.5, gridInk)
		fill(c, x+1, x+w-1, y-h+1, y-1, paper)
	} else {
		fill(c, x+0.5, x+w-0.5, y-h+0.5, y-0.5, f.fill)
	}
	lines := f.lines()
	for i, line := range lines {
		s := tiny
		if i == 0 && f.word != "" {
			s = tinyTop
		}
		s = aligned(inked(shrunk(s, line, w-4), f.ink), draw.XCenter, draw.YCenter)
		c.FillText(s, vg.Point{X: x + w/2, Y: y - h/2 + vg.Length(len(lines)-1)*5 - vg.Length(i)*10 + 0.5}, line)
	}
}

// lines are word and detail, as far as there are such.
func (f cell) lines() []string {
	return slices.DeleteFunc([]string{f.word, f.detail}, func(s string) bool { return s == "" })
}

// drawLines writes lines around a middle.
func drawLines(c draw.Canvas, s text.Style, x, middle vg.Length, lines []string) {
	y := middle + vg.Length(len(lines)-1)*5 + 0.5
	for _, line := range lines {
		c.FillText(s, vg.Point{X: x, Y: y}, line)
		y -= 10
	}
}
