package workload

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tlsbench/workload/rig"
)

// forkPulse is what the watchdog of fork trials remembers: the last fork that
// was done, and what the kernel had given rank 0 and its children by then.
type forkPulse struct {
	beat  uint64
	since time.Duration
	used  map[int]usage // by process
}

func (t *trial) forkPulse() forkPulse {
	p := forkPulse{beat: t.block.ForkBeat(), since: rig.Now(), used: map[int]usage{}}
	pid := t.process.PID()
	for _, pid := range append(forkedBy(pid), pid) {
		if u, err := usageToJudge(pid); err == nil { // else it is gone
			p.used[pid] = u
		}
	}
	return p
}

// stall judges two looks between which no fork was done, "" if there is nothing
// to say yet. Rank 0 waits for its child, which may be the one that gets no
// processor: what all of them had is counted together.
func (p forkPulse) stall(now forkPulse, limit time.Duration) string {
	watched := now.since - p.since
	if watched <= limit {
		return ""
	}
	var ran, waited time.Duration
	for pid, u := range now.used {
		r, w := u.since(p.used[pid], watched)
		ran, waited = ran+r, waited+w
	}
	return judge(watched, ran, waited, spinTimes*limit)
}

// forkedBy lists the processes that a process has forked.
func forkedBy(pid int) []int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // a kernel without the list: rank 0 alone is judged
	}
	var list []int
	for field := range strings.FieldsSeq(string(data)) {
		if child, err := strconv.Atoi(field); err == nil {
			list = append(list, child)
		}
	}
	return list
}
