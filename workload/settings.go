package workload

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
	"tlsbench/workload/sharedlib"
)

// Config is everything that decides what one trial does.
type Config struct {
	Build    openssl.Build
	Strategy catalogue.Choice
	Hazard   string // "plain"
	Workers  int    // from 1

	Load       string // "tcp", "memory"
	Heap       string // "global", "scalable", "private", "traced"
	HeapBytes  uint64 // size of the shared heap; 0 = by the number of workers
	HeapSafety string // "count", "abort"
	Locks      string // "shared", "kamailio", "private"
	TLS        string // "1.3", "1.2"
	Key        string // "ecdsa-p256", "rsa-2048"
	Rand       string // "default", "method"

	BadShare  float64 // share of bad peers, 0 to 1
	CheckRate int     // error-queue checks for each handshake, four draws with each; 0 = off
	EchoBytes int     // length of the echo after the handshake; 0 = none
	Peers     int     // concurrent peers of the tcp load; 0 = by the number of workers
	Seed      uint64

	// A trial ends after Duration, or after Handshakes handshakes where that
	// is not 0: of each worker where the heap is traced, of all of them else.
	// Warmup comes before and is not counted in throughput; events
	// count from the first moment of load.
	Warmup     time.Duration
	Duration   time.Duration
	Handshakes uint64

	// Fault is damage made on purpose, one of Faults, by FaultWorker at random
	// times, FaultGap apart on average: a trial of the detectors.
	Fault       string
	FaultWorker int // EachWorker: all of them, each at times of its own
	FaultGap    time.Duration

	// Without names detectors that are off, from Detectors, to see what they
	// cost. Queue and random are on only where CheckRate is above 0.
	Without []string

	// HangAfter is how long a process may stay in one operation without
	// using CPU before the trial is ended as a hang; 0 = default.
	HangAfter time.Duration

	// Server makes what the trial runs; nil = the rig.
	Server func(Config) Server

	// Fork makes this a trial of forks instead of handshakes; see fork.go.
	Fork *ForkConfig
	// forkPatience is how long its loops may go without a fork before they are
	// judged; 0 = forkHang.
	forkPatience time.Duration

	// Duet makes this a trial of two rigs that take turns; see duet.go.
	Duet *DuetConfig

	// A configuration of OpenSSL that a hazard wants, and where its modules are;
	// "" for none.
	opensslConf, opensslModules string
}

// Traced reports whether the trial runs under the tracer.
func (c *Config) Traced() bool { return c.Heap == results.Traced }

var (
	// Faults is what damage can be made on purpose; the first is none.
	Faults = rig.Faults
	// Detectors are those that Config.Without can switch off.
	Detectors = rig.Detectors
)

// EachWorker is the Config.FaultWorker that stands for all.
const EachWorker = rig.EachWorker

// choices lists what is chosen from a fixed set of values.
func (c *Config) choices() []choice {
	return []choice{
		{&c.Load, results.Loads},
		{&c.Heap, results.Heaps},
		{&c.HeapSafety, results.HeapSafeties},
		{&c.Locks, results.LockSharings},
		{&c.TLS, results.TLSVersions},
		{&c.Key, results.Keys},
		{&c.Rand, results.Rands},
	}
}

type choice struct {
	value *string
	from  results.Dimension
}

// Sizes that a zero in the Config stands for.
const (
	heapBase      = 256 << 20
	heapPerWorker = 4 << 20 // contexts, one connection, per-thread state, slack
	maxPeers      = 64
	maxDraws      = 8 << 20
	maxSamples    = 1 << 20
)

// hangAfter is longer than a worker may lawfully wait for a silent peer
// (PEER_TIMEOUT_S in tcp.c); the memory load never waits. Where many workers
// share few processors, each waits for its turn at the heap's one lock, and
// one operation takes as many times longer.
func hangAfter(load string, workers int) time.Duration {
	d := 1500 * time.Millisecond
	if load == "tcp" {
		d = 3 * time.Second
	}
	crowd := workers / (8 * runtime.NumCPU())
	return min(d*time.Duration(max(crowd, 1)), drainLimit/2)
}

func (c *Config) complete() {
	for _, ch := range c.choices() {
		if *ch.value == "" {
			*ch.value = ch.from.Default()
		}
	}
	if c.HeapBytes == 0 {
		c.HeapBytes = heapBase + uint64(c.Workers)*heapPerWorker
	}
	if c.Peers == 0 {
		// Two for each worker: one is served, the next one waits.
		c.Peers = min(2*c.Workers, maxPeers)
	}
	if c.HangAfter == 0 {
		c.HangAfter = hangAfter(c.Load, c.Workers)
		if c.Traced() { // every write to an inherited block takes as long as a system call or ten
			c.HangAfter *= 4
		}
	}
}

