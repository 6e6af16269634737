package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/montanaflynn/stats"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// maxDetail is how many events of a trial are kept in words.
const maxDetail = 8

// config is what the rig is told to do. A setting that the cell does not have is
// the workload's default.
func (t Task) config(s Spec) workload.Config {
	cfg := workload.Config{
		Strategy: t.Cell.strategy.Choice,
		Hazard:   t.Cell.Hazard, Workers: t.Cell.Workers, Load: t.Cell.Load, Heap: t.Cell.Heap,
		TLS: t.Cell.Setting("tls"), Key: t.Cell.Setting("key"), Rand: t.Cell.Setting("rand"),
		Locks: t.Cell.Setting("locks"), HeapSafety: t.Cell.Setting("heap-safety"), HeapBytes: s.HeapBytes,
		BadShare: t.Cell.badShare, CheckRate: t.Cell.checkRate, EchoBytes: results.EchoBytes, Seed: t.Seed,
		Duration: s.CorruptionTime, Fork: t.Cell.fork,
	}
	if t.Cell.build != nil {
		cfg.Build = t.Cell.build.Build
	}
	if a := t.Cell.against; a != nil {
		cfg.Duet = &workload.DuetConfig{Against: a.Choice}
	}
	if t.Cell.Measure == results.Sharing {
		cfg.Handshakes, cfg.Duration = results.SharingHandshakes, 0
	}
	if t.Cell.Measure == results.Handshake {
		cfg.Warmup, cfg.Duration = s.Warmup, s.HandshakeTime
	}
	return cfg
}

// trial is the record of what came out. It names no one's home.
func (t Task) trial(start time.Time, out *workload.Outcome, err error) (*results.Trial, error) {
	r := &results.Trial{
		Cell: t.Cell.Cell, ID: t.ID, Round: t.Round, Seed: t.Seed,
		Start: start.UTC(),
	}
	switch {
	case err == nil:
		r.Life = out.Life
		r.Detail = inWords(out, r.Cell.Server())
		r.Status, r.Reason = t.status(out)
	case out != nil && out.Fork != nil: // what was measured until then is kept with the reason
		r.Load, r.LoadBefore, r.Steal, r.CtxSwitches = out.Load, out.LoadBefore, out.Steal, out.CtxSwitches
		r.Detail = inWords(out, r.Cell.Server())
		fallthrough
	default:
		r.Status, r.Reason = results.Failed, err.Error()
	}
	if r.Status == results.OK {
		r.Metrics = metrics(t.Cell, out)
	}
	err = copyFork(r, out)
	r.Reason, r.Mark = openssl.Portable(r.Reason), openssl.Portable(r.Mark)
	for i, text := range r.Detail {
		r.Detail[i] = openssl.Portable(text)
	}
	return r, err
}

// inWords describes the first events of a trial.
func inWords(o *workload.Outcome, server string) []string {
	var list []string
	for _, e := range o.Noted[:min(len(o.Noted), maxDetail)] {
		list = append(list, describe(e, server))
	}
	return list
}

func describe(e workload.Event, server string) string {
	who := cmp.Or(server, "rank 0 or a peer")
	if e.Worker >= 0 {
		who = fmt.Sprintf("worker %d", e.Worker)
	}
	return strings.TrimSuffix(fmt.Sprintf("%v, %s: %s: %s", e.At.Round(time.Microsecond), who, e.Kind, e.Detail), ": ")
}

// status tells whether the trial was carried out, and on what the plan says.
func (t Task) status(o *workload.Outcome) (results.Status, string) {
	b := t.Cell.build
	switch {
	case o.Skipped != "":
		return results.Skipped, o.Skipped
	case t.Cell.server != nil && o.NotApplicable != "":
		return results.NotApplicable, o.NotApplicable
	case t.Cell.server != nil:
		return t.carriedOut(o)
	case o.NotApplicable != "":
		return results.NotApplicable, fmt.Sprintf("openssl %s has no %s", b.Label, o.NotApplicable)
	}
	switch version := b.Build.Version; {
	case version != "" && o.OpenSSLVersion != "" && !slices.Contains(strings.Fields(o.OpenSSLVersion), version):
		return results.Failed, fmt.Sprintf("openssl build %s: the plan has version %s, but the loaded library reports %q", b.Label, version, o.OpenSSLVersion)
	case len(o.Files) > 0 && !slices.Contains(o.Files, b.Build.Libcrypto):
		return results.Failed, fmt.Sprintf("openssl build %s: %s was not loaded; loaded instead: %s", b.Label, b.Build.Libcrypto, strings.Join(o.Files, ", "))
	case o.Fork != nil && o.Fork.Stopped != nil:
		return results.Failed, o.Fork.Stopped.Error()
	}
	return t.carriedOut(o)
}

