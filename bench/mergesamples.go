package bench

import (
	"errors"
	"fmt"
	"os"

	"tlsbench/results"
)

// mergeSamples joins the samples files beside the parts into one beside the
// merged file, and gives its path; "" if no part has one. A part whose fork
// trials have lost theirs is refused: the distributions of some trials would
// then pass for those of all.
func mergeSamples(path string, parts []part) (string, error) {
	var have []string
	var lack []part
	for _, p := range parts {
		samples := results.SamplesPath(p.path)
		switch _, err := os.Stat(samples); {
		case err == nil:
			have = append(have, samples)
		case errors.Is(err, os.ErrNotExist):
			lack = append(lack, p)
		default:
			return "", fmt.Errorf("samples file: %w", err)
		}
	}
	if len(have) == 0 {
		return "", nil
	}
	for _, p := range lack {
		forked, err := p.forked()
		if err != nil {
			return "", err
		}
		if forked {
			return "", refuse(fmt.Errorf("%s has fork trials, but %s is not there: put it back, or move %s away too",
				p.path, results.SamplesPath(p.path), have[0]))
		}
	}
	joint := results.SamplesPath(path)
	if err := results.JoinSamples(joint, have...); err != nil {
		return "", refuse(err)
	}
	return joint, nil
}

// sampleRoom refuses what mergeSamples could not write, before anything is.
func sampleRoom(path string, parts []part) error {
	for _, p := range parts {
		if _, err := os.Stat(results.SamplesPath(p.path)); err != nil {
			continue
		}
		return (&Plan{Spec: p.doc.Spec}).samplesFree(path)
	}
	return nil
}

// forked reports whether there is a trial of forks that measured something.
func (p part) forked() (bool, error) {
	for t, err := range p.trials() {
		if err != nil {
			return false, err
		}
		if hasSamples(t) {
			return true, nil
		}
	}
	return false, nil
}

// hasSamples reports whether a trial has distributions in the samples file.
func hasSamples(t *results.Trial) bool { return t.Cell.Measure == results.Fork && t.Forks > 0 }
