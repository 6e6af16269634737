package results

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

func (c *Comparison) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(c)
}

// MarshalJSON gives the verdict with its words as text.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Words   []Word  `json:"words"`
		Damaged int     `json:"damaged"`
		Trials  int     `json:"trials"`
		Failed  int     `json:"failed,omitempty"`
		Upper   float64 `json:"upper"`
		Reason  string  `json:"reason,omitempty"`
	}{v.Words, v.Damaged, v.Trials, v.Failed, v.Upper, v.Reason})
}

// MarshalJSON is needed because that of Figure would hide the rest.
func (r Ratio) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ratio    Figure   `json:"ratio"`
		P        *float64 `json:"p"`
		Adjusted *float64 `json:"p_adjusted"`
		Same     bool     `json:"same"`
	}{r.Figure, finite(r.P), finite(r.Adjusted), r.Same})
}

// csvHead names the columns: one line for each figure, so that any tool can
// filter and turn them.
var csvHead = []string{"machine", "openssl", "hazard", "load", "heap", "settings", "workers", "strategy", "controls",
	"verdict", "metric", "unit", "relative_to", "k", "n", "value", "low", "high", "p_adjusted", "same", "warnings"}

func (c *Comparison) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHead); err != nil {
		return err
	}
	for i := range c.Tables {
		t := &c.Tables[i]
		for j := range t.Rows {
			if err := out.WriteAll(t.csvRows(&t.Rows[j], c.Baseline)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (t *Table) csvRows(r *Row, baseline string) [][]string {
	mark := t.Mark
	if mark == "" {
		mark = "ok"
	}
	left := []string{t.Machine, t.OpenSSL, t.Hazard, t.Load, t.Heap, t.Settings, strconv.Itoa(t.Workers),
		r.Strategy, mark, r.Verdict.words()}
	var rows [][]string
	add := func(metric, unit, to, k string, f Figure, p, same string, more ...string) {
		if f.N == 0 {
			return
		}
		rows = append(rows, append(left[:len(left):len(left)], metric, unit, to, k, strconv.Itoa(f.N),
			csvNumber(f.Value), csvNumber(f.Low), csvNumber(f.High), p, same, strings.Join(append(f.Warnings[:len(f.Warnings):len(f.Warnings)], more...), "; ")))
	}
	add("damaged", DamagedPerTrial, "", strconv.Itoa(r.Verdict.Damaged), r.Probability, csvPointer(r.Fisher), "")
	if e := r.Exposure; e.Most > 0 {
		n := r.Verdict.Trials - r.Verdict.Damaged
		add("handshakes-in-undamaged-trials", "handshakes/trial", "", "", Figure{N: n, Value: math.NaN(), Low: float64(e.Least), High: float64(e.Most)}, "", "")
	}
	add("passive", PassivePerMhs, "", "", r.Passive, "", "")
	add("foreign-errors", ForeignPerMcheck, "", "", r.Foreign, "", "")
	add("repeats", RepeatsPerMdraw, "", "", r.Repeats, "", "")
	add("lost-slots", "lost-slots/fork", "", "", r.Lost, "", "")
	for _, cost := range r.Costs {
		add("median", cost.Unit, "", strconv.Itoa(r.Undamaged), cost.Median, "", "", cost.Disturbed...)
		add("ratio", cost.Unit, baseline, "", cost.Ratio.Figure, csvNumber(cost.Ratio.Adjusted), fmt.Sprint(cost.Ratio.Same), cost.Disturbed...)
	}
	if len(rows) == 0 { // skipped, say: the reason must not get lost
		rows = append(rows, append(left[:len(left):len(left)], "damaged", DamagedPerTrial, "", "0", "0", "", "", "", "", "", r.Verdict.Reason))
	}
	return rows
}

// csvNumber is empty for what is no number.
func csvNumber(x float64) string {
	if finite(x) == nil {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func csvPointer(x *float64) string {
	if x == nil {
		return ""
	}
	return csvNumber(*x)
}
