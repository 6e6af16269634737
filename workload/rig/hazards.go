package rig

// #include "block.h"
// #include "hazard.h"
//
// static const char *hazard_name(size_t i)
// {
// 	return hazards[i] != NULL ? hazards[i]->name : NULL;
// }
import "C"

import (
	"fmt"
	"maps"
	"slices"

	"tlsbench/strategies/catalogue"
)

// MaxHazards is how many hazards one trial can have.
const MaxHazards = C.MAX_HAZARDS

// CompiledHazards lists the names in the C table, in its order.
func CompiledHazards() []string {
	var names []string
	for i := C.size_t(0); ; i++ {
		name := C.hazard_name(i)
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}

func setHazards(c *C.struct_config, s Settings) error {
	if len(s.Hazards) > MaxHazards {
		return fmt.Errorf("%d hazards: one trial takes at most %d", len(s.Hazards), MaxHazards)
	}
	for i, h := range s.Hazards {
		if err := setHazard(&c.hazards[i], h); err != nil {
			return err
		}
	}
	if len(s.Texts) > C.MAX_TEXTS {
		return fmt.Errorf("%d texts for hazards: the control block takes at most %d", len(s.Texts), C.MAX_TEXTS)
	}
	for i, name := range slices.Sorted(maps.Keys(s.Texts)) {
		t := &c.texts[i]
		if err := setString(t.name[:], "name of a hazard's text", name); err != nil {
			return err
		}
		if err := setString(t.value[:], "hazard's text "+name, s.Texts[name]); err != nil {
			return err
		}
	}
	return nil
}

func setHazard(to *C.struct_hazard_use, h catalogue.Choice) error {
	if err := setString(to.name[:], "name of the hazard", h.Name); err != nil {
		return err
	}
	return setParameters(to.parameters[:], h.Name, h.Params)
}

// Neighbour is what the hazard's library said of itself, "" if there is none.
func (b *Block) Neighbour() string { return text(b.c.neighbour[:]) }

// Skipped is what this machine lacks for a hazard, "" if nothing.
func (b *Block) Skipped() string { return text(b.c.skipped[:]) }

// Acts says how often a hazard really happened: in rank 0, and in each worker
// that was forked.
func (b *Block) Acts(hazard int) (rank0 uint64, workers []uint64) {
	rank0 = load64(&b.c.hazard_acts[hazard])
	for i := range b.workers {
		if w := &b.workers[i]; load32(&w.forked) != 0 {
			workers = append(workers, load64(&w.hazard_acts[hazard]))
		}
	}
	return rank0, workers
}
