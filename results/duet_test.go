package results

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tlsbench/results/event"
	"tlsbench/results/inference"
)

// players make pairs of processes whose true difference is known.
type players struct {
	*rand.Rand
	effect         float64 // log ratio
	layout, noise  float64 // standard deviations between pairs and of a turn
	first, started float64 // what the first turn of two costs more, and the server that was started first
}

func newPlayers(effect, layout, noise float64) *players {
	return &players{Rand: rand.New(rand.NewPCG(1, 2)), effect: effect, layout: layout, noise: noise}
}

func (p *players) pair() *DuetPair {
	d := &DuetPair{Processor: 1, First: Arm(p.IntN(2)), Dropped: DuetDropped}
	logs := [2]float64{Subject: p.effect + p.layout*p.NormFloat64()}
	logs[d.First] += p.started
	for block := range DuetBlocks {
		outer := Arm(p.IntN(2))
		for i, arm := range []Arm{outer, 1 - outer, 1 - outer, outer} {
			y := logs[arm] + p.noise*p.NormFloat64()
			if i%2 == 0 {
				y += p.first
			}
			if block < DuetDropped {
				y += float64(arm) // must not count
			}
			const handshakes = 50
			d.Slices = append(d.Slices, Slice{block, arm, event.Turn{
				Handshakes: handshakes, CPU: time.Duration(handshakes * 1e6 * math.Exp(y)),
				Wall: time.Millisecond, At: time.Duration(len(d.Slices)) * time.Millisecond, Preempted: 3, Instructions: 1000 * (1 + uint64(arm)),
			}})
		}
	}
	return d
}

func (p *players) trial(id int, strategy string) *Trial {
	c := testCell(Duet, strategy)
	c.Settings, c.Workers = "against=key-owner", 1
	d := p.pair()
	return &Trial{Cell: c, ID: id, Round: id, Status: OK, Life: Life{Handshakes: 4800, Duet: d}, Metrics: d.Metrics()}
}

