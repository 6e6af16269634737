// Package rig starts the preforked server and reads what it did.
//
// The server is C, in this folder: a constructor (entry.c) takes over a fresh
// copy of this very program before the Go runtime starts, becomes rank 0
// (rank0.c), loads OpenSSL by dlopen (openssl.c), puts a shared heap behind it
// (heap.c), sets it up under the strategy (host.c, contexts.c), forks the
// workers (worker.c) and waits for them. Go and C share one memfd, the control
// block, laid out by block.h for both: configuration goes in, counters, samples
// and events come out, and nothing counted before a crash is lost.
//
//	Go                                   C
//	NewBlock ── configuration ──────▶  entry.c  checks the block
//	Start    ── exec, four fds ─────▶  rank0.c  OpenSSL, strategy, forks
//	AwaitReady ◀───────── 'r' ───────           workers wait on the phase
//	SetPhase ── futex ──────────────▶  worker.c warm-up, measure, drain
//	Stop     ── a byte ─────────────▶  rank0.c  listener shut down, reaps
//	Wait     ◀── end of file, exit ──
//
// What else is to live in the process is put there by hooks at these points
// (hazard.h, hazardlist.h, one file for each hazard; ADDING.md has an example).
//
// The kernel ties the rig's life to the harness (a pipe whose end raises
// SIGKILL in rank 0) and the workers' to rank 0 (a parent-death signal).
package rig

// #cgo CFLAGS: -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -O2 -g -fno-omit-frame-pointer -I${SRCDIR}/../../strategies
// #cgo LDFLAGS: -rdynamic -ldl -lpthread -static-libgcc -Wl,-z,now
// #include "block.h"
// #include "traceblock.h"
//
// #define WORD(kind, word) word,
//
// static const char *word_of_event(size_t i)
// {
// 	static const char *const words[] = {EVENT_LIST(WORD)};
//
// 	return words[i];
// }
//
// static const char *word_of_fault(size_t i)
// {
// 	static const char *const words[] = {FAULT_LIST(WORD)};
//
// 	return words[i];
// }
import "C"

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tlsbench/results/event"
)

// Values of block.h, for tests, which cannot import "C", and for other packages.
const (
	MaxWorkers = C.MAX_WORKERS
	MaxTraced  = C.TRACE_MAX_WORKERS // of a rig with the heap traced
	maxDER     = C.MAX_DER
)

// EventKinds lists the kinds of events that the C side notes, by their number there.
var EventKinds = namesFrom(C.EVENT_KINDS, func(i C.size_t) *C.char { return C.word_of_event(i) })

// Faults are the names of what can be done to try a detector; the first is none.
var Faults = namesFrom(C.FAULTS, func(i C.size_t) *C.char { return C.word_of_fault(i) })

func namesFrom(n int, word func(C.size_t) *C.char) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = C.GoString(word(C.size_t(i)))
	}
	return list
}

// Block is the control block of one rig.
type Block struct {
	file *os.File
	mem  []byte
	c    *C.struct_block

	workers []C.struct_worker
	draws   []C.struct_draw
	samples []C.uint32_t
	forks   []C.struct_fork_record
	trace   *C.struct_trace // heap traced alone
}

// NewBlock makes the control block and writes the settings into it.
func NewBlock(s Settings) (*Block, error) {
	if s.Workers < 1 || s.Workers > MaxWorkers {
		return nil, fmt.Errorf("%d workers: want 1 to %d", s.Workers, MaxWorkers)
	}
	var c C.struct_config
	size := layout(&c, s)
	if err := fillConfig(&c, s); err != nil {
		return nil, err
	}
	file, mem, err := mapped("control block", size)
	if err != nil {
		return nil, err
	}
	b := &Block{file: file, mem: mem, c: (*C.struct_block)(unsafe.Pointer(&mem[0]))}
	b.c.magic, b.c.layout, b.c.size_of_block = C.BLOCK_MAGIC, C.BLOCK_LAYOUT, C.uint32_t(unsafe.Sizeof(C.struct_block{}))
	b.c.config = c
	n := uint64(s.Workers)
	b.workers = part[C.struct_worker](mem, c.workers_at, n)
	b.draws = part[C.struct_draw](mem, c.draws_at, n*uint64(c.draws_per_worker))
	b.samples = part[C.uint32_t](mem, c.samples_at, n*uint64(c.samples_per_worker))
	b.forks = part[C.struct_fork_record](mem, c.forks_at, forkRecords(s))
	if s.Heap == traced {
		b.trace = &part[C.struct_trace](mem, c.trace_at, 1)[0]
	}
	return b, nil
}

// layout notes where the parts of the block begin, and gives its size.
func layout(c *C.struct_config, s Settings) int {
	n, size := uint64(s.Workers), uint64(0)
	room := func(records uint64, each uintptr) C.uint64_t {
		at := size
		size += (records*uint64(each) + 4095) &^ 4095
		return C.uint64_t(at)
	}
	c.draws_per_worker, c.samples_per_worker = C.uint64_t(s.Draws/n), C.uint64_t(s.Samples/n)
	room(1, unsafe.Sizeof(C.struct_block{}))
	c.workers_at = room(n, unsafe.Sizeof(C.struct_worker{}))
	c.draws_at = room(n*(s.Draws/n), unsafe.Sizeof(C.struct_draw{}))
	c.samples_at = room(n*(s.Samples/n), unsafe.Sizeof(C.uint32_t(0)))
	c.forks_at = room(forkRecords(s), unsafe.Sizeof(C.struct_fork_record{}))
	traces := uint64(0)
	if s.Heap == traced {
		traces = 1
	}
	c.trace_at = room(traces, unsafe.Sizeof(C.struct_trace{}))
	return int(size)
}

// part gives some records of the block, from an offset on.
func part[T any](mem []byte, at C.uint64_t, records uint64) []T {
	if records == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[at])), records)
}

// mapped makes a file in memory, for other processes to map too.
func mapped(what string, size int) (file *os.File, mem []byte, err error) {
	fd, err := unix.MemfdCreate("tlsbench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("create the %s: memfd_create: %w", what, err)
	}
	file = os.NewFile(uintptr(fd), what)
	if err = file.Truncate(int64(size)); err == nil {
		mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("map the %s of %d bytes: %w", what, size, err)
	}
	return file, mem, nil
}

// Close unmaps the block. What was read from it before stays valid.
func (b *Block) Close() {
	if b.mem != nil {
		unix.Munmap(b.mem)
		b.mem, b.c, b.workers, b.draws, b.samples, b.forks, b.trace = nil, nil, nil, nil, nil, nil, nil
	}
	b.file.Close()
}

// SetPhase tells the workers what to do and wakes those that wait for load.
// The first phase starts the clock that event times count from.
func (b *Block) SetPhase(p Phase) {
	if b.c.load_start == 0 {
		b.c.load_start = C.uint64_t(Now())
	}
	phase := word(&b.c.phase)
	atomic.StoreUint32(phase, uint32(p))
	wake(phase)
}

// Now reads the clock of the rig's times: CLOCK_MONOTONIC, in nanoseconds.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // the clock exists on every Linux
	}
	return time.Duration(t.Nano())
}

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
