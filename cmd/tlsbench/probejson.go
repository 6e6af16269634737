package main

import (
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// The probe as JSON: all that was found, and none of the table's shortening.
type probeDocument struct {
	Hazard string          `json:"hazard"`
	Heap   string          `json:"heap"`
	Locks  string          `json:"locks"`
	Rand   string          `json:"rand"`
	Builds []buildDocument `json:"builds"`
	Claims []verdict       `json:"claims"`
}

type buildDocument struct {
	OpenSSL    string             `json:"openssl"`
	Libcrypto  string             `json:"libcrypto"`
	Strategies []strategyDocument `json:"strategies"`
}

type strategyDocument struct {
	Strategy        string            `json:"strategy"`
	NotApplicable   string            `json:"not_applicable,omitempty"` // the function that is missing
	Skipped         string            `json:"skipped,omitempty"`        // what this machine lacks for the hazard
	SharedAddresses int               `json:"shared_addresses"`
	Events          map[string]uint64 `json:"events"` // by kind
	Files           []string          `json:"files"`
	Keys            []slotDocument    `json:"keys"`
}

type slotDocument struct {
	Key         int    `json:"key"`
	Known       bool   `json:"creation_seen"`
	OpenSSL     bool   `json:"openssl"`
	Creator     string `json:"creator,omitempty"`
	Filled      bool   `json:"filled"`
	InHeap      bool   `json:"in_shared_heap"`
	Fate        string `json:"fate"`
	SharedInUse bool   `json:"shared_in_use"`
}

func (f *findings) document(verdicts []verdict) probeDocument {
	d := probeDocument{Hazard: f.Hazard, Heap: f.Heap, Locks: f.Locks, Rand: f.Rand, Claims: verdicts}
	for _, b := range f.Builds {
		build := buildDocument{OpenSSL: b.Version, Libcrypto: openssl.Portable(b.Library.Libcrypto)}
		for _, name := range b.Names {
			build.Strategies = append(build.Strategies, newStrategyDocument(name, b.Under[name]))
		}
		d.Builds = append(d.Builds, build)
	}
	return d
}

func newStrategyDocument(name string, p *workload.Probed) strategyDocument {
	d := strategyDocument{
		Strategy: name, NotApplicable: p.NotApplicable, SharedAddresses: p.SharedSlots, Files: portable(p.Files),
		Skipped: p.Skipped, Events: p.Events, Keys: []slotDocument{},
	}
	for _, s := range p.Slots {
		d.Keys = append(d.Keys, slotDocument{
			Key: s.Key, Known: s.Known, OpenSSL: s.OpenSSL, Creator: s.Creator, Filled: s.Filled,
			InHeap: s.InHeap, Fate: string(s.Fate), SharedInUse: s.SharedInUse,
		})
	}
	return d
}

// portable names no one's home: a probe is published like a results file.
func portable(files []string) []string {
	list := make([]string, len(files))
	for i, file := range files {
		list[i] = openssl.Portable(file)
	}
	return list
}
