package rig

// #include "block.h"
// #include "strategy.h"
import "C"

// Slot is one pthread key as rank 0 saw it right before the first fork, and
// what the workers found in it.
type Slot struct {
	Key     int
	Created bool   // in the ledger; false: filled, but nobody was seen creating it
	OpenSSL bool   // created by libcrypto, libssl or a module of theirs
	Object  string // base name of the creator's file
	Value   uint64 // rank 0's
	InHeap  bool   // Value points into the shared heap

	Forked []uint64 // by worker, after the at-fork handlers
	Used   []uint64 // by worker, after its first handshake
}

// Slots lists the keys that exist or are filled. Workers that did not come far
// enough to tell are left out of Forked and Used.
func (b *Block) Slots() []Slot {
	var list []Slot
	for key := range int(b.c.slots_known) {
		s := &b.c.slots[key]
		if s.created == 0 && s.value == 0 {
			continue
		}
		slot := Slot{
			Key: key, Created: s.created != 0, OpenSSL: s.created != 0 && s.owner == C.KEY_OPENSSL, Object: text(s.object[:]),
			Value: uint64(s.value), InHeap: s.in_heap != 0,
		}
		for i := range b.workers {
			w := &b.workers[i]
			if load32(&w.forked) != 0 {
				slot.Forked = append(slot.Forked, uint64(w.slots_forked[key]))
			}
			if load32(&w.used) != 0 {
				slot.Used = append(slot.Used, uint64(w.slots_used[key]))
			}
		}
		list = append(list, slot)
	}
	return list
}

// HeapRange tells addresses in the shared heap from others. It may be used
// after the block is closed.
func (b *Block) HeapRange() func(uint64) bool {
	from, to := uint64(b.c.heap_from), uint64(b.c.heap_to)
	return func(p uint64) bool { return p != 0 && p >= from && p < to }
}

// Shared counts the addresses in the shared heap that two or more workers have
// in one of OpenSSL's slots or get from OpenSSL as their own error state or
// random generator: the exposure. It needs no luck to see.
func (b *Block) Shared() int {
	holders := map[uint64]map[int]bool{}
	inHeap := b.HeapRange()
	hold := func(p uint64, worker int) {
		if !inHeap(p) {
			return
		}
		if holders[p] == nil {
			holders[p] = map[int]bool{}
		}
		holders[p][worker] = true
	}
	for i := range b.workers {
		w := &b.workers[i]
		for key := range C.MAX_SLOTS {
			if s := &b.c.slots[key]; s.created == 0 || s.owner != C.KEY_OPENSSL {
				continue
			}
			if load32(&w.forked) != 0 {
				hold(uint64(w.slots_forked[key]), i)
			}
			if load32(&w.used) != 0 {
				hold(uint64(w.slots_used[key]), i)
			}
		}
		if load32(&w.used) != 0 {
			for _, p := range w.objects {
				hold(uint64(p), i)
			}
		}
	}
	shared := 0
	for _, workers := range holders {
		if len(workers) > 1 {
			shared++
		}
	}
	return shared
}
