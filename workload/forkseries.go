package workload

import "slices"

// ForkSeries is one distribution of a trial of forks, in nanoseconds, in the
// order in which the forks were made.
type ForkSeries struct {
	Name   string // as in units, without the percentile: fork-ns
	Values []float64
}

// Series lists the distributions that the trial has. Those of a handler are
// there for the handlers that the strategy has; a strategy without any has none.
//
//   - fork-ns, ready-ns: under the strategy; masked-fork-ns, masked-ready-ns:
//     without its handlers
//   - handler-ns: all its handlers in one fork, and each of them as
//     child-handler-ns and so on. Cold, as it happens: in the child the first
//     write to a page copies it. One reading of the clock is in each.
//   - warm-handler-ns, warm-child-handler-ns and so on: the same handlers run
//     again in the same process on rank 0's slots, its pages touched before;
//     one value for each fork: the mean of 32 runs one after the other (128 of
//     a handler that takes less than 0.2 µs, 4 of one that takes microseconds),
//     less that of a handler that does nothing. Slots are filled again before
//     each run, outside the time. Whatever a handler frees or allocates is in
//     it: OPENSSL_thread_stop() frees the thread's state, pointer-match has
//     OpenSSL make new state.
//   - first-random-ns, first-handshake-ns: in the child
func (o *ForkOutcome) Series() []ForkSeries {
	var list []ForkSeries
	add := func(name string, masked bool, get func(*ForkSample) float64) {
		if values := o.values(masked, get); len(values) > 0 {
			list = append(list, ForkSeries{name, values})
		}
	}
	add("fork-ns", false, forkTime)
	add("masked-fork-ns", true, forkTime)
	add("ready-ns", false, readyTime)
	add("masked-ready-ns", true, readyTime)
	if len(o.Handlers) > 0 {
		add("handler-ns", false, func(s *ForkSample) float64 { return s.Cold.Sum() })
		add("warm-handler-ns", false, func(s *ForkSample) float64 { return s.Warm.Sum() })
	}
	for _, name := range o.Handlers {
		i := slices.Index(handlerNames, name)
		add(name+"-handler-ns", false, func(s *ForkSample) float64 { return s.Cold[i] })
		add("warm-"+name+"-handler-ns", false, func(s *ForkSample) float64 { return s.Warm[i] })
	}
	add("first-random-ns", false, func(s *ForkSample) float64 { return s.FirstRandom })
	add("first-handshake-ns", false, func(s *ForkSample) float64 { return s.FirstHandshake })
	return list
}

func forkTime(s *ForkSample) float64  { return s.Fork }
func readyTime(s *ForkSample) float64 { return s.Ready }

func (o *ForkOutcome) values(masked bool, get func(*ForkSample) float64) []float64 {
	var list []float64
	for i := range o.Forks {
		if s := &o.Forks[i]; s.Masked == masked {
			list = append(list, get(s))
		}
	}
	return list
}

// ForkDifferences gives, for each pair, how much longer fork() took under the
// strategy than without its handlers; ReadyDifferences, how much later the
// child was ready. Both forks of a pair met the same state of the kernel.
func (o *ForkOutcome) ForkDifferences() []float64 { return o.differences(forkTime) }

// ReadyDifferences: see ForkDifferences.
func (o *ForkOutcome) ReadyDifferences() []float64 { return o.differences(readyTime) }

func (o *ForkOutcome) differences(get func(*ForkSample) float64) []float64 {
	var list []float64
	for pair := range slices.Chunk(o.Forks, 2) {
		if len(pair) < 2 {
			break // the loop ended between the two
		}
		d := get(&pair[0]) - get(&pair[1])
		if pair[0].Masked {
			d = -d
		}
		list = append(list, d)
	}
	return list
}
