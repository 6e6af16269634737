package daemon

import (
	"testing"

	"go.uber.org/goleak"
)

// No trial of a daemon, however it ended, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
