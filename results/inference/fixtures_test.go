package inference

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFixtures holds the functions against values that R computed:
// testdata/fixtures.R makes testdata/fixtures.tsv and says how.
func TestFixtures(t *testing.T) {
	file, err := os.Open("testdata/fixtures.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := make(map[string]int)
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		name, rest, _ := strings.Cut(lines.Text(), "\t")
		var args [][]float64
		for _, field := range strings.Split(rest, "\t") {
			var list []float64
			for _, word := range strings.Fields(field) {
				x, err := strconv.ParseFloat(word, 64)
				if err != nil {
					t.Fatalf("line %d: %v", n, err)
				}
				list = append(list, x)
			}
			args = append(args, list)
		}
		want := args[len(args)-1]
		got := fixture(t, name, args)
		if len(got) != len(want) {
			t.Fatalf("line %d: %s: %d values, R has %d", n, name, len(got), len(want))
		}
		for i := range want {
			// R prints 15 digits; its searches for quantiles end at about 1e-8.
			if diff := math.Abs(got[i] - want[i]); !(diff <= 1e-6*math.Abs(want[i])+1e-12) {
				t.Errorf("line %d: %s: value %d is %.12g, R has %.12g", n, name, i, got[i], want[i])
			}
		}
		seen[name]++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{
		"mann-whitney": 100, "proportion": 90, "rate": 40, "fisher": 40, "first-damage": 15, "rarer": 3,
	} {
		if seen[name] < least {
			t.Errorf("%s: %d fixtures, want at least %d", name, seen[name], least)
		}
	}
}

func fixture(t *testing.T, name string, args [][]float64) []float64 {
	one := func(i int) float64 { return args[i][0] }
	count := func(i int) int { return int(args[i][0]) }
	ends := func(e Estimate) []float64 { return []float64{e.Low, e.High} }
	switch name {
	case "mann-whitney":
		return []float64{MannWhitney(args[0], args[1])}
	case "proportion":
		return ends(Proportion(count(0), count(1), one(2)))
	case "rate":
		return ends(Rate(args[0], args[1], one(2)))
	case "fisher":
		return []float64{FisherExact(count(0), count(1), count(2), count(3))}
	case "first-damage":
		return ends(FirstDamage(count(0), one(1), one(2)))
	case "rarer":
		return []float64{Rarer(one(0), count(1), one(2), one(3))}
	}
	t.Fatalf("no function %s", name)
	return nil
}

// A p-value lies in [0, 1] and does not change when the samples are exchanged,
// whatever their ties.
func TestMannWhitneyIsSymmetric(t *testing.T) {
	values := rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 70)
	tied := rapid.SliceOfN(rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }), 1, 70)
	sample := rapid.OneOf(values, tied)
	rapid.Check(t, func(t *rapid.T) {
		a, b := sample.Draw(t, "a"), sample.Draw(t, "b")
		p, q := MannWhitney(a, b), MannWhitney(b, a)
		if !(p >= 0 && p <= 1) || math.Abs(p-q) > 1e-9 {
			t.Fatalf("p = %v, exchanged %v", p, q)
		}
	})
}

// The least p-value is that of samples that do not overlap.
func TestMannWhitneyLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(1, 12).Draw(t, "n"), rapid.IntRange(1, 12).Draw(t, "m")
		var low, high []float64
		for i := range n {
			low = append(low, float64(i))
		}
		for i := range m {
			high = append(high, float64(100+i))
		}
		if got, want := MannWhitneyLeast(n, m), MannWhitney(low, high); math.Abs(got-want) > 1e-9 {
			t.Fatalf("least of %d and %d: %v, samples apart give %v", n, m, got, want)
		}
	})
}

func TestFisherLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.IntRange(1, 40).Draw(t, "n1"), rapid.IntRange(1, 40).Draw(t, "n2")
		hits := rapid.IntRange(0, n1+n2).Draw(t, "hits")
		least := 1.0
		for k := max(0, hits-n2); k <= min(n1, hits); k++ {
			least = math.Min(least, FisherExact(k, n1, hits-k, n2))
		}
		if got := FisherLeast(hits, n1, n2); math.Abs(got-least) > 1e-12 {
			t.Fatalf("%d hits in %d and %d: %v, want %v", hits, n1, n2, got, least)
		}
	})
}
