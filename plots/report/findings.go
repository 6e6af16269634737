package report

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"tlsbench/plots"
	"tlsbench/results"
	"tlsbench/results/number"
)

// findingsText is the article. Each number in it is a call of one of finder's
// methods. They refuse what the data contradict, or do not hold: then nothing
// is published, and the sentence has to be written anew.
//
//go:embed findings.md
var findingsText string

// Findings is the article with the numbers of a set.
func Findings(d *plots.Data, set string) (string, error) {
	f := finder{d}
	article, err := template.New("findings.md").Funcs(template.FuncMap{
		"breaks": f.breaks, "holds": f.holds, "raced": f.raced, "unraced": f.unraced, "costs": f.costs,
		"set": func() string { return set },
	}).Parse(findingsText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = article.Execute(&b, nil)
	return b.String(), err
}

// finder looks up what the article says of a strategy under a hazard, on the
// builds named or, if none is, on all of the set.
type finder struct{ *plots.Data }

// rows are those that keep wants; an error if a build has none.
func (f finder) rows(strategy, hazard string, builds []string, keep func(*results.Row) bool) ([]*results.Table, []*results.Row, error) {
	var tables []*results.Table
	var rows []*results.Row
	missing := slices.Clone(builds)
	for i := range f.Tables {
		t := &f.Tables[i]
		if t.Hazard != hazard || len(builds) > 0 && !slices.Contains(builds, t.OpenSSL) {
			continue
		}
		for j := range t.Rows {
			if r := &t.Rows[j]; r.Strategy == strategy && keep(r) {
				tables, rows = append(tables, t), append(rows, r)
				missing = slices.DeleteFunc(missing, func(b string) bool { return b == t.OpenSSL })
			}
		}
	}
	if len(rows) == 0 && len(builds) == 0 {
		missing = []string{"any build"}
	}
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("the set has no such trials of %s under %s on %s", strategy, hazard, strings.Join(missing, ", "))
	}
	return tables, rows, nil
}

func damageTrials(r *results.Row) bool { return r.Verdict.Trials > 0 }

func sharingTrials(r *results.Row) bool { return r.Sharing != nil && r.Sharing.Trials > 0 }

// breaks says on how many lives of each build there was damage. It was there on
// each of them.
func (f finder) breaks(strategy, hazard string, builds ...string) (string, error) {
	tables, rows, err := f.rows(strategy, hazard, builds, damageTrials)
	if err != nil {
		return "", err
	}
	var list []string
	for i, r := range rows {
		if r.Verdict.Damaged == 0 {
			return "", fmt.Errorf("%s is not damaged under %s on %s: none of %d lives", strategy, hazard, tables[i].OpenSSL, r.Verdict.Trials)
		}
		list = append(list, fmt.Sprintf("%d of %d on %s", r.Verdict.Damaged, r.Verdict.Trials, tables[i].OpenSSL))
	}
	return "damaged lives: " + strings.Join(list, ", "), nil
}

// holds says in how many lives there was no damage, and the weakest bound of a
// build.
func (f finder) holds(strategy, hazard string, builds ...string) (string, error) {
	tables, rows, err := f.rows(strategy, hazard, builds, damageTrials)
	if err != nil {
		return "", err
	}
	lives, bound := 0, 0.0
	for i, r := range rows {
		if r.Verdict.Damaged > 0 {
			return "", fmt.Errorf("%s is damaged under %s on %s: %d of %d lives", strategy, hazard, tables[i].OpenSSL, r.Verdict.Damaged, r.Verdict.Trials)
		}
		lives, bound = lives+r.Verdict.Trials, max(bound, r.Verdict.Upper)
	}
	return fmt.Sprintf("0 of %s; on each build %s", number.Count(lives, "life"), number.AtMost(bound)), nil
}

// raced says how many blocks are raced on each build, and where the first of them
// was allocated. There are some on each.
func (f finder) raced(strategy, hazard string, builds ...string) (string, error) {
	tables, rows, err := f.rows(strategy, hazard, builds, sharingTrials)
	if err != nil {
		return "", err
	}
	var list []string
	for i, r := range rows {
		if len(r.Sharing.Places) == 0 {
			return "", fmt.Errorf("%s has no raced block under %s on %s", strategy, hazard, tables[i].OpenSSL)
		}
		list = append(list, fmt.Sprintf("%d on %s (`%s`)", r.Sharing.Raced+r.Sharing.ReadRaced, tables[i].OpenSSL, r.Sharing.Places[0].Site))
	}
	return "raced blocks: " + strings.Join(list, ", "), nil
}

// unraced says in how many sharing trials no block was raced.
func (f finder) unraced(strategy, hazard string, builds ...string) (string, error) {
	tables, rows, err := f.rows(strategy, hazard, builds, sharingTrials)
	if err != nil {
		return "", err
	}
	n := 0
	for i, r := range rows {
		if r.Sharing.Raced+r.Sharing.ReadRaced > 0 {
			return "", fmt.Errorf("%s has %d raced blocks under %s on %s", strategy, r.Sharing.Raced+r.Sharing.ReadRaced, hazard, tables[i].OpenSSL)
		}
		n += r.Sharing.Trials
	}
	return fmt.Sprintf("no raced block in %s", number.Count(n, "sharing trial")), nil
}

// costs gives the interval of a strategy's cost by duets that holds those of all
// builds.
func (f finder) costs(strategy string) (string, error) {
	_, rows, err := f.rows(strategy, results.Plain, nil, func(r *results.Row) bool { return r.Duet != nil })
	if err != nil {
		return "", err
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		low, high = min(low, r.Duet.Cost.Low), max(high, r.Duet.Cost.High)
	}
	return number.Between(low, high, number.Change), nil
}
