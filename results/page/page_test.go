package page

import (
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"tlsbench/results"
	"tlsbench/results/inference"
)

func written(t *testing.T, d *Document, f Format) string {
	t.Helper()
	var out bytes.Buffer
	if err := d.Write(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A table that is too wide is dealt out, its labels in each part; no line is
// longer than a terminal's, no interval broken, no number without its unit.
func TestTerminalIsEightyColumns(t *testing.T) {
	table := &Table{Title: strings.Repeat("A title that is longer than a line. ", 4), Head: []string{"strategy"}}
	for range 7 {
		table.Head = append(table.Head, "a head of several words")
	}
	for _, name := range []string{"key-owner", "a-strategy-of-someone:with=parameters,and=more-of-them,x=1"} {
		var cells []Cell
		for range 7 {
			cells = append(cells, Cell{Text: "12.3 %", Detail: "[10.1, 14.7] %"})
		}
		table.Add(name, cells)
	}
	out := written(t, &Document{Parts: []Part{table, List{{"term", []string{strings.Repeat("what there is to say ", 9)}}}}}, Terminal)
	parts := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > Width || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns: %q", n, line)
		}
		if strings.HasPrefix(line, "strategy") {
			parts++
		}
		if strings.Count(line, "[") != strings.Count(line, "]") || strings.HasPrefix(strings.TrimSpace(line), "%") {
			t.Errorf("broken in a number: %q", line)
		}
	}
	if parts < 2 || strings.Count(out, "[10.1, 14.7] %") != 14 {
		t.Errorf("%d parts:\n%s", parts, out)
	}
}