func (c *Config) check() error {
	for _, ch := range c.choices() {
		if err := ch.from.Check(*ch.value); err != nil {
			return err
		}
	}
	if path := c.Strategy.Path; path != "" {
		if _, err := sharedlib.Read(path); err != nil {
			return fmt.Errorf("load strategy: %w", err)
		}
	}
	if !slices.Contains(Faults, c.Fault) {
		return fmt.Errorf("unknown fault %q: choose from %s", c.Fault, strings.Join(Faults, ", "))
	}
	for _, name := range c.Without {
		if !slices.Contains(Detectors, name) {
			return fmt.Errorf("unknown detector %q: choose from %s", name, strings.Join(Detectors, ", "))
		}
	}
	switch {
	case c.Workers < 1 || c.Workers > results.MaxWorkers:
		return fmt.Errorf("%d workers: want 1 to %d", c.Workers, results.MaxWorkers)
	case c.Traced() && c.Workers > results.MaxTraced:
		return fmt.Errorf("heap traced with %d workers: want at most %d", c.Workers, results.MaxTraced)
	case c.Traced() && c.Handshakes == 0:
		return errors.New("heap traced: give a number of handshakes")
	case !(c.BadShare >= 0 && c.BadShare <= 1):
		return fmt.Errorf("share of bad peers %v: want 0 to 1", c.BadShare)
	case c.CheckRate < 0:
		return fmt.Errorf("%d checks for each handshake: want 0 (off) or more", c.CheckRate)
	case c.Handshakes == 0 && c.Duration <= 0:
		return fmt.Errorf("trial of %v: give a duration or a number of handshakes", c.Duration)
	}
	return nil
}

// environ is the rig's environment. Neither the system's configuration of OpenSSL
// nor the user's is read: every build, whatever its version, and every daemon runs
// on its built-in defaults, unless a hazard brings a configuration.
func (c *Config) environ() []string {
	env := append(c.Build.Environ(os.Environ()), "OPENSSL_CONF="+cmp.Or(c.opensslConf, os.DevNull))
	if c.opensslModules != "" {
		env = append(env, "OPENSSL_MODULES="+c.opensslModules)
	}
	return env
}

var tlsNumbers = map[string]uint16{"1.3": tls.VersionTLS13, "1.2": tls.VersionTLS12}

func (c *Config) settings(id, bad *peers.Identity) rig.Settings {
	s := rig.Settings{
		Libcrypto: c.Build.Libcrypto, Libssl: c.Build.Libssl,
		Strategy: c.Strategy,
		Memory:   c.Load == "memory", Duet: c.Duet != nil && c.Load == "memory",
		Heap: c.Heap, HeapBytes: c.HeapBytes, HeapAbort: c.HeapSafety == "abort",
		Locks: c.Locks,
		TLS:   tlsNumbers[c.TLS], RSA: c.Key == peers.RSA2048, RandMethod: c.Rand == "method",
		Workers: c.Workers, CheckRate: c.CheckRate, AskClient: c.BadShare > 0, Echo: c.EchoBytes, Seed: c.Seed,
		Server:    rig.Identity{Certificate: id.Cert, Key: id.Key},
		Untrusted: rig.Identity{Certificate: bad.Cert, Key: bad.Key},
		Fault:     c.Fault, FaultWorker: c.FaultWorker, FaultGap: c.FaultGap,
		Without: c.Without, Samples: maxSamples, Fork: c.Fork,
	}
	if c.CheckRate > 0 {
		s.Draws = maxDraws
	}
	if s.Memory {
		s.BadShare = c.BadShare
	}
	if s.Memory || c.Traced() {
		s.Handshakes = c.Handshakes
	}
	if c.Fork != nil {
		s.Samples, s.Handshakes = 0, 0
	}
	return s
}

func (c *Config) peers(port int, id, bad *peers.Identity) peers.Config {
	limit := c.Handshakes
	if c.Traced() { // bad peers count too; see served
		limit = 0
	}
	return peers.Config{
		Addr: fmt.Sprintf("127.0.0.1:%d", port), TLS: c.TLS, Roots: id.Roots,
		Peers: c.Peers, BadShare: c.BadShare, Seed: c.Seed, EchoBytes: c.EchoBytes,
		Untrusted: bad, Timeout: peerTimeout(c.HangAfter), Limit: limit,
	}
}

// peerTimeout leaves the watchdog time to see a hang before a peer gives up.
func peerTimeout(hangAfter time.Duration) time.Duration { return 2*hangAfter + 4*time.Second }
