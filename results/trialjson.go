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

// parse reads text into t, whose maps and slices are used again. Lines are -1
// where the text does not say.
func (p *trialParser) parse(text []byte, t *Trial) (trialLine, error) {
	p.b, p.i = text, 0
	t.reset()
	line := trialLine{Lines: -1, Trial: t}
	if p.object(func(key []byte) bool { return p.fact(&line, key) }) && p.end() {
		return line, nil
	}
	t.reset()
	line = trialLine{Lines: -1, Trial: t}
	return line, json.Unmarshal(text, &line)
}

func (t *Trial) reset() {
	events, detail, metrics, series := t.Events, t.Detail[:0], t.Metrics[:0], t.Series[:0]
	clear(events)
	*t = Trial{Metrics: metrics, Series: series, Life: Life{Events: events, Detail: detail}}
}

// fact reads the value of one key of a #trial line.
func (p *trialParser) fact(t *trialLine, key []byte) bool {
	switch string(key) {
	case "name":
		return p.word(&t.Name)
	case "lines":
		return p.int(&t.Lines)
	case "id":
		return p.int(&t.ID)
	case "round":
		return p.int(&t.Round)
	case "seed":
		return p.uint(&t.Seed)
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
	case "events":
		return p.events(&t.Events)
	case "ignored":
		return p.events(&t.Ignored)
	case "first_event_ns":
		return p.duration(&t.FirstEvent)
	case "first_event_hs":
		return p.uint(&t.FirstEventAt)
	case "crash_ns":
		return p.duration(&t.CrashAt)
	case "load_ns":
		return p.duration(&t.Load)
	case "shared_slots":
		return p.int(&t.SharedSlots)
	case "detail":
		return p.strings(&t.Detail)
	case "load1":
		return p.float(&t.LoadBefore)
	case "steal_share":
		return p.float(&t.Steal)
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

// number reads a decimal without sign and exponent, nil if JSON would not write
// it so. (A string of it that only strconv gets is not allocated.)
func (p *trialParser) number() []byte {
	p.space()
	start := p.i
	for p.i < len(p.b) && (p.b[p.i]-'0' <= 9 || p.b[p.i] == '.') {
		p.i++
	}
	text := p.b[start:p.i]
	whole, _, _ := bytes.Cut(text, []byte("."))
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' || bytes.HasSuffix(text, []byte(".")) {
		return nil
	}
	return text
}

func (p *trialParser) uint(to *uint64) bool {
	n, err := strconv.ParseUint(string(p.number()), 10, 64)
	*to = n
	return err == nil
}

func (p *trialParser) int(to *int) bool {
	n, err := strconv.Atoi(string(p.number()))
	*to = n
	return err == nil
}

func (p *trialParser) duration(to *time.Duration) bool {
	n, err := strconv.ParseInt(string(p.number()), 10, 64)
	*to = time.Duration(n)
	return err == nil
}

func (p *trialParser) float(to *float64) bool {
	n, err := strconv.ParseFloat(string(p.number()), 64)
	*to = n
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
