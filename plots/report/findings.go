package report

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"tlsbench/plots"
	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/page"
	"tlsbench/results/version"
)

// findingsText is the article. Each number in it is a call of one of finder's
// methods. They refuse what the data contradict, or do not hold: then nothing
// is published, and the sentence has to be written anew.
//
//go:embed findings.md
var findingsText string

// findings is the article with the numbers of a set.
func findings(d *plots.Data, set string) (string, error) {
	f := finder{tables: d.Tables, field: d.Field}
	article, err := template.New("findings.md").Funcs(template.FuncMap{
		"breaks": tells(f.damaged, broken), "holds": tells(f.damaged, held), "raced": f.raced, "unraced": f.unraced, "events": f.events, "costs": f.costs, "handlers": f.handlers,
		"predictions": f.predictions, "daemonBreaks": tells(f.daemons, broken), "daemonHolds": tells(f.daemons, held), "agreement": f.agreement, "exposure": f.exposure, "floor": f.floor,
		"set":    func() string { return set },
		"family": func() (string, error) { return everywhere(d.Comparison) },
	}).Parse(findingsText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = article.Execute(&b, nil)
	return b.String(), err
}

// finder looks up what the article says of a strategy under a hazard with load
// memory, on the builds named or, if none is, on all of the set.
type finder struct {
	tables []*results.Table
	field  []*results.Comparison
}

// found is a strategy on a build.
type found struct {
	build string
	*results.Row
}

// rows are those that keep wants, with the usual number of workers unless one of the
// builds is a number of them, such as "2 workers"; an error if a build has none.
func (f finder) rows(strategy, hazard string, builds []string, keep func(*results.Row) bool) (rows []found, err error) {
	workers := number.Count(results.DefaultWorkers, "worker")
	builds = slices.DeleteFunc(slices.Clone(builds), func(name string) bool {
		count := strings.Contains(name, " worker")
		if count {
			workers = name
		}
		return count
	})
	missing := slices.Clone(builds)
	for t, r := range results.Rows(f.tables) {
		if r.Strategy == strategy && t.Hazard == hazard && usual(t) && number.Count(t.Workers, "worker") == workers &&
			(len(builds) == 0 || slices.Contains(builds, t.OpenSSL)) && keep(r) {
			rows = append(rows, found{t.OpenSSL, r})
			missing = slices.DeleteFunc(missing, func(b string) bool { return b == t.OpenSSL })
		}
	}
	if len(rows) == 0 && len(builds) == 0 {
		missing = []string{"any build"}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the set has no such trials of %s under %s on %s", strategy, hazard, strings.Join(missing, ", "))
	}
	return rows, nil
}

func usual(t *results.Table) bool { return t.Load == "memory" && t.Heap == results.Heaps.Default() }

func sharingTrials(r *results.Row) bool { return r.Sharing != nil && r.Sharing.Trials > 0 }

// lives adds up those of a strategy on each build, in the order of builds, and how
// many of them count.
func (f finder) lives(strategy, hazard string, builds []string, count func(*results.Row) int) (list []damageAt, err error) {
	rows, err := f.rows(strategy, hazard, builds, func(r *results.Row) bool { return r.Verdict.Trials > 0 })
	for _, r := range rows {
		list = addLives(list, damageAt{r.build, count(r.Row), r.Verdict.Trials})
	}
	slices.SortFunc(list, func(a, b damageAt) int { return version.Compare(a.where, b.where) })
	return list, err
}

// damaged adds up the damaged ones.
func (f finder) damaged(strategy, hazard string, builds []string) ([]damageAt, error) {
	return f.lives(strategy, hazard, builds, func(r *results.Row) int { return r.Verdict.Damaged })
}

// damageAt is how many lives were damaged, or count for something else, on a build or
// in a daemon.
type damageAt struct {
	where           string
	damaged, trials int
}

// addLives adds some to those in the same place.
func addLives(list []damageAt, more damageAt) []damageAt {
	i := slices.IndexFunc(list, func(l damageAt) bool { return l.where == more.where })
	if i < 0 {
		return append(list, more)
	}
	list[i].damaged, list[i].trials = list[i].damaged+more.damaged, list[i].trials+more.trials
	return list
}

// tells says something of the lives of a strategy under a hazard that are counted on
// each of some builds, or in each daemon on some lines.
func tells(count func(strategy, hazard string, where []string) ([]damageAt, error), say func(list []damageAt, what string) (string, error)) func(strategy, hazard string, where ...string) (string, error) {
	return func(strategy, hazard string, where ...string) (string, error) {
		list, err := count(strategy, hazard, where)
		if err != nil {
			return "", err
		}
		return say(list, strategy+" under "+hazard)
	}
}

// broken says in how many lives there was damage in each place, and refuses if
// there was none in one.
func broken(list []damageAt, what string) (string, error) {
	text, err := inEach(list, what+": damage", "%d of %d on %s")
	return "damaged " + text, err
}

func inEach(list []damageAt, what, format string) (string, error) {
	var parts []string
	for _, l := range list {
		if l.damaged == 0 {
			return "", fmt.Errorf("%s in none of %d lives on %s", what, l.trials, l.where)
		}
		parts = append(parts, fmt.Sprintf(format, l.damaged, l.trials, l.where))
	}
	return strings.Join(parts, ", "), nil
}

// held says in how many lives there was no damage, and the weakest bound of a
// place; it refuses if there was some.
func held(list []damageAt, what string) (string, error) {
	n, bound := 0, 0.0
	for _, l := range list {
		if l.damaged > 0 {
			return "", fmt.Errorf("%s is damaged on %s: %d of %d lives", what, l.where, l.damaged, l.trials)
		}
		n, bound = n+l.trials, max(bound, inference.ProportionUpper(0, l.trials, 0.95))
	}
	return fmt.Sprintf("0 of %d lives (%s, on each %s)", n, number.Count(len(list), "version"), number.AtMost(bound)), nil
}

// events says in how many lives of each build there were events of a kind; there
// were some on each.
func (f finder) events(strategy, hazard, kind string, builds ...string) (string, error) {
	list, err := f.lives(strategy, hazard, builds, func(r *results.Row) int { return r.Event(kind).Trials })
	if err != nil {
		return "", err
	}
	text, err := inEach(list, strategy+" under "+hazard+": "+kind, "%d of %d lives on %s")
	return "in " + text, err
}

// raced says how many blocks are raced on each build, and where the first of them
// was allocated. There are some on each.
func (f finder) raced(strategy, hazard string, builds ...string) (string, error) {
	rows, err := f.rows(strategy, hazard, builds, sharingTrials)
	if err != nil {
		return "", err
	}
	var list []string
	for _, r := range rows {
		if len(r.Sharing.Sites) == 0 {
			return "", fmt.Errorf("%s has no raced block under %s on %s", strategy, hazard, r.build)
		}
		// The site is a line of OpenSSL's source, and who called it, innermost first.
		site := strings.Fields(r.Sharing.Sites[0].Site)
		where := "`" + site[0] + "`"
		if library, _, ok := strings.Cut(strings.Join(site[1:min(2, len(site))], ""), ".so+"); ok && !strings.HasPrefix(library, "libcrypto") {
			where += " in " + library + ".so"
		}
		list = append(list, fmt.Sprintf("%d on %s (%s)", r.Sharing.Raced+r.Sharing.ReadRaced, r.build, where))
	}
	return "shared blocks: " + strings.Join(list, ", "), nil
}

// unraced says in how many sharing trials no block was raced.
func (f finder) unraced(strategy, hazard string, builds ...string) (string, error) {
	rows, err := f.rows(strategy, hazard, builds, sharingTrials)
	if err != nil {
		return "", err
	}
	n := 0
	for _, r := range rows {
		if r.Sharing.Raced+r.Sharing.ReadRaced > 0 {
			return "", fmt.Errorf("%s has %d raced blocks under %s on %s", strategy, r.Sharing.Raced+r.Sharing.ReadRaced, hazard, r.build)
		}
		n += r.Sharing.Trials
	}
	return fmt.Sprintf("no shared block in %s", number.Count(n, "sharing trial")), nil
}

// floor names the blocks that the negative control shares under hazard plain, on each
// build that has such.
func (f finder) floor() (string, error) {
	var list []string
	for _, t := range f.tables {
		if usual(t) && t.Hazard == results.Plain && t.Workers == results.DefaultWorkers && len(t.Floor) > 0 {
			list = append(list, fmt.Sprintf("`%s` on %s", strings.Join(t.Floor, "`, `"), t.OpenSSL))
		}
	}
	if len(list) == 0 {
		return "", fmt.Errorf("%s shares no block under hazard %s on any build", results.NegativeControl, results.Plain)
	}
	return strings.Join(list, ", "), nil
}

// exposure says how many connections there were in an average life of a field
// without damage: where there were fewest, and in half of the fields.
func (f finder) exposure() (string, error) {
	var all []float64
	fewest, where := math.Inf(1), ""
	for t, r := range results.Rows(f.tables) {
		v := &r.Verdict
		if v.Trials == 0 || v.Damaged > 0 || !usual(t) {
			continue
		}
		n := float64(v.Attempts) / float64(v.Trials)
		if n < fewest {
			fewest, where = n, fmt.Sprintf("%s under %s on %s", r.Strategy, t.Hazard, t.OpenSSL)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		return "", errors.New("the set has no field without damage")
	}
	slices.Sort(all)
	return fmt.Sprintf("in half of the fields without damage it has fewer than %.0f connections, and %.0f in that with the fewest (%s)", math.Ceil(all[len(all)/2]), fewest, where), nil
}

// everywhere is what the set says of all fields without damage at once.
func everywhere(c *results.Comparison) (string, error) {
	if c.Family == nil {
		return "", errors.New("the set has no lives until the verdict of each field (--rounds auto)")
	}
	return c.Family.String(), nil
}

// costs gives the interval of a strategy's cost by duets that holds those of all
// builds.
func (f finder) costs(strategy string) (string, error) {
	rows, err := f.rows(strategy, results.Plain, []string{"1 worker"}, func(r *results.Row) bool { return r.Duet != nil && r.Duet.Cost.Known() })
	if err != nil {
		return "", err
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		low, high = min(low, r.Duet.Cost.Low), max(high, r.Duet.Cost.High)
	}
	return number.Between(low, high, number.Change), nil
}

// handlers gives what a strategy's at-fork handlers take on all builds, where least and
// where most; sweeps are left out.
func (f finder) handlers(strategy string) (string, error) {
	low, high := math.Inf(1), 0.0
	for t, r := range results.Rows(f.tables) {
		c, ok := r.Cost(results.HandlerCold)
		if ok && r.Strategy == strategy && t.Hazard == results.Plain && t.Workers == 1 && t.Settings == "" && usual(t) {
			low, high = min(low, c.Median.Value), max(high, c.Median.Value)
		}
	}
	if high == 0 {
		return "", fmt.Errorf("the set has no forks of one worker under %s", strategy)
	}
	return number.Duration(low) + " to " + number.Duration(high), nil
}

// daemons adds up the lives of a strategy with a hazard in the unchanged daemons:
// those on the OpenSSL lines named, or all.
func (f finder) daemons(strategy, hazard string, lines []string) ([]damageAt, error) {
	var list []damageAt
	for _, field := range f.field {
		for _, r := range field.Daemons.Rows {
			if r.Strategy != strategy || r.Hazard != hazard || r.Daemon.Trials == 0 || len(lines) > 0 && !slices.Contains(lines, version.Line(r.OpenSSL)) {
				continue
			}
			list = addLives(list, damageAt{fmt.Sprintf("%s (OpenSSL %s)", r.Server, r.OpenSSL), r.Daemon.Damaged, r.Daemon.Trials})
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the set has no daemons with %s under %s %s", strategy, hazard, strings.Join(lines, ", "))
	}
	slices.SortFunc(list, func(a, b damageAt) int { return version.Compare(a.where, b.where) })
	return list, nil
}

// predictions is a table of hazards and strategies: what the catalogue expects on
// each build of the set, beside what its trials showed.
func (f finder) predictions() (string, error) {
	tables := slices.DeleteFunc(slices.Clone(f.tables), func(t *results.Table) bool {
		return t.Hazard == results.Plain || !usual(t) || t.Settings != ""
	})
	cells := make(map[[3]string]cellSum)
	for t, r := range results.Rows(tables) {
		key := [3]string{t.Hazard, r.Strategy, t.OpenSSL}
		cells[key] = cells[key].with(r)
	}
	names := results.Strategies(tables...)
	builds := results.Distinct(tables, func(t *results.Table) string { return t.OpenSSL })
	slices.SortFunc(builds, version.Compare)
	hazards := results.Distinct(tables, func(t *results.Table) string { return t.Hazard })
	slices.SortFunc(hazards, results.CompareHazards)
	t := &page.Table{Head: append([]string{"hazard"}, names...)}
	least := math.MaxInt
	for _, hazard := range hazards {
		row := []any{results.HazardTitle(hazard)}
		for _, name := range names {
			marks := ""
			for _, build := range builds {
				c := cells[[3]string{hazard, name, build}]
				expected, err := results.Expected(hazard, name, build, results.Keys.Default())
				if err != nil {
					return "", err
				}
				marks += c.mark(expected)
				if c.trials > 0 && c.damaged == 0 {
					least = min(least, c.trials)
				}
			}
			row = append(row, marks)
		}
		t.Add(row...)
	}
	if len(t.Rows) == 0 {
		return "", errors.New("the set has no hazards")
	}
	return fmt.Sprintf("At least %d lives in each field without damage; one mark for each build, %s, in this order.\n\n%s",
		least, strings.Join(builds, ", "), markdown(t)), nil
}

// agreement says how lives and tracer agree, over all fields that have both. Damage
// without a raced block is refused, but for the hazards named: the article has the
// cause of those.
func (f finder) agreement(known ...string) (string, error) {
	var both, neither, damaged, raced int
	for t, r := range results.Rows(f.tables) {
		o := cellSum{}.with(r)
		switch {
		case o.trials == 0 || !o.traced || r.Strategy == results.PositiveControl:
		case o.damaged > 0 && o.raced > 0:
			both++
		case o.raced > 0:
			raced++
		case o.damaged == 0:
			neither++
		case !slices.ContainsFunc(known, func(name string) bool { return strings.HasPrefix(t.Hazard, name) }):
			return "", fmt.Errorf("%s under %s on %s: %d of %d lives damaged, and no block is raced", r.Strategy, t.Hazard, t.OpenSSL, o.damaged, o.trials)
		default:
			damaged++
		}
	}
	return fmt.Sprintf("%d fields: %d damaged and raced, %d neither, %d raced alone, %d damaged alone", both+neither+raced+damaged, both, neither, raced, damaged), nil
}

// cellSum is what all trials of a strategy under a hazard showed on one build.
type cellSum struct {
	trials, damaged, raced int
	traced                 bool
}

func (o cellSum) with(r *results.Row) cellSum {
	o.trials, o.damaged = o.trials+r.Verdict.Trials, o.damaged+r.Verdict.Damaged
	if r.Sharing != nil {
		o.traced, o.raced = true, o.raced+r.Sharing.Raced+r.Sharing.ReadRaced
	}
	return o
}

// mark is one mark of the table of predictions, which explains them.
func (o cellSum) mark(expected []results.Word) string {
	open := len(expected) > 0 && expected[0] == "?"
	predicted := len(expected) > 0 && !open
	switch {
	case o.trials == 0 && !o.traced:
		return "–"
	case o.damaged > 0 && predicted:
		return "D"
	case o.damaged > 0:
		return "N"
	case o.raced > 0 && predicted:
		return "r"
	case o.raced > 0:
		return "s"
	case predicted:
		return "m"
	case open:
		return "o"
	}
	return "·"
}
