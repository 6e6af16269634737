package workload

import (
	"testing"

	"go.uber.org/goleak"

	"tlsbench/workload/neighbours"
)

// main is the tests and the end of what they share.
type main struct{ *testing.M }

func (m main) Run() int {
	defer neighbours.StopShared()
	return m.M.Run()
}

// No trial, however it ended, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(main{m}) }
