package results

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// trialParser reads the JSON of #trial lines. encoding/json takes most of the
// time of comparing a large file, so the plain cases (the keys that Writer
// writes, no null, no negative counts) are read by hand, several times as
// fast. At anything else parse starts again with encoding/json, which alone
// decides what is an error. A fuzz target holds the two against each other.
type trialParser struct {
	b []byte
	i int

	interned map[string]string // the few words that come again in every trial
}

// parse reads text into t, whose maps and slices are used again, and returns
// the benchmark name and the number of benchmark lines that follow; -1 where
// the text does not say.
func (p *trialParser) parse(text []byte, t *Trial) (name string, lines int, err error) {
	p.b, p.i = text, 0
	t.reset()
	f := facts{t: t, lines: -1}
	if p.object(func(key []byte) bool { return p.fact(&f, key) }) && p.end() {
		return f.name, f.lines, nil
	}
	t.reset()
	line := struct {
		Name  string `json:"name"`
		Lines *int   `json:"lines"`
		*Trial
	}{Trial: t}
	if err := json.Unmarshal(text, &line); err != nil {
		return "", 0, err
	}
	if line.Lines == nil {
		return line.Name, -1, nil
	}
	return line.Name, *line.Lines, nil
}

func (t *Trial) reset() {
	events, detail, metrics, series := t.Events, t.Detail[:0], t.Metrics[:0], t.Series[:0]
	clear(events)
	*t = Trial{Events: events, Detail: detail, Metrics: metrics, Series: series}
}

// facts is the destination of one parse.
type facts struct {
	t     *Trial
	name  string
	lines int
}

// fact reads the value of one key of a #trial line.
func (p *trialParser) fact(f *facts, key []byte) bool {
	t := f.t
	switch string(key) {
	case "name":
		return p.word(&f.name)
	case "lines":
		return p.int(&f.lines)
	case "id":
		return p.int(&t.ID)
	case "round":
		return p.int(&t.Round)
	case "start":
		return p.time(&t.Start)
	case "status":
		return p.word((*string)(&t.Status))
	case "reason":
		return p.word(&t.Reason)
	case "mark":
		return p.word(&t.Mark)
	case "control":
		return p.bool(&t.Control)
	case "shared_slots":
		return p.int(&t.SharedSlots)
	case "events":
		return p.events(&t.Events)
	case "ignored":
		return p.events(&t.Ignored)
	case "detail":
		return p.strings(&t.Detail)
	case "load1":
		return p.float(&t.LoadBefore)
	case "steal_share":
		return p.float(&t.Steal)
	case "first_event_ns":
		return p.duration(&t.FirstEvent)
	case "crash_ns":
		return p.duration(&t.CrashAt)
	case "load_ns":
		return p.duration(&t.Load)
	}
	return p.count(t, key)
}

// count reads the value of a key whose value is a count.
func (p *trialParser) count(t *Trial, key []byte) bool {
	switch string(key) {
	case "seed":
		return p.uint(&t.Seed)
	case "handshakes":
		return p.uint(&t.Handshakes)
	case "attempts":
		return p.uint(&t.Attempts)
	case "checks":
		return p.uint(&t.Checks)
	case "draws":
		return p.uint(&t.Draws)
	case "forks":
		return p.uint(&t.Forks)
	case "first_event_hs":
		return p.uint(&t.FirstEventAt)
	case "ctx_switches":
		return p.uint(&t.CtxSwitches)
	}
	return false
}

func (p *trialParser) events(to *map[string]uint64) bool {
	if *to == nil {
		*to = make(map[string]uint64)
	}
	return p.object(func(key []byte) bool {
		kind := p.intern(key)
		var n uint64
		ok := p.uint(&n)
		(*to)[kind] = n
		return ok
	})
}

// object reads an object; value is called for each key to read its value.
func (p *trialParser) object(value func(key []byte) bool) bool {
	if !p.skip('{') {
		return false
	}
	if p.skip('}') {
		return true
	}
	for {
		quoted, plain := p.quoted()
		if !plain || !p.skip(':') || !value(quoted[1:len(quoted)-1]) {
			return false
		}
		if !p.skip(',') {
			return p.skip('}')
		}
	}
}

func (p *trialParser) strings(to *[]string) bool {
	*to = (*to)[:0]
	if !p.skip('[') {
		return false
	}
	if p.skip(']') {
		return true
	}
	for {
		quoted, plain := p.quoted()
		if quoted == nil {
			return false
		}
		s := string(quoted[1 : len(quoted)-1])
		if !plain && json.Unmarshal(quoted, &s) != nil {
			return false
		}
		*to = append(*to, s)
		if !p.skip(',') {
			return p.skip(']')
		}
	}
}

