package rig

// #include "block.h"
// #include "traceblock.h"
import "C"

import (
	"fmt"
	"math/bits"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Traced is a block that the tracer has something to say about.
type Traced struct {
	Size      uint64
	Site      string // source file and line if known, and the functions that allocated, innermost first
	Behind    string // what rank 0 had it behind: a pthread key, a library's variable, "" if neither
	Raced     bool   // several processes write it without a common lock
	ReadRaced bool   // one process does, and others read it
	Sampled   bool   // counts are too low: it was left open from time to time
	Writers   []int  // as in results.RacedBlock
	Readers   []int
	Writes    []TracedWrite
}

// TracedWrite is a place in the code that wrote to a block, or that read it.
type TracedWrite struct {
	Site   string
	By     []int
	Count  uint64
	Atomic bool // by atomic instructions
	Locked bool // under an exclusive lock
	InLock bool // inside a lock function
	Free   bool
	Kernel bool // by a system call
	Read   bool
}

// Trace is what the tracer saw.
type Trace struct {
	Blocks int // inherited blocks of rank 0 that were traced
	Faults uint64
	Raced  []Traced // raced and read-raced ones, in the order of their allocation
}

// processes gives those of a set: children come after the workers there.
func processes(set C.uint64_t, workers int) []int {
	var list []int
	for set := uint64(set); set != 0; set &= set - 1 {
		p := bits.TrailingZeros64(set)
		switch {
		case p == C.TRACE_RANK0:
			p = -1
		case p >= workers:
			p = -2 - (p - workers)
		}
		list = append(list, p)
	}
	return list
}

// Trace reads what the tracer saw; nil without the heap policy traced.
func (b *Block) Trace() *Trace {
	if b.trace == nil {
		return nil
	}
	return read(b.trace, int(b.c.config.workers))
}

// Record is what the tracer writes down in a server that is no rig.
type Record struct {
	file *os.File
	mem  []byte
}

// NewRecord makes an empty one, which goes with this process.
func NewRecord() (*Record, error) {
	const size = int(unsafe.Sizeof(C.struct_trace{}))
	fd, err := unix.MemfdCreate("tlsbench-trace", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create the tracer's record: memfd_create: %w", err)
	}
	r := &Record{file: os.NewFile(uintptr(fd), "record of the tracer")}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		r.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		r.file.Close()
		return nil, fmt.Errorf("map the tracer's record of %d bytes: %w", size, err)
	}
	return r, nil
}

// Path is where the server finds it.
func (r *Record) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), r.file.Fd()) }

// Trace reads what the tracer saw until now.
func (r *Record) Trace() *Trace { return read((*C.struct_trace)(unsafe.Pointer(&r.mem[0])), MaxTraced) }

// Close gives the memory back.
func (r *Record) Close() {
	unix.Munmap(r.mem)
	r.file.Close()
}

// read gives the processes after that many workers as workers' children.
func read(from *C.struct_trace, workers int) *Trace {
	t := &Trace{Blocks: int(from.blocks), Faults: uint64(from.faults)}
	site := func(i C.uint32_t) string { return text(from.sites[i].text[:]) }
	for i := range t.Blocks {
		block := &from.list[i]
		if block.verdict == C.TRACE_ALONE {
			continue
		}
		traced := Traced{
			Size: uint64(block.size), Site: site(block.site),
			Raced: block.verdict == C.TRACE_RACED, ReadRaced: block.verdict == C.TRACE_READ_RACED, Sampled: block.sampled != 0,
			Writers: processes(block.plain|block.atomic, workers), Readers: processes(block.readers, workers),
		}
		if block.root != 0 {
			traced.Behind = site(block.root - 1)
		}
		for j := range block.writes {
			w := &block.writes[j]
			if w.count == 0 {
				break
			}
			traced.Writes = append(traced.Writes, TracedWrite{
				Site: site(w.site), By: processes(w.by, workers), Count: uint64(w.count),
				Atomic: w.how&C.TRACE_ATOMIC != 0, Locked: w.how&C.TRACE_LOCKED != 0, InLock: w.how&C.TRACE_IN_LOCK != 0,
				Free: w.how&C.TRACE_FREE != 0, Kernel: w.how&C.TRACE_KERNEL != 0, Read: w.how&C.TRACE_READ != 0,
			})
		}
		t.Raced = append(t.Raced, traced)
	}
	return t
}
