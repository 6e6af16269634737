package results

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Measure names the benchmark a cell belongs to, without the leading
// "Benchmark".
type Measure string

// The measures of the suite. A handshake trial runs with the detectors off
// and yields throughput; a corruption trial runs with bad peers and yields
// events; a fork trial yields fork latency.
const (
	Handshake  Measure = "Handshake"
	Corruption Measure = "Corruption"
	Fork       Measure = "Fork"
)

// Setting is one optional part of a cell's name, such as tls=1.2. Only what
// differs from the default is part of a name.
type Setting struct {
	Key, Value string
}

// SettingOrder is the order in which optional settings stand in a name,
// between heap= and strategy=.
var SettingOrder = []string{"tls", "key", "rand", "locks", "bad", "heap-safety", "check", "mem"}

// Cell is what all trials with the same settings have in common. Its Name is
// the benchmark name.
type Cell struct {
	Measure  Measure
	OpenSSL  string // the library's own version, e.g. 3.0.20
	Hazard   string
	Load     string
	Heap     string
	Settings []Setting // in SettingOrder
	Strategy string
	Workers  int
}

// Setting returns the value of an optional setting, "" if it has its default.
func (c Cell) Setting(key string) string {
	for _, s := range c.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// Name gives the benchmark name of the cell. workers= is last, because a name
// that ends in a strategy such as clear-0-15 would be read as one with
// GOMAXPROCS=15.
func (c Cell) Name() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Benchmark%s/openssl=%s/hazard=%s/load=%s/heap=%s",
		c.Measure, c.OpenSSL, c.Hazard, c.Load, c.Heap)
	for _, key := range SettingOrder {
		if v := c.Setting(key); v != "" {
			fmt.Fprintf(&b, "/%s=%s", key, v)
		}
	}
	fmt.Fprintf(&b, "/strategy=%s/workers=%d", c.Strategy, c.Workers)
	return b.String()
}

// gomaxprocs is the suffix that package testing adds to a benchmark's name.
var gomaxprocs = regexp.MustCompile(`-[0-9]+$`)

// ParseCell reads a benchmark name, with or without "Benchmark" before it and
// with or without the GOMAXPROCS suffix of package testing after it.
func ParseCell(name string) (Cell, error) {
	parts := strings.Split(strings.TrimPrefix(name, "Benchmark"), "/")
	c := Cell{Measure: Measure(parts[0])}
	for _, part := range parts[1:] {
		key, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return Cell{}, fmt.Errorf("benchmark name %q: part %q is not key=value", name, part)
		}
		if err := c.set(key, value); err != nil {
			return Cell{}, fmt.Errorf("benchmark name %q: %w", name, err)
		}
	}
	if c.OpenSSL == "" || c.Hazard == "" || c.Load == "" || c.Heap == "" || c.Strategy == "" || c.Workers == 0 {
		return Cell{}, fmt.Errorf("benchmark name %q: want openssl, hazard, load, heap, strategy and workers", name)
	}
	return c, nil
}

func (c *Cell) set(key, value string) error {
	switch key {
	case "openssl":
		c.OpenSSL = value
	case "hazard":
		c.Hazard = value
	case "load":
		c.Load = value
	case "heap":
		c.Heap = value
	case "strategy":
		c.Strategy = value
	case "workers":
		n, err := strconv.Atoi(gomaxprocs.ReplaceAllString(value, ""))
		if err != nil || n < 1 {
			return fmt.Errorf("workers=%s is not a positive number", value)
		}
		c.Workers = n
	default:
		for _, known := range SettingOrder {
			if key == known {
				c.Settings = append(c.Settings, Setting{key, value})
				return nil
			}
		}
		return fmt.Errorf("unknown part %s=%s", key, value)
	}
	return nil
}
