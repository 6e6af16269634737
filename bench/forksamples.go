package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"tlsbench/results"
	"tlsbench/workload"
)

// samplesFree refuses to begin a run whose samples would join those of another.
func (p *Plan) samplesFree(path string) error {
	if !slices.Contains(p.Spec.Measures, results.Fork) {
		return nil
	}
	samples := results.SamplesPath(path)
	if samples == path {
		return fmt.Errorf("results file %s: the distributions of fork trials would go to the same file; choose another ending than .hlog", path)
	}
	if _, err := os.Lstat(samples); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("samples file %s is there already: move it away, or choose another name for the results", samples)
	}
	return nil
}

// samplesThere refuses to go on with a run of fork trials whose samples were
// lost: the distributions of the trials to come would pass for those of all.
func samplesThere(path string) error {
	samples := results.SamplesPath(path)
	if _, err := os.Stat(samples); err != nil {
		return fmt.Errorf("the file has fork trials, but their samples are lost: %w; put the file back, or begin anew", err)
	}
	return nil
}

// sampleKeeper writes the samples file beside a results file, once there is
// something to write.
type sampleKeeper struct {
	path string
	file *results.SamplesFile
}

// keep writes all distributions of a trial, and returns when they are on the
// disk: before the trial is in the results file.
func (k *sampleKeeper) keep(trial int, out *workload.Outcome) error {
	if out == nil || out.Fork == nil {
		return nil
	}
	if k.file == nil {
		f, err := results.OpenSamples(k.path)
		if err != nil {
			return err
		}
		k.file = f
	}
	for _, s := range out.Fork.Series() {
		if err := k.file.Append(results.Sample{Trial: trial, Name: s.Name}, s.Values); err != nil {
			return err
		}
	}
	return k.file.Sync()
}

// close joins its error to the one that there is already.
func (k *sampleKeeper) close(err *error) {
	if k.file != nil {
		*err = errors.Join(*err, k.file.Close())
	}
}
