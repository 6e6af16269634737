package rig

// #include "block.h"
// #include "traceblock.h"
import "C"

import (
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"tlsbench/results/event"
)

// Trace is how much the tracer saw: every write to what rank 0 allocated, by whatever
// process, from the first fork on.
type Trace struct {
	Blocks int    // traced ones
	Faults uint64 // writes seen, and reads in the second half
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

// Trace reads what the tracer saw, and the raced blocks in the order of their
// allocation; nil without the heap policy traced.
func (b *Block) Trace() (*Trace, []event.RacedBlock) {
	if b.trace == nil {
		return nil, nil
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
	file, mem, err := mapped("tracer's record", int(unsafe.Sizeof(C.struct_trace{})))
	if err != nil {
		return nil, err
	}
	return &Record{file, mem}, nil
}

// Path is where the server finds it.
func (r *Record) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), r.file.Fd()) }

// Trace reads what the tracer saw until now.
func (r *Record) Trace() (*Trace, []event.RacedBlock) {
	return read((*C.struct_trace)(unsafe.Pointer(&r.mem[0])), MaxTraced)
}

// Close gives the memory back.
func (r *Record) Close() {
	unix.Munmap(r.mem)
	r.file.Close()
}

// read gives the processes after that many workers as workers' children.
func read(from *C.struct_trace, workers int) (t *Trace, list []event.RacedBlock) {
	t = &Trace{Blocks: int(from.blocks), Faults: uint64(from.faults)}
	site := func(i C.uint32_t) string { return text(from.sites[i].text[:]) }
	for i := range t.Blocks {
		block := &from.list[i]
		if block.verdict == C.TRACE_ALONE {
			continue
		}
		raced := event.RacedBlock{
			Site: site(block.site), Size: uint64(block.size), ReadRaced: block.verdict != C.TRACE_RACED, Sampled: block.sampled != 0,
			Writers: processes(block.plain|block.atomic, workers), Readers: processes(block.readers, workers),
		}
		if block.root != 0 {
			raced.Behind = site(block.root - 1)
		}
		for j := range block.writes {
			w := &block.writes[j]
			if w.count == 0 {
				break
			}
			write := event.RacedWrite{Site: site(w.site), By: processes(w.by, workers), Count: uint64(w.count), How: how(w.how)}
			// Instructions of one function have the same name.
			if i := slices.IndexFunc(raced.Writes, func(o event.RacedWrite) bool {
				return o.Site == write.Site && o.How == write.How && slices.Equal(o.By, write.By)
			}); i >= 0 {
				raced.Writes[i].Count += write.Count
			} else {
				raced.Writes = append(raced.Writes, write)
			}
		}
		list = append(list, raced)
	}
	return t, list
}

// how says by what a block was written, or read.
func how(bits C.uint32_t) string {
	var attributes []string
	for _, h := range []struct {
		bit  C.uint32_t
		name string
	}{
		{C.TRACE_ATOMIC, "atomic"}, {C.TRACE_LOCKED, "locked"}, {C.TRACE_IN_LOCK, "in a lock function"}, {C.TRACE_FREE, "free"},
		{C.TRACE_KERNEL, "system call"}, {C.TRACE_READ, "read"},
	} {
		if bits&h.bit != 0 {
			attributes = append(attributes, h.name)
		}
	}
	return strings.Join(attributes, ", ")
}
