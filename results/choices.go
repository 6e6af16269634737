package results

import (
	"fmt"
	"slices"
	"strings"
)

// Dimension is one thing about a trial that is chosen from a few values.
type Dimension struct {
	Flag    string   `json:"flag"` // and its key in benchmark names, if it is in them
	What    string   `json:"what"`
	Options []Option `json:"options"` // the default first
}

// Option is one value.
type Option struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

// Default is the value if a trial sets none.
func (d Dimension) Default() string { return d.Options[0].Name }

// Names lists the values.
func (d Dimension) Names() []string {
	return Distinct(d.Options, func(o Option) string { return o.Name })
}

// Check refuses what is not a value.
func (d Dimension) Check(value string) error {
	if !slices.ContainsFunc(d.Options, func(o Option) bool { return o.Name == value }) {
		return fmt.Errorf("unknown %s %q: choose from %s", d.Flag, value, strings.Join(d.Names(), ", "))
	}
	return nil
}

// What a trial can be told to do.
var (
	Loads = Dimension{"load", "where handshakes come from", []Option{
		{"tcp", "workers accept on one loopback port, peers are Go crypto/tls clients"},
		{"memory", "each worker does both sides over BIO pairs: most load, least noise"},
	}}
	Heaps = Dimension{"heap", "the heap behind OpenSSL", []Option{
		{"global", "shared memory behind OpenSSL, one process-shared lock, as in Kamailio"},
		{"scalable", "shared memory behind OpenSSL, with a cache for each worker"},
		{"private", "the C library's own, so nothing can be shared: what OpenSIPS 4.0 and Kamailio master with tcp_main_threads have, a reference for costs"},
		{Traced, "shared memory behind OpenSSL; every write to a block that rank 0 allocated is seen"},
	}}
	HeapSafeties = Dimension{"heap-safety", "what a bad free does", []Option{
		{"count", "a bad free is counted, and the worker goes on"},
		{"abort", "a bad free ends the worker, as in a strict daemon"},
	}}
	LockSharings = Dimension{"locks", "which locks work across processes", []Option{
		{"shared", "mutexes, rwlocks and condition variables work across processes"},
		{"kamailio", "only mutexes and rwlocks do, as in Kamailio"},
		{"private", "none do, as OpenSSL creates them: workers hang"},
	}}
	TLSVersions = Dimension{"tls", "protocol version", []Option{
		{"1.3", "only TLS 1.3"},
		{"1.2", "only TLS 1.2"},
	}}
	Keys = Dimension{"key", "the server's key", []Option{
		{"ecdsa-p256", "a fresh ECDSA P-256 key"},
		{RSA2048, "a fresh RSA-2048 key"},
	}}
	Rands = Dimension{"rand", "where OpenSSL's random numbers come from", []Option{
		{"default", "OpenSSL's own random generators"},
		{"method", "a RAND_set_rand_method that reads getrandom, as Kamailio installs on 1.1.1"},
	}}
	MeasureNames = Dimension{"measure", "what trials measure", []Option{
		{"handshake", "throughput, CPU and latency: detectors off, no bad peers"},
		{"corruption", "damage: bad peers; one trial with active checks, one without"},
		{"sharing", "memory that workers write without a common lock; the tracer sees every write; not in the default"},
		{"fork", "what the strategy costs rank 0 and a fresh child; not in the default"},
		{"duet", "cost: two servers take turns on one processor until half a percent is told; not in the default"},
	}}
	// Off is the default of HugePages because a fork then copies one entry for
	// each page whatever the kernel's own setting is.
	HugePages = Dimension{"huge-pages", "transparent huge pages in fork trials", []Option{
		{"off", "off, so that a fork copies one entry for each page"},
		{"on", "on, so that a fork copies few entries"},
	}}
)

// Traced is the heap of sharing trials.
const Traced = "traced"

// RSA2048 is the key that the hazard shared-ctx needs with rsa=1.
const RSA2048 = "rsa-2048"

// Dimensions lists them all, in the order of the help.
var Dimensions = []Dimension{Loads, Heaps, HeapSafeties, LockSharings, TLSVersions, Keys, Rands, MeasureNames, HugePages}

// DefaultMeasures are those of a plan that names none.
var DefaultMeasures = []Measure{Handshake, Corruption}

// Defaults of trials.
const (
	Plain          = "plain" // the hazard that adds nothing: OpenSSL alone
	DefaultWorkers = 4
	MaxWorkers     = 1024
	MaxTraced      = 63  // workers of sharing trials: each is a bit of a word, as rank 0 is
	DefaultBad     = 0.2 // share of bad peers of corruption and sharing trials; others have none
	// Four looks at the queue and sixteen draws for each handshake: one look is
	// enough on an idle machine, where every trial of none is found damaged
	// within a fraction of a second, but not where workers rarely run at the
	// same time.
	DefaultCheckRate = 4
	DrawsPerCheck    = 4
	// SharingHandshakes is how many each worker makes in a sharing trial: each kind
	// of bad peer is met, and retiring workers are replaced.
	SharingHandshakes = 30
	// SharingChecks is the rate of active checks in sharing trials: they are there
	// to use the error queue and the generators, and not to find damage.
	SharingChecks = 1
	// EchoBytes is the length of the echo after each handshake: one TLS record
	// each way, so that data that arrives broken is seen.
	EchoBytes = 64
	// DefaultForkMemory is what a daemon's main process has, in MiB.
	DefaultForkMemory = 16
	// DefaultForkPairs is for plans that measure more than forks, and so have few
	// rounds. The 99th percentile of a hundred is not their maximum yet.
	DefaultForkPairs = 500
)
