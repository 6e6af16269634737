package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/number"
	"tlsbench/results/page"
)

// watcher shows how a run goes on: trials that could not be carried out as one
// line each, and a bar where a person is looking.
type watcher struct {
	stderr   io.Writer
	announce func()            // what is to happen, as soon as it is sure to happen
	bar      *bar              // nil = nobody is looking
	quiet    bool              // nobody wants to know
	told     map[string]string // by cell: why a trial of it could not be carried out
}

// newWatcher calls announce once, when the results file has been accepted.
func newWatcher(s *session, quiet bool, announce func()) *watcher {
	w := &watcher{stderr: s.stderr, announce: sync.OnceFunc(announce), quiet: quiet, told: map[string]string{}}
	// A log that both outputs go to must not be filled with frames of a bar.
	if !quiet && isTerminal(s.stdout) && isTerminal(s.stderr) {
		w.bar = newBar(s.stderr)
		w.stderr = w.bar.progress // writes above the bar
	}
	return w
}

func (w *watcher) Resumed(r bench.Resumption) {
	w.announce()
	if w.quiet {
		return
	}
	torn := ""
	if r.Cut > 0 {
		torn = "; an interrupted trial is run again"
	}
	fmt.Fprintf(w.stderr, "tlsbench: resumed after %s%s\n", number.Count(r.Done, "trial"), torn)
}

func (w *watcher) Started(p bench.Progress) {
	w.announce()
	w.show(p)
}

func (w *watcher) show(p bench.Progress) {
	if c := p.Task.Cell; w.bar != nil {
		w.bar.show(p.Done, p.Total, p.Left, cmp.Or(c.Server(), c.OpenSSL)+" "+c.Strategy)
	}
}

func (w *watcher) Finished(p bench.Progress, t *results.Trial) {
	if name := t.Cell.Name(); t.Status == results.Failed && w.told[name] != t.Reason {
		w.told[name] = t.Reason
		fmt.Fprintf(w.stderr, "tlsbench: %s\n", page.OneLine(fmt.Sprintf("trial %d, %s: %s", t.ID, t.Cell.Name(), t.Reason)))
	}
	if w.bar == nil && !w.quiet { // a line for a log
		fmt.Fprintf(w.stderr, "tlsbench: %d/%d, %v left: %s %s\n", p.Done, p.Total, p.Left.Round(time.Second),
			strings.TrimPrefix(t.Cell.Name(), "Benchmark"), cmp.Or(strings.Join(slices.SortedFunc(maps.Keys(t.Events), event.Compare), ", "), string(t.Status)))
	}
	w.show(p)
}

func (w *watcher) close() {
	if w.bar != nil {
		w.bar.close()
	}
}

// frames is the time between two frames: often enough for a person, seldom
// enough not to be seen in what is measured.
const frames = 500 * time.Millisecond

// bar is one line: what is done, of how much, with what, and how long it will
// take.
type bar struct {
	progress *mpb.Progress
	line     *mpb.Bar

	rest atomic.Pointer[string] // the bar is drawn by a goroutine of its own
}

func newBar(w io.Writer, options ...mpb.ContainerOption) *bar {
	b := &bar{}
	b.rest.Store(new(string))
	b.progress = mpb.New(append([]mpb.ContainerOption{mpb.WithOutput(w), mpb.WithRefreshRate(frames)}, options...)...)
	b.line = b.progress.AddBar(0,
		mpb.BarRemoveOnComplete(), mpb.BarWidth(24),
		mpb.PrependDecorators(decor.CountersNoUnit("%d/%d")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *b.rest.Load() })))
	return b
}

// show has the next frame tell how many trials are done, how long the others
// will take, and what is going on.
func (b *bar) show(done, total int, left time.Duration, what string) {
	rest := fmt.Sprintf("%v left  %s", left.Round(time.Second), what)
	b.rest.Store(&rest)
	b.line.SetTotal(int64(total), false) // it comes with the first trial
	b.line.SetCurrent(int64(done))
}

// close wipes the bar.
func (b *bar) close() {
	b.line.Abort(true)
	b.progress.Wait()
}
