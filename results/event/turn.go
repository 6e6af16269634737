package event

import "time"

// Turn is what the worker of a duet did in one turn.
type Turn struct {
	Handshakes   uint64 // good ones
	CPU, Wall    time.Duration
	At           time.Duration // from the start of the first; the rig has its clock's
	Preempted    uint64        // involuntary context switches
	Instructions uint64        // in user space; 0 = not counted
}
