package selftest

import (
	"context"
	"fmt"

	"tlsbench/results"
	"tlsbench/workload"
)

// RaceRow is what the tracer said of one kind of race.
type RaceRow struct {
	Race   workload.Race `json:"race"`
	Blocks int           `json:"blocks"`
	Right  int           `json:"right"` // told as they must be
	Wrong  string        `json:"wrong,omitempty"`
}

// Still is what the tracer said where nobody made a race: the first trial is the
// floor, OpenSSL's own doing, and the others must say the same.
type Still struct {
	Trials int      `json:"trials"`
	Floor  int      `json:"floor"` // blocks
	Alarms []string `json:"alarms,omitempty"`
}

func (r *runner) races(ctx context.Context) error {
	if len(r.Races) == 0 {
		return nil
	}
	if err := r.still(ctx); err != nil {
		return fmt.Errorf("trial of the tracer without a race: %w", err)
	}
	for _, race := range r.Races {
		r.tell("tracer, " + race.Fault)
		out, err := r.trial(ctx, race.Config(r.config(Cell{}, results.DefaultBad, 0)))
		if err != nil {
			return fmt.Errorf("trial of %s: %w", race.Fault, err)
		}
		row := RaceRow{Race: race, Blocks: workload.RacedOn}
		row.Right, row.Wrong = race.Told(out)
		r.report.Races = append(r.report.Races, row)
	}
	return nil
}

func (r *runner) still(ctx context.Context) error {
	floor := results.Floor{}
	for i := range r.amount.still {
		r.tell(fmt.Sprintf("tracer, no race, trial %d of %d", i+1, r.amount.still))
		cfg := workload.Race{}.Config(r.config(Cell{}, results.DefaultBad, 0))
		cfg.FaultWorker = 0
		out, err := r.trial(ctx, cfg)
		if err != nil {
			return err
		}
		s := &r.report.Still
		if s.Trials++; i == 0 {
			floor.Add(out.Raced)
			s.Floor = len(out.Raced)
		}
		for _, b := range floor.Above(out.Raced) {
			s.Alarms = append(s.Alarms, b.Site)
		}
	}
	return nil
}
