package daemon

import (
	"cmp"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
)

// newRecord begins the record of a task.
func newRecord(t Task) *results.FieldTrial {
	r := &results.FieldTrial{ID: t.ID, Case: t.Index, Round: t.Round, Seed: t.Seed, Start: time.Now().UTC().Truncate(time.Millisecond), Status: results.OK}
	if t.Rig {
		r.Rig = t.Case.RigKey()
	} else {
		r.Daemon = t.Case.record()
	}
	return r
}

// daemonRecord is what a daemon's trial came to.
func daemonRecord(t Task, out *workload.Outcome, err error) *results.FieldTrial {
	r := newRecord(t)
	switch {
	case err != nil:
		r.Status, r.Reason = results.Failed, err.Error()
		return r
	case out.NotApplicable != "":
		r.Status, r.Reason = results.NotApplicable, out.NotApplicable
		return r
	}
	r.Events, r.First = out.Events, firstOfEach(out.Noted)
	r.Handshakes, r.Load, r.Memory, r.SetUp = out.Handshakes, out.Load, out.Memory, out.Mark
	for kind, n := range out.Ignored {
		if r.Events == nil {
			r.Events = map[string]uint64{}
		}
		r.Events[kind] += n
	}
	return r
}

// rigRecord is what a rig's trial came to.
func rigRecord(t Task, out *workload.Outcome, err error) *results.FieldTrial {
	r := newRecord(t)
	switch {
	case err != nil:
		r.Status, r.Reason = results.Failed, err.Error()
		return r
	case out.Skipped != "":
		r.Status, r.Reason = results.Skipped, out.Skipped
		return r
	case out.NotApplicable != "":
		r.Status, r.Reason = results.NotApplicable, out.NotApplicable
		return r
	}
	r.Events, r.First = out.Events, firstOfEach(out.Noted)
	r.Handshakes, r.Load = out.Handshakes, out.Load
	return r
}

// firstOfEach keeps the first event of each kind, by time.
func firstOfEach(noted []workload.Event) []results.FieldEvent {
	var list []results.FieldEvent
	for _, e := range slices.SortedStableFunc(slices.Values(noted), func(a, b workload.Event) int { return cmp.Compare(a.At, b.At) }) {
		if !slices.ContainsFunc(list, func(x results.FieldEvent) bool { return x.Kind == e.Kind }) {
			list = append(list, results.FieldEvent{Kind: e.Kind, At: e.At, Detail: shorten(e.Detail)})
		}
	}
	return list
}
