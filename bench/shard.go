package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Shard is one part of a plan that runs on several machines.
type Shard struct {
	Index int `json:"index"` // from 1
	Count int `json:"count"`
}

// whole is the shard of a plan that is not sharded.
var whole = Shard{1, 1}

// String gives the form that ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

func (s Shard) validate() error {
	if s.Count < 1 || s.Index < 1 || s.Index > s.Count {
		return fmt.Errorf("shard %s: want i/n with i from 1 to n", s)
	}
	return nil
}

// The environment variables that "auto" reads. The first pair is ours, for
// engines that give a job its number in some other way, such as the matrices
// of GitHub Actions (strategy.job-index, strategy.job-total).
const (
	envIndex = "TLSBENCH_SHARD_INDEX" // from 0
	envCount = "TLSBENCH_SHARD_COUNT"

	// https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
	// It does not tell the number of completions.
	envKubernetes = "JOB_COMPLETION_INDEX" // from 0

	// https://slurm.schedmd.com/job_array.html
	envSlurmID    = "SLURM_ARRAY_TASK_ID"
	envSlurmMin   = "SLURM_ARRAY_TASK_MIN"
	envSlurmMax   = "SLURM_ARRAY_TASK_MAX"
	envSlurmStep  = "SLURM_ARRAY_TASK_STEP"
	envSlurmCount = "SLURM_ARRAY_TASK_COUNT"
)

// ParseShard reads a shard: "" for the whole plan, "i/n" with i from 1 to n,
// "auto" for what the engine that started this process says, or "auto/n" where
// the engine does not tell the number of shards. getenv is os.Getenv.
func ParseShard(text string, getenv func(string) string) (Shard, error) {
	s, err := parseShard(text, getenv)
	if err != nil {
		return Shard{}, refuse(fmt.Errorf("shard %q: %w", text, err))
	}
	return s, nil
}

func parseShard(text string, env environment) (Shard, error) {
	if text == "" {
		return whole, nil
	}
	first, second, both := strings.Cut(text, "/")
	count := 0
	if both {
		var err error
		if count, err = strconv.Atoi(second); err != nil || count < 1 {
			return Shard{}, fmt.Errorf("%q is not a number of shards: want i/n, auto or auto/n", second)
		}
	}
	if first == "auto" {
		return env.shard(count)
	}
	index, err := strconv.Atoi(first)
	if err != nil || !both {
		return Shard{}, errors.New("want i/n with i from 1 to n, auto or auto/n")
	}
	s := Shard{index, count}
	return s, s.validate()
}

// environment is what an engine tells its jobs.
type environment func(name string) string

func (e environment) has(name string) bool { return e(name) != "" }

func (e environment) number(name string) (int, error) {
	v := e(name)
	if v == "" {
		return 0, fmt.Errorf("%s is not set", name)
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q: want a number", name, v)
	}
	return n, nil
}

// shard finds the engine. count is what the user gave, 0 for nothing.
func (e environment) shard(count int) (Shard, error) {
	switch own, k8s, slurm := e.has(envIndex), e.has(envKubernetes), e.has(envSlurmID); {
	case own:
		return e.counted(envIndex, count)
	case k8s && slurm:
		return Shard{}, fmt.Errorf("%s and %s are both set: pass the shard as i/n", envKubernetes, envSlurmID)
	case k8s:
		return e.counted(envKubernetes, count)
	case slurm:
		return e.slurm(count)
	}
	return Shard{}, fmt.Errorf("none of %s (Kubernetes), %s (Slurm) and %s (any other) is set: pass the shard as i/n",
		envKubernetes, envSlurmID, envIndex)
}

// counted takes the index, from 0, out of a variable, and the count from the
// user or from our own variable.
func (e environment) counted(name string, count int) (Shard, error) {
	index, err := e.number(name)
	if err != nil {
		return Shard{}, err
	}
	if e.has(envCount) {
		n, err := e.number(envCount)
		if err != nil {
			return Shard{}, err
		}
		if count != 0 && n != count {
			return Shard{}, fmt.Errorf("%d shards given, but %s is %d", count, envCount, n)
		}
		count = n
	}
	if count == 0 {
		return Shard{}, fmt.Errorf("%s does not say how many shards there are: pass auto/n, or set %s", name, envCount)
	}
	if index >= count {
		return Shard{}, fmt.Errorf("%s is %d: want 0 to %d for %d shards", name, index, count-1, count)
	}
	return Shard{index + 1, count}, nil
}

// slurm takes index and count from the array's own variables. They give no index
// for an array with gaps, such as 0,3,7 or the failed tasks of an earlier array.
func (e environment) slurm(count int) (Shard, error) {
	var v [4]int
	for i, name := range []string{envSlurmID, envSlurmMin, envSlurmMax, envSlurmCount} {
		var err error
		if v[i], err = e.number(name); err != nil {
			return Shard{}, err
		}
	}
	id, low, high, n, step := v[0], v[1], v[2], v[3], 1
	if e.has(envSlurmStep) {
		var err error
		if step, err = e.number(envSlurmStep); err != nil {
			return Shard{}, err
		}
	}
	if step < 1 || id < low || id > high || (id-low)%step != 0 || (high-low)/step+1 != n {
		return Shard{}, fmt.Errorf("the Slurm array %d-%d:%d of %d tasks has gaps (task %d): pass the shard as i/n",
			low, high, step, n, id)
	}
	if count != 0 && count != n {
		return Shard{}, fmt.Errorf("%d shards given, but the array has %d tasks: pass the shard as i/n", count, n)
	}
	return Shard{(id-low)/step + 1, n}, nil
}
