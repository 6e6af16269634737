package results

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// Measure names the benchmark a cell belongs to, without the leading
// "Benchmark".
type Measure string

// The measures of the suite; the package comment says what each yields.
const (
	Handshake  Measure = "Handshake"
	Corruption Measure = "Corruption"
	Fork       Measure = "Fork"
	Sharing    Measure = "Sharing"
	Duet       Measure = "Duet"
)

// Measures lists the measures there are.
var Measures = []Measure{Handshake, Corruption, Sharing, Fork, Duet}

// Settings are the optional parts of a cell's name, such as "tls=1.2 key=rsa-2048", in
// SettingOrder: what differs from the default.
type Settings string

// Setting returns the value of an optional setting, "" if it has its default.
func (s Settings) Setting(key string) string {
	for setting := range strings.SplitSeq(string(s), " ") {
		if value, ok := strings.CutPrefix(setting, key+"="); ok {
			return value
		}
	}
	return ""
}

// With adds a setting.
func (s Settings) With(key, value string) Settings {
	list := append(strings.Fields(string(s)), key+"="+value)
	place := func(setting string) int {
		key, _, _ := strings.Cut(setting, "=")
		return slices.Index(SettingOrder, key)
	}
	slices.SortStableFunc(list, func(a, b string) int { return place(a) - place(b) })
	return Settings(strings.Join(list, " "))
}

// Without leaves some settings out: they have their defaults.
func (s Settings) Without(keys ...string) Settings {
	return Settings(strings.Join(slices.DeleteFunc(strings.Fields(string(s)), func(setting string) bool {
		key, _, _ := strings.Cut(setting, "=")
		return slices.Contains(keys, key)
	}), " "))
}

// SettingOrder is the order in which optional settings stand in a name,
// between heap= and strategy=.
var SettingOrder = []string{"server", "tls", "key", "rand", "locks", "bad", "heap-safety", "check", "mem", "filled", "thp", AgainstKey}

// Cell is what all trials with the same settings have in common. Its Name is
// the benchmark name.
type Cell struct {
	Measure Measure
	OpenSSL string // the library's own version, e.g. 3.0.20
	Hazard  string
	Load    string
	Heap    string
	Settings
	Strategy string
	Workers  int
}

// Name gives the benchmark name of the cell. workers= is last, because a name
// that ends in a strategy such as clear-0-15 would be read as one with
// GOMAXPROCS=15.
func (c Cell) Name() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Benchmark%s/openssl=%s/hazard=%s/load=%s/heap=%s",
		c.Measure, c.OpenSSL, c.Hazard, c.Load, c.Heap)
	for _, setting := range strings.Fields(string(c.Settings)) {
		b.WriteString("/" + setting)
	}
	fmt.Fprintf(&b, "/strategy=%s/workers=%d", c.Strategy, c.Workers)
	return b.String()
}

// gomaxprocs is the suffix that package testing adds to a benchmark's name.
var gomaxprocs = regexp.MustCompile(`-[0-9]+$`)

// ParseCell reads a benchmark name, with or without "Benchmark" before it and
// with or without the GOMAXPROCS suffix of package testing after it. The parts
// may appear in any order, each once.
func ParseCell(name string) (Cell, error) {
	base, rest, _ := strings.Cut(strings.TrimPrefix(name, "Benchmark"), "/")
	c := Cell{Measure: Measure(base)}
	if !c.Measure.known() {
		return Cell{}, fmt.Errorf("benchmark name %q: measure %q is not one of %v", name, base, Measures)
	}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(rest, "/") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return Cell{}, fmt.Errorf("benchmark name %q: part %q is not key=value", name, part)
		}
		if seen[key] {
			return Cell{}, fmt.Errorf("benchmark name %q: %s= is given twice", name, key)
		}
		seen[key] = true
		if err := c.set(key, value); err != nil {
			return Cell{}, fmt.Errorf("benchmark name %q: %w", name, err)
		}
	}
	if c.OpenSSL == "" || c.Hazard == "" || c.Load == "" || c.Heap == "" || c.Strategy == "" || c.Workers == 0 {
		return Cell{}, fmt.Errorf("benchmark name %q: want openssl, hazard, load, heap, strategy and workers", name)
	}
	return c, nil
}

func (m Measure) known() bool { return slices.Contains(Measures, m) }

func (c *Cell) set(key, value string) error {
	// White space would end the name in a benchmark line.
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Errorf("%s=%q has white space or a control character", key, value)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("%s=%q is not valid UTF-8", key, value)
	}
	if key == "workers" {
		n, err := strconv.Atoi(gomaxprocs.ReplaceAllString(value, ""))
		if err != nil || n < 1 {
			return fmt.Errorf("workers=%s is not a positive number", value)
		}
		c.Workers = n
		return nil
	}
	if field := c.field(key); field != nil {
		*field = value
		return nil
	}
	if !slices.Contains(SettingOrder, key) {
		return fmt.Errorf("unknown part %s=%s", key, value)
	}
	c.Settings = c.With(key, value)
	return nil
}

// field is where a part that every name has is kept, nil for any other key.
func (c *Cell) field(key string) *string {
	return map[string]*string{"openssl": &c.OpenSSL, "hazard": &c.Hazard, "load": &c.Load, "heap": &c.Heap, "strategy": &c.Strategy}[key]
}

// nameKeys are the parts that every name has.
var nameKeys = []string{"openssl", "hazard", "load", "heap", "strategy", "workers"}

// inNames gives the form of a value that appears in names: figures write the
// default of a parameter too, as in foreign-before:n=14.
func inNames(key, value string) string {
	switch key {
	case "hazard":
		if name, err := HazardName(value); err == nil {
			return name
		}
	case "strategy", AgainstKey:
		if c, err := catalogue.Parse(value); err == nil && c.Path == "" {
			return c.String()
		}
	}
	return value
}

// matches reports whether a cell has all these values, such as hazard=plain; several
// for one key are alternatives, and openssl=3.5 is every version of that line.
func (c *Cell) matches(where []string) bool {
	for _, key := range slices.Concat(nameKeys, SettingOrder) {
		wanted := func(w string) bool { return strings.HasPrefix(w, key+"=") }
		hit := func(w string) bool {
			return w == key+"="+c.value(key) || key == "openssl" && w == "openssl="+version.Line(c.OpenSSL)
		}
		if slices.ContainsFunc(where, wanted) && !slices.ContainsFunc(where, hit) {
			return false
		}
	}
	return true
}

func (c *Cell) value(key string) string {
	if field := c.field(key); field != nil {
		return *field
	}
	if key == "workers" {
		return fmt.Sprint(c.Workers)
	}
	return c.Setting(key)
}
