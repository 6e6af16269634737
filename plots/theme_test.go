package plots

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// vision is how eyes see linear RGB: the matrices of Machado, Oliveira and
// Fernandes (2009) for complete deficiencies.
var vision = map[string][3][3]float64{
	"normal":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"deuteranopia":  {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"protanopia":    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"tritanopia":    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	"achromatopsia": {{0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}},
}

func linear(c color.RGBA) [3]float64 {
	var v [3]float64
	for i, x := range []uint8{c.R, c.G, c.B} {
		if f := float64(x) / 255; f <= 0.04045 {
			v[i] = f / 12.92
		} else {
			v[i] = math.Pow((f+0.055)/1.055, 2.4)
		}
	}
	return v
}

// contrast is that of WCAG 2.2.
func contrast(a, b color.RGBA) float64 {
	luminance := func(c color.RGBA) float64 {
		v := linear(c)
		return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// lab gives CIELAB of what such eyes see.
func lab(c color.RGBA, m [3][3]float64) [3]float64 {
	v := linear(c)
	var seen [3]float64
	for i := range m {
		for j := range v {
			seen[i] += m[i][j] * v[j]
		}
		seen[i] = min(1, max(0, seen[i]))
	}
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16.0/116
	}
	x := f((0.4124*seen[0] + 0.3576*seen[1] + 0.1805*seen[2]) / 0.95047)
	y := f(0.2126*seen[0] + 0.7152*seen[1] + 0.0722*seen[2])
	z := f((0.0193*seen[0] + 0.1192*seen[1] + 0.9505*seen[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func TestPalette(t *testing.T) {
	for _, name := range catalogue.Names() {
		if c := contrast(lookOf(name).color, paper); c < 3 {
			t.Errorf("%s: contrast to white %.2f, want 3", name, c)
		}
	}
	for kind, m := range vision {
		if kind == "achromatopsia" {
			continue // markers and dashes, see TestLooks
		}
		for i, a := range catalogue.Names() {
			for _, b := range catalogue.Names()[:i] {
				x, y := lab(lookOf(a).color, m), lab(lookOf(b).color, m)
				if d := math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2]); d < 30 {
					t.Errorf("%s: %s and %s are %.1f apart in CIELAB, want 30", kind, a, b, d)
				}
			}
		}
	}
}

// TestLooks: without colours, marker and dash tell all strategies apart, and
// the order is that of the tables of package results.
func TestLooks(t *testing.T) {
	for i, a := range catalogue.Names() {
		for _, b := range catalogue.Names()[:i] {
			if lookOf(a).glyph == lookOf(b).glyph {
				t.Errorf("%s and %s have the same marker", a, b)
			}
		}
	}
	var names []string
	for _, r := range load(t, "full").Tables[0].Rows {
		names = append(names, r.Strategy)
	}
	if !slices.IsSortedFunc(names, catalogue.Compare) || len(names) != len(fixed) {
		t.Errorf("the tables have %v, the catalogue %v", names, catalogue.Names())
	}
}

// TestWordPaint: text in the fields of a map has a contrast of 4.5, and worse
// words are darker, which is all that is left of the colours in print.
func TestWordPaint(t *testing.T) {
	for word, p := range wordPaint {
		if c := contrast(p.fill, p.ink); c < 4.5 {
			t.Errorf("%s: contrast %.2f, want 4.5", word, c)
		}
	}
	order := []results.Word{results.Crashed, results.Corrupt, results.Broken, results.Collateral, results.NoDamageSeen}
	for i := 1; i < len(order); i++ {
		worse, better := wordPaint[order[i-1]].fill, wordPaint[order[i]].fill
		if contrast(worse, paper) <= contrast(better, paper) {
			t.Errorf("%s is not darker than %s", order[i-1], order[i])
		}
	}
}
