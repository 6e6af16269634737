package rig

import (
	"testing"

	"go.uber.org/goleak"
)

// No rig, however it ended, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