// carriedOut tells whether the trial did what it is for.
func (t Task) carriedOut(o *workload.Outcome) (results.Status, string) {
	switch {
	case t.Cell.Measure == results.Sharing && (o.Trace == nil || o.Trace.Faults == 0):
		return results.Failed, "the tracer saw no write"
	case t.Cell.server != nil:
	case t.Cell.Measure == results.Corruption && !o.Damaged() && o.Attempts == 0:
		return results.Failed, "no connection was attempted, and no damage was seen"
	case t.Cell.Measure == results.Handshake && !o.Damaged() && o.Measured == 0:
		return results.Failed, "no handshake was completed in the measured time, and no damage was seen"
	}
	return results.OK, ""
}

// metrics gives the values of the benchmark line.
func metrics(c Cell, o *workload.Outcome) []results.Metric {
	switch {
	case c.Measure == results.Sharing: // with those of the floor: what that is, all trials of a file together say
		raced, read := results.CountRaced(o.Raced)
		return []results.Metric{{Value: float64(raced), Unit: results.RacedBlocks}, {Value: float64(read), Unit: results.ReadRacedBlocks}}
	case c.server != nil:
		list := []results.Metric{{Value: damaged(o), Unit: results.DamagedPerTrial}}
		if o.Memory > 0 {
			list = append(list, results.Metric{Value: float64(o.Memory), Unit: results.MemoryBytes})
		}
		return list
	case c.Measure != results.Corruption && o.Damaged():
		return nil // what a server does while it breaks is not throughput
	case c.Measure == results.Fork:
		return forkMetrics(o)
	case c.Measure == results.Duet:
		return o.Duet.Metrics()
	case c.Measure == results.Handshake:
		return handshakeMetrics(o)
	case c.checkRate == 0:
		list := []results.Metric{{Value: damaged(o), Unit: results.DamagedPerTrial}}
		return appendRate(list, event.PassiveCount(o.Events), o.Handshakes, results.PassivePerMhs)
	}
	return corruptionMetrics(o)
}

// handshakeMetrics are those of an undamaged throughput trial, over its
// measured window. Percentiles are by nearest rank: each is a latency that
// was really seen.
func handshakeMetrics(o *workload.Outcome) []results.Metric {
	list := []results.Metric{
		{Value: o.Rate, Unit: results.HandshakesPerSec},
		{Value: float64(o.CPU.Nanoseconds()) / float64(o.Measured), Unit: results.CPUPerHandshake},
	}
	for _, p := range []struct {
		percent float64
		unit    string
	}{{50, "p50-ns/handshake"}, {99, "p99-ns/handshake"}} {
		// The only error is that there are no samples; then there is no value.
		if v, err := stats.PercentileNearestRank(o.Latency, p.percent); err == nil {
			list = append(list, results.Metric{Value: v, Unit: p.unit})
		}
	}
	return list
}

// corruptionMetrics are those of a trial with the active checks on. A rate
// whose exposure is 0 has no value.
func corruptionMetrics(o *workload.Outcome) []results.Metric {
	list := []results.Metric{{Value: damaged(o), Unit: results.DamagedPerTrial}}
	list = appendRate(list, o.Events[event.ForeignError], o.Checks, results.ForeignPerMcheck)
	list = appendRate(list, o.Events[event.RepeatedRandom], o.Draws, results.RepeatsPerMdraw)
	list = append(list, results.Metric{Value: float64(o.SharedSlots), Unit: results.SharedSlots})
	return append(list, hazardMetrics(o)...)
}

// hazardMetrics are those that some hazards alone give: slots lost by foreign
// keys that were checked, and what retired workers keep of the shared heap.
func hazardMetrics(o *workload.Outcome) []results.Metric {
	var list []results.Metric
	if o.Events[event.LostSlot] > 0 && o.Forks > 0 {
		list = append(list, results.Metric{
			Value: float64(o.Events[event.LostSlot]) / float64(o.Forks), Unit: "lost-slots/fork",
		})
	}
	if o.KeptWorkers > 0 {
		list = append(list, results.Metric{
			Value: float64(o.KeptBytes) / float64(o.KeptWorkers), Unit: results.KeptBytes,
		})
	}
	return list
}

// appendRate adds events for each million of exposure.
func appendRate(list []results.Metric, events, exposure uint64, unit string) []results.Metric {
	if exposure == 0 {
		return list
	}
	return append(list, results.Metric{Value: 1e6 * float64(events) / float64(exposure), Unit: unit})
}

func damaged(o *workload.Outcome) float64 {
	if o.Damaged() {
		return 1
	}
	return 0
}