// duetFile writes so many pairs of each strategy.
func duetFile(t *testing.T, pairs int, of map[string]*players) string {
	t.Helper()
	var list []*Trial
	for name, p := range of {
		for i := range pairs {
			list = append(list, p.trial(i+1, name))
		}
	}
	path := filepath.Join(t.TempDir(), "duets.txt")
	if err := os.WriteFile(path, written(t, list...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func duetRow(t *testing.T, path, strategy string) *DuetCost {
	t.Helper()
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Tables[0].Row(strategy)
	if r == nil {
		t.Fatalf("no row of %s", strategy)
	}
	return r.Duet
}

// The turns come back in their order, whether or not distributions are asked for,
// and what is inferred from them is what the benchmark line says.
func TestDuetIsReadBack(t *testing.T) {
	want := newPlayers(0.01, 0.004, 0.01).trial(1, "hwm")
	for _, keep := range []bool{false, true} {
		r := NewReader(bytes.NewReader(written(t, want, forkTrial(t, 2, map[string][]float64{"fork-ns": {250}}))), "r.txt")
		r.KeepSeries = keep
		if !r.Scan() {
			t.Fatal(r.Err())
		}
		got := r.Trial()
		if diff := cmp.Diff(want.Duet, got.Duet); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
		if diff := cmp.Diff(got.Metrics, got.Duet.Metrics(), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("the line and its turns (-line +turns):\n%s", diff)
		}
		if !r.Scan() || r.Trial().Duet != nil || len(r.Trial().Series) > 0 != keep {
			t.Errorf("the next trial has %+v and %d series", r.Trial().Duet, len(r.Trial().Series))
		}
	}
}

func TestSlicesAreRefused(t *testing.T) {
	good := string(written(t, newPlayers(0, 0, 0).trial(1, "hwm")))
	line := good[:strings.Index(good, "\n")]
	for want, bad := range map[string]string{
		"has 2 numbers, want 8":    "#samples slices 1,2",
		"numbers of at least 0":    "#samples slices 0,0,1,2,3,4,5,-1",
		"side 2, want 0 or 1":      "#samples slices 0,2,1,2,3,4,5,6",
		"name and a histogram":     "#samples slices 0, 1",
		"has 1 numbers, want 8":    "#samples slices x;y",
		"want numbers of at least": "#samples slices 0,0,1,2,3,4,5,x",
	} {
		r := NewReader(strings.NewReader(strings.Replace(good, line, bad, 1)), "r.txt")
		for r.Scan() {
		}
		if r.Err() == nil || !strings.Contains(r.Err().Error(), want) {
			t.Errorf("%s: error %v, want %q", bad, r.Err(), want)
		}
	}
}

// Without noise every figure is what it was made to be: the blocks at the start
// do not count, and neither the place of a turn nor who was started first is part
// of the cost.
func TestDuetFigures(t *testing.T) {
	p := newPlayers(math.Log(1.01), 0, 0)
	p.first, p.started = 0.003, 0.002
	d := p.pair()
	if n := len(d.Blocks()); n != DuetBlocks-DuetDropped {
		t.Errorf("%d blocks count", n)
	}
	if got := d.position(); math.Abs(got-p.first) > 1e-6 {
		t.Errorf("the first of two turns takes %v more, want %v", got, p.first)
	}
	c := duetRow(t, duetFile(t, 200, map[string]*players{"hwm": p}), "hwm")
	for what, f := range map[string]struct {
		got    Estimate
		want   float64
		within float64
	}{
		"cost":         {c.Cost.Estimate, 1.01, 0.002}, // with what is left of started
		"total":        {c.Total, 1.01, 0.002},
		"instructions": {c.Instructions, 2, 1e-9},
		"position":     {c.Position, math.Exp(p.first), 1e-6},
		"started":      {c.Started, math.Exp(p.started), 1e-3},
	} {
		if math.Abs(f.got.Value-f.want) > f.within {
			t.Errorf("%s is %v, want %v", what, f.got.Value, f.want)
		}
	}
}

// The words, each where it is due, and the far end where there is none to say.
func TestDuetWords(t *testing.T) {
	path := duetFile(t, inference.DuetFirst, map[string]*players{
		"hwm": newPlayers(0, 0.003, 0.01), "thread-stop": newPlayers(0.01, 0.003, 0.01), "pointer-match": newPlayers(0.004, 0.01, 0.05),
		NegativeControl: newPlayers(0, 0.003, 0.01),
	})
	for name, want := range map[string]string{"hwm": Equivalent, "thread-stop": Different, "pointer-match": NotResolved, NegativeControl: Equivalent} {
		if got := duetRow(t, path, name); got.Word != want {
			t.Errorf("%s: %s, want %s (%+v)", name, got.Word, want, got.Cost)
		}
	}
	wide := duetRow(t, path, "pointer-match")
	if far := wide.Far(); far != wide.Cost.High && far != wide.Cost.Low || math.Abs(math.Log(far)) < math.Abs(math.Log(wide.Cost.Value)) {
		t.Errorf("far end %v of %+v", far, wide.Cost.Estimate)
	}
	if text := strings.Join(wide.Cost.Warnings, "; "); !strings.Contains(text, "more are needed") || !strings.Contains(text, "differ by more than usual") {
		t.Errorf("warnings %q", text)
	}
	var b bytes.Buffer
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Show(&b, c, "csv"); err != nil {
		t.Fatal(err)
	}
}

// Pairs that were damaged or could not be carried out give no value, but they are
// pairs: a duet of which none can be made comes to its end.
func TestDuetWithoutValue(t *testing.T) {
	p := newPlayers(0, 0.003, 0.01)
	good, failed, damaged := p.trial(1, "hwm"), p.trial(2, "hwm"), p.trial(3, "hwm")
	failed.Status, failed.Reason, failed.Metrics, failed.Duet = Failed, "no processor", nil, nil
	damaged.Events, damaged.Metrics = map[string]uint64{"crash": 1}, nil
	path := filepath.Join(t.TempDir(), "duets.txt")
	if err := os.WriteFile(path, written(t, good, failed, damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	c := duetRow(t, path, "hwm")
	if text := strings.Join(c.Cost.Warnings, "; "); c.Cost.N != 1 || !strings.Contains(text, "no processor") || !strings.Contains(text, "1 pair damaged") {
		t.Errorf("%d pairs, %q", c.Cost.N, text)
	}
}

// What a user may claim of duets, and what the data do not bear out.
func TestCheckDuets(t *testing.T) {
	path := duetFile(t, inference.DuetFirst, map[string]*players{
		"hwm": newPlayers(0, 0.003, 0.01), "thread-stop": newPlayers(0.01, 0.003, 0.01), "pointer-match": newPlayers(0.004, 0.01, 0.05),
	})
	few := duetFile(t, 5, map[string]*players{"hwm": newPlayers(0, 0.003, 0.01)})
	dearer := duetFile(t, inference.DuetFirst, map[string]*players{"hwm": newPlayers(0.01, 0.003, 0.01), "thread-stop": newPlayers(0, 0.003, 0.01), "pointer-match": newPlayers(0, 0.01, 0.05)})
	against := CheckOptions{Against: []string{path}}
	for _, tt := range []struct {
		file string
		o    CheckOptions
		want string // "" = it holds
	}{
		{path, CheckOptions{Expect: []string{"hwm=equivalent"}}, ""},
		{path, CheckOptions{Expect: []string{"thread-stop=equivalent"}}, "beyond 0.5 %"},
		{path, CheckOptions{Expect: []string{"pointer-match=equivalent"}}, "not shown to be within 0.5 %"},
		{few, CheckOptions{Expect: []string{"hwm=equivalent"}}, "5 pairs: too few, need 6"},
		{path, CheckOptions{MaxSlowdown: []string{"hwm/key-owner=0.5%"}}, ""},
		{path, CheckOptions{MaxSlowdown: []string{"thread-stop/key-owner=2%"}}, ""},
		{path, CheckOptions{MaxSlowdown: []string{"thread-stop/key-owner=0.5%"}}, "beyond 0.503 %"},
		{path, CheckOptions{MaxSlowdown: []string{"hwm/thread-stop=2%"}}, "no duet with thread-stop"},
		{path, against, ""},
		{dearer, against, "hwm: processor time by duets is 1.01"},
		{few, against, "hwm: processor time by duets cannot be compared: 5 rounds with key-owner, was 20, need 6"},
		{path, CheckOptions{Against: []string{dearer}, Margin: "2%"}, ""},
	} {
		var out bytes.Buffer
		broken, err := unmet(&out, tt.o, tt.file)
		if err != nil || broken > 0 != (tt.want != "") || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%+v: %d broken, %v, want %q:\n%s", tt.o, broken, err, tt.want, out.String())
		}
	}
}

// A strategy against itself: nothing is found where nothing is, and each kind of
// bias is.
func TestCheckDuetsWithThemselves(t *testing.T) {
	const enough = aaSets * inference.DuetFirst
	for name, tt := range map[string]struct {
		pairs  int
		change func(*players)
		want   []string
	}{
		"nothing":            {enough, func(*players) {}, nil},
		"too few":            {enough - 1, func(*players) {}, []string{"too few, need 400"}},
		"one side is dearer": {enough, func(p *players) { p.effect = 0.01 }, []string{"sets differ: chance allows 3", "a strategy from itself differs by +1"}},
		"the first turn is":  {enough, func(p *players) { p.first = 0.003 }, []string{"the first of two turns from the second differs by +0.3"}},
		"the first start is": {enough, func(p *players) { p.started = 0.003 }, []string{"the server started first from the other, by twice differs"}},
	} {
		p := newPlayers(0, 0.003, 0.01)
		tt.change(p)
		var out bytes.Buffer
		extra := duetFile(t, enough, map[string]*players{"hwm": newPlayers(0.01, 0.003, 0.01)})
		broken, err := unmet(&out, CheckOptions{AA: true}, duetFile(t, tt.pairs, map[string]*players{NegativeControl: p}), extra)
		if err != nil || broken != len(tt.want) {
			t.Errorf("%s: %d broken, %v, want %d:\n%s", name, broken, err, len(tt.want), out.String())
		}
		for _, want := range append(tt.want, "hwm: of 20 sets of 20 pairs 20 differ by their 95 % interval, and 0 are shown to be within 0.5 %") {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: want %q:\n%s", name, want, out.String())
			}
		}
	}
}
