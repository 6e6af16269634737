package rig

// #include "block.h"
import "C"

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tlsbench/results/event"
)

// DuetLeadIn is how many handshakes come before each turn.
const DuetLeadIn = C.DUET_LEAD_IN

// GiveTurn lets the worker of a duet go on until it has used that much processor
// time and made as many good handshakes. After the drain phase it lets it end.
func (b *Block) GiveTurn(cpu time.Duration, handshakes uint64) {
	d := &b.c.duet
	d.cpu, d.handshakes = C.uint64_t(cpu), C.uint64_t(handshakes)
	given := word(&d.given)
	atomic.AddUint32(given, 1)
	wake(given)
}

// AwaitTurn waits for the end of the turn that was given, and for a limited time.
// Where no instructions were counted, NoCounter says why.
func (b *Block) AwaitTurn(limit time.Duration) (turn event.Turn, done bool) {
	d := &b.c.duet
	taken := word(&d.taken)
	if now := atomic.LoadUint32(taken); now != uint32(d.given) {
		await(taken, now, limit)
	}
	if atomic.LoadUint32(taken) != uint32(d.given) {
		return event.Turn{}, false
	}
	return event.Turn{
		At: time.Duration(d.slice.at), Wall: time.Duration(d.slice.wall), CPU: time.Duration(d.slice.cpu),
		Handshakes: uint64(d.slice.handshakes), Instructions: uint64(d.slice.instructions), Preempted: uint64(d.slice.preempted),
	}, true
}

// NoCounter is why the instructions of a duet's turns are not counted, 0 if they
// are.
func (b *Block) NoCounter() syscall.Errno { return syscall.Errno(b.c.duet.no_counter) }

func word(w *C.uint32_t) *uint32 { return (*uint32)(unsafe.Pointer(w)) }

// The operations of futex(2), not private: the rig waits in other processes.
const futexWait, futexWake, everybody = 0, 1, 1 << 30

func wake(w *uint32) {
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(w)), futexWake, everybody, 0, 0, 0)
}

// await waits until the word no longer has the value, or was woken, for a limited
// time.
func await(w *uint32, value uint32, limit time.Duration) {
	t := unix.NsecToTimespec(int64(limit))
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(w)), futexWait, uintptr(value), uintptr(unsafe.Pointer(&t)), 0, 0)
}