// word reads a string that is likely to come again.
func (p *trialParser) word(to *string) bool {
	quoted, plain := p.quoted()
	if !plain {
		return false
	}
	*to = p.intern(quoted[1 : len(quoted)-1])
	return true
}

func (p *trialParser) intern(b []byte) string {
	if s, ok := p.interned[string(b)]; ok {
		return s
	}
	s := string(b)
	// Reasons may hold anything; the table must not grow with the file.
	if p.interned == nil || len(p.interned) > 10000 {
		p.interned = make(map[string]string)
	}
	p.interned[s] = s
	return s
}

// quoted reads a string with its quotes, nil if there is none. It is plain if
// what appears between them needs no decoding.
func (p *trialParser) quoted() (text []byte, plain bool) {
	p.space()
	if p.i >= len(p.b) || p.b[p.i] != '"' {
		return nil, false
	}
	plain = true
	for j := p.i + 1; j < len(p.b); j++ {
		switch c := p.b[j]; {
		case c == '"':
			text = p.b[p.i : j+1]
			p.i = j + 1
			return text, plain
		case c == '\\':
			plain = false
			j++
		case c < ' ' || c >= 0x80:
			plain = false
		}
	}
	return nil, false
}

func (p *trialParser) time(to *time.Time) bool {
	quoted, plain := p.quoted()
	return plain && to.UnmarshalJSON(quoted) == nil
}

func (p *trialParser) bool(to *bool) bool {
	p.space()
	var ok bool
	if p.b, ok = bytes.CutPrefix(p.b[p.i:], []byte("true")); ok {
		*to = true
	} else if p.b, ok = bytes.CutPrefix(p.b, []byte("false")); ok {
		*to = false
	}
	p.i = 0
	return ok
}

// digits reads a number that is digits only, as JSON writes it: no leading
// zero, and short enough not to overflow.
func (p *trialParser) digits() (n uint64, count int) {
	p.space()
	start := p.i
	for p.i < len(p.b) && p.b[p.i]-'0' <= 9 {
		n = n*10 + uint64(p.b[p.i]-'0')
		p.i++
	}
	count = p.i - start
	if count > 18 || count > 1 && p.b[start] == '0' {
		count = 0
	}
	return n, count
}

func (p *trialParser) uint(to *uint64) bool {
	n, count := p.digits()
	if count > 0 {
		*to = n
		return true
	}
	return p.longUint(to)
}

// longUint reads what digits refused; seeds have up to 20 digits.
func (p *trialParser) longUint(to *uint64) bool {
	end := p.i
	for p.i > 0 && p.b[p.i-1]-'0' <= 9 {
		p.i--
	}
	n, err := strconv.ParseUint(string(p.b[p.i:end]), 10, 64)
	if err != nil || p.b[p.i] == '0' {
		return false
	}
	*to, p.i = n, end
	return true
}

func (p *trialParser) int(to *int) bool {
	n, count := p.digits()
	*to = int(n)
	return count > 0
}

func (p *trialParser) duration(to *time.Duration) bool {
	n, count := p.digits()
	*to = time.Duration(n)
	return count > 0
}

// pow10 are the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// float reads a decimal of at most 15 digits without an exponent: then both
// the digits and the power of ten are exact, and their quotient is the nearest
// float64 (the fast path of Clinger, "How to read floating point numbers
// accurately", 1990).
func (p *trialParser) float(to *float64) bool {
	n, count := p.digits()
	if count == 0 || count > 15 {
		return false
	}
	*to = float64(n)
	if p.i >= len(p.b) || p.b[p.i] != '.' {
		return true
	}
	p.i++
	start := p.i
	for p.i < len(p.b) && p.b[p.i]-'0' <= 9 {
		n = n*10 + uint64(p.b[p.i]-'0')
		p.i++
	}
	decimals := p.i - start
	if decimals == 0 || count+decimals > 15 {
		return p.longFloat(to, start-1-count)
	}
	*to = float64(n) / pow10[decimals]
	return true
}

// longFloat reads a decimal with more digits than float can take, as shares
// that were computed have.
func (p *trialParser) longFloat(to *float64, start int) bool {
	if p.b[p.i-1] == '.' {
		return false
	}
	v, err := strconv.ParseFloat(string(p.b[start:p.i]), 64)
	*to = v
	return err == nil
}

func (p *trialParser) skip(c byte) bool {
	p.space()
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *trialParser) space() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\t' || p.b[p.i] == '\r' || p.b[p.i] == '\n') {
		p.i++
	}
}

// end reports whether nothing is left.
func (p *trialParser) end() bool {
	p.space()
	return p.i == len(p.b)
}