// A note of one table stands below it, one of two tables at the end, one of a
// whole column next to the column's title.
func TestNotesAreSaidOnce(t *testing.T) {
	one := &Table{Title: "one", Head: []string{"row", "value"}}
	one.Add("a", Cell{Text: "1", Notes: []string{"of one table", "of both tables"}})
	one.Add("b", Cell{Text: "2"})
	two := &Table{Title: "two", Head: []string{"row", "value", "all"}}
	two.Add("a", Cell{Text: "1", Notes: []string{"of both tables"}}, Cell{Text: "x", Notes: []string{"of the column"}})
	two.Add("b", Cell{Text: "2"}, Cell{Text: "y", Notes: []string{"of the column"}})
	two.Add("base", Cell{Text: "2"}, Cell{Text: "1 = z", Class: Baseline})
	want := `one
row  value
──────────
a    1¹ ²
b    2
¹ of one table

two
row   value  all³
──────────────────
a     1²     x
b     2      y
base  2      1 = z
³ of the column

² of both tables
`
	if got := written(t, &Document{Parts: []Part{one, two}}, Terminal); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// What a results file or a strategy may say does no harm in any format.
func TestHostileText(t *testing.T) {
	hostile := "\x1b[31m<script>|`=1+1\u009b"
	table := &Table{Title: hostile, Head: []string{hostile, hostile}, Notes: []string{hostile}, Tags: Tags{OpenSSL: `"><b>`}}
	table.Add("=cmd()", Cell{Text: "-1.5"})
	table.Add(hostile, Cell{Text: "@x", Detail: hostile, Class: hostile, Sort: hostile, Notes: []string{hostile}})
	d := &Document{Parts: []Part{Heading{1, hostile}, Text(hostile), Alarm(hostile), Code(hostile), List{{hostile, []string{hostile}}}, table}}
	for _, f := range []Format{Terminal, Markdown, HTML, CSV} {
		out := written(t, d, f)
		if strings.ContainsAny(out, "\x1b\u009b") {
			t.Errorf("%s: control characters in %q", f, out)
		}
		if f == HTML && (strings.Contains(out, "<script") || strings.Contains(out, "<b>")) {
			t.Errorf("markup in %s", out)
		}
	}
	out := written(t, d, CSV)
	for _, want := range []string{"'=cmd(),-1.5\n", ",'@x"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

// Damage of a kind that was recorded is shown by its kind.
func TestEventsByKind(t *testing.T) {
	v := results.Verdict{Words: []results.Word{results.Crashed}, Damaged: 2, Trials: 3}
	c := &results.Comparison{Options: results.Options{Baseline: "key-owner", Confidence: 0.95}, Tables: []*results.Table{{
		Scene: results.Scene{OpenSSL: "3.5.9", Hazard: "plain"},
		Rows: []*results.Row{
			{Strategy: "none", Verdict: v, Events: []results.KindCount{{Kind: "crash", Events: 2, Trials: 2}, {Kind: "double-free", Events: 12345, Trials: 1}}},
			{Strategy: "key-owner", Verdict: results.Verdict{Words: []results.Word{results.NoDamageSeen}, Trials: 3}},
		},
	}}}
	out := written(t, Compare(c), Terminal)
	if !strings.Contains(out, "none      3       2 in 2  12.3k in 1\n") {
		t.Errorf("no events in:\n%s", out)
	}
}

// The whole model is one screen of documentation.
func TestModelFitsOnAScreen(t *testing.T) {
	out, err := exec.Command("go", "doc", ".").CombinedOutput()
	if err != nil {
		t.Skipf("go doc: %v: %s", err, out)
	}
	if n := bytes.Count(out, []byte("\n")); n > 50 {
		t.Errorf("%d lines:\n%s", n, out)
	}
}

// A strategy whose workers hold one object in lives that nobody connected to: the
// word stands alone, with its reason as a note, and no tracer counted blocks.
func TestSharedWithoutTrials(t *testing.T) {
	const reason = "2 trials without a connection"
	c := field(&results.Row{Verdict: results.Verdict{Words: []results.Word{results.Shared}, Reason: reason}})
	if c.Text != string(results.Shared) || c.Detail != "" || len(c.Notes) != 1 || c.Notes[0] != reason {
		t.Errorf("%+v, want the word and the reason", c)
	}
	c = field(&results.Row{Verdict: results.Verdict{Words: []results.Word{results.Shared}}, Sharing: &results.SharedBlocks{Raced: 3, ReadRaced: 1}})
	if c.Detail != "3 + 1 read raced" {
		t.Errorf("%+v, want 4 blocks", c)
	}
}

// The map shows both figures of a cell: raced blocks, and damaged lives.
func TestBothFigures(t *testing.T) {
	verdict := func(word results.Word, damaged, trials int) results.Verdict {
		return results.Verdict{Words: []results.Word{word}, Damaged: damaged, Trials: trials}
	}
	for want, r := range map[string]results.Row{
		"corrupt 16 raced, 2/4":        {Verdict: verdict(results.Corrupt, 2, 4), Sharing: &results.SharedBlocks{Raced: 16}},
		"corrupt 16 raced":             {Verdict: verdict(results.Corrupt, 4, 4), Sharing: &results.SharedBlocks{Raced: 16}},
		"0/4 0 raced":                  {Verdict: verdict(results.NoDamageSeen, 0, 4), Sharing: &results.SharedBlocks{}},
		"0/4 0, 1 cut short raced":     {Verdict: verdict(results.NoDamageSeen, 0, 4), Sharing: &results.SharedBlocks{Cut: 1}},
		"0 raced ":                     {Verdict: verdict(results.NoTrials, 0, 0), Sharing: &results.SharedBlocks{}},
		"shared 2 + 1 read raced, 0/4": {Verdict: verdict(results.Shared, 0, 4), Sharing: &results.SharedBlocks{Raced: 2, ReadRaced: 1}},
		"corrupt 2/4":                  {Verdict: verdict(results.Corrupt, 2, 4)},
	} {
		if c := field(&r); c.Text+" "+c.Detail != want {
			t.Errorf("%q %q, want %s", c.Text, c.Detail, want)
		}
	}
}

// An overview of many scenes leaves out the details of those with few trials whose
// verdicts the first view has, and says so; a scene that no view has stays.
func TestOverview(t *testing.T) {
	c := &results.Comparison{Options: results.Options{Baseline: results.NegativeControl, Confidence: 0.95, Margin: 0.02}}
	add := func(hazard, load string, trials int) {
		c.Tables = append(c.Tables, &results.Table{
			Scene: results.Scene{Machine: "m", OpenSSL: "3.0.20", Hazard: hazard, Load: load, Heap: "global", Workers: 4},
			Rows: []*results.Row{{Strategy: "hwm", SharedSlots: -1,
				Verdict: results.Verdict{Words: []results.Word{results.NoDamageSeen}, Trials: trials}}},
		})
	}
	add("plain", "tcp", 5)
	add("alone", "memory", 1)
	for i := range manyScenes {
		add(fmt.Sprintf("few%d", i), "tcp", 2)
	}
	full, short := written(t, Compare(c), Terminal), written(t, Overview(c), Terminal)
	for hazard, kept := range map[string]bool{"plain": true, "alone": true, "few3": false} {
		heading := "openssl 3.0.20, hazard " + hazard + ", load"
		if !strings.Contains(full, heading) || strings.Contains(short, heading) != kept {
			t.Errorf("details of hazard %s: want them in full, and %t in the overview:\n%s", hazard, kept, short)
		}
	}
	if said := fmt.Sprintf("Left out: details of %d scenes", manyScenes); !strings.Contains(short, said) || strings.Contains(full, "Left out") {
		t.Errorf("want %q in the overview alone:\n%s", said, short)
	}
}

// An interval without an end bounds no cost, whichever way the unit goes.
func TestOpenIntervalBoundsNothing(t *testing.T) {
	one := results.Ratio{Estimate: inference.Estimate{Value: 0.99, Interval: inference.Interval{Low: 0, High: math.Inf(1)}, N: 1}, P: math.NaN(), Adjusted: math.NaN()}
	r := &results.Row{Strategy: "hwm", Duet: &results.DuetCost{Cost: one, Word: results.NotResolved}}
	if c := duetCost(r); !strings.HasSuffix(c.Detail, " "+results.NotResolved) {
		t.Errorf("a duet of one pair: %q, want no bound", c.Detail)
	}
	b := &comparison{Comparison: &results.Comparison{Options: results.Options{Confidence: 0.95}}}
	for _, unit := range []string{results.HandshakesPerSec, results.CPUPerHandshake} {
		if c := b.costWords([]buildCost{{"3.5.9", one}}, unit, 0.02); c.Text != "too few rounds to tell" {
			t.Errorf("%s in one round: %q", unit, c.Text)
		}
	}
}

// A fix that was not tried alone has no answer, and no table without rows.
func TestScreeningWithoutPlain(t *testing.T) {
	c := &results.Comparison{Tables: []*results.Table{{
		Scene: results.Scene{OpenSSL: "3.5.9", Hazard: "python", Load: "tcp", Heap: "global", Workers: 4},
		Rows:  []*results.Row{{Strategy: "hwm", Verdict: results.Verdict{Words: []results.Word{results.NoDamageSeen}, Trials: 2}}},
	}}}
	if out := written(t, Screening(c, nil, "hwm"), Terminal); strings.Contains(out, "Which fix is safe") {
		t.Errorf("without trials under plain:\n%s", out)
	}
}
