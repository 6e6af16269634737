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

// ParseShard reads a shard: "" for the whole plan, "i/n" with i from 1 to n.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return whole, nil
	}
	index, count, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if err := errors.Join(err1, err2); err != nil {
		return Shard{}, refuse(fmt.Errorf("shard %q: want i/n with i from 1 to n", text))
	}
	s := Shard{i, n}
	if err := s.validate(); err != nil {
		return Shard{}, refuse(err)
	}
	return s, nil
}
