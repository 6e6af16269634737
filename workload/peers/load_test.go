package peers

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestGoodPeers(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		for _, key := range []string{ECDSAP256, RSA2048} {
			for _, size := range []int{0, 1, 64, 40_000} {
				t.Run(fmt.Sprintf("tls=%s/key=%s/echo=%d", version, key, size), func(t *testing.T) {
					testGood(t, version, key, size)
				})
			}
		}
	}
}

func testGood(t *testing.T, version, key string, size int) {
	const limit = 20
	id := identity(t, key)
	var resumed, wrong atomic.Int64
	s := serveTLS(t, serverTLS(id), func(conn *tls.Conn) error {
		state := conn.ConnectionState()
		if state.DidResume {
			resumed.Add(1)
		}
		if state.CurveID != tls.CurveP256 || tls.VersionName(state.Version) != "TLS "+version {
			wrong.Add(1)
		}
		return echo(conn)
	})
	l := newLoad(t, s.addr, id, func(c *Config) {
		c.TLS, c.EchoBytes, c.Limit = version, size, limit
	})
	r := runUntil(l, never)
	if r.Measured != limit || r.Good < limit || len(r.Failures) > 0 {
		t.Errorf("%d measured, %d good, failures %v; want %d good", r.Measured, r.Good, r.Failures, limit)
	}
	if uint64(len(r.Randoms)) != 2*r.Good || len(r.Repeats()) > 0 {
		t.Errorf("%d randoms, repeats %v; want %d different ones", len(r.Randoms), r.Repeats(), 2*r.Good)
	}
	for _, ns := range r.Latency {
		if ns <= 0 || ns > float64(testTimeout) {
			t.Errorf("handshake latency of %v ns", ns)
		}
	}
	if resumed.Load() > 0 || wrong.Load() > 0 || len(s.failures()) > 0 {
		t.Errorf("%d resumed, %d of other version or curve, server errors %v; want none",
			resumed.Load(), wrong.Load(), s.failures())
	}
}

// constant is a random generator that is none.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func TestRepeatedRandoms(t *testing.T) {
	t.Setenv("GODEBUG", "cryptocustomrand=1") // else key shares do not come from config.Rand
	for _, version := range []string{"1.2", "1.3"} {
		t.Run("tls="+version, func(t *testing.T) {
			id := identity(t, ECDSAP256)
			config := serverTLS(id)
			var n atomic.Int64
			config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				config := serverTLS(id)
				config.Rand = constant(1 + n.Add(1)%3) // 10 handshakes with 3 randoms
				config.MaxVersion = tls.VersionTLS13
				return config, nil
			}
			s := serveTLS(t, config, echo)
			l := newLoad(t, s.addr, id, func(c *Config) { c.TLS, c.Limit, c.Peers = version, 10, 1 })
			r := runUntil(l, never)
			var repeats, shares []Repeat
			for _, r := range r.Repeats() {
				if r.Again.What == "ServerHello random" {
					repeats = append(repeats, r)
				} else {
					shares = append(shares, r)
				}
			}
			if len(repeats) != 7 || len(shares) != 7 {
				t.Fatalf("%d repeated randoms and %d key shares, want 7 each: %v, %v", len(repeats), len(shares), repeats, shares)
			}
			for i, repeat := range repeats {
				if share := shares[i]; share.First.At != repeat.First.At || share.Again.At != repeat.Again.At {
					t.Errorf("repeat %d: %v, the key share %v", i, repeat, share)
				}
				want := 1 + byte(i+1)%3
				// TLS 1.2 servers that know 1.3 mark the last 8 bytes.
				for _, b := range repeat.Again.Bytes[:24] {
					if b != want {
						t.Fatalf("repeat %d is of % x, want %d in 24 bytes", i, repeat.Again.Bytes, want)
					}
				}
				if repeat.First.Bytes != repeat.Again.Bytes || repeat.First != repeats[i%3].First {
					t.Errorf("repeat %d: first % x at %v, want the first of the same", i, repeat.First.Bytes, repeat.First.At)
				}
				for _, s := range []Random{repeat.First, repeat.Again} {
					if s.Peer != 0 {
						t.Errorf("repeat %d seen by peer %d, there is 0 alone", i, s.Peer)
					}
				}
				if repeat.First.At >= repeat.Again.At {
					t.Errorf("repeat %d seen at %v, then at %v", i, repeat.First.At, repeat.Again.At)
				}
			}
		})
	}
}

func TestLimitIsExact(t *testing.T) {
	id := identity(t, ECDSAP256)
	for _, test := range []struct {
		peers  int
		limit  uint64
		warmUp bool
	}{
		{peers: 1, limit: 1},
		{peers: 8, limit: 1},
		{peers: 8, limit: 3, warmUp: true},
		{peers: 3, limit: 50, warmUp: true},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			// One handshake in three fails: they must not count.
			var n atomic.Int64
			s := serveTLS(t, serverTLS(id), func(conn *tls.Conn) error {
				if n.Add(1)%3 == 0 {
					return conn.NetConn().Close()
				}
				return echo(conn)
			})
			l := newLoad(t, s.addr, id, func(c *Config) { c.Peers, c.Limit = test.peers, test.limit })
			if test.warmUp {
				l.Start()
				waitFor(t, func() bool { return l.Good() >= 5 })
				l.Measure()
			} else {
				l.Measure()
				l.Start()
			}
			select {
			case <-l.Done():
			case <-time.After(testTimeout):
				t.Fatalf("limit not reached after %v, %d good", testTimeout, l.Good())
			}
			r := l.Wait()
			if r.Measured != test.limit || uint64(len(r.Latency)) != test.limit {
				t.Errorf("%d measured with %d latencies, want %d", r.Measured, len(r.Latency), test.limit)
			}
			if test.warmUp != (r.Good > r.Measured) {
				t.Errorf("%d good, %d measured, warm-up %v", r.Good, r.Measured, test.warmUp)
			}
			if r.Begin >= r.End {
				t.Errorf("measured from %v to %v", r.Begin, r.End)
			}
		})
	}
}

// As many peers as the largest trial may have, each from its own address.
func TestManyPeers(t *testing.T) {
	const n = 1024
	id := identity(t, ECDSAP256)
	var mu sync.Mutex
	sources := make(map[string]bool)
	s := serveTLS(t, serverTLS(id), func(conn *tls.Conn) error {
		mu.Lock()
		sources[addrPort(conn.RemoteAddr().String()).Addr().String()] = true
		mu.Unlock()
		return echo(conn)
	})
	l := newLoad(t, s.addr, id, func(c *Config) { c.Peers, c.Limit = n, n })
	r := runUntil(l, never)
	if r.Measured != n || len(r.Failures) > 0 || r.Troubles > 0 {
		t.Errorf("%d good, failures %v, trouble %v; want %d good", r.Measured, r.Failures, r.Trouble, n)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(sources) < n/2 {
		t.Errorf("connections from %d addresses, want about %d", len(sources), n)
	}
}

// waitFor polls a condition that something else makes true.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain", testTimeout)
		}
	}
}

// Stop lets a connection in flight finish, and begins no other.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	id := identity(t, ECDSAP256)
	entered, release := make(chan bool, 1), make(chan bool)
	s := serveTLS(t, serverTLS(id), func(conn *tls.Conn) error {
		entered <- true
		<-release
		return echo(conn)
	})
	running := goleak.IgnoreCurrent()
	l := newLoad(t, s.addr, id, func(c *Config) { c.Peers = 1 })
	l.Measure()
	l.Start()
	<-entered
	l.gate.stop()
	<-l.Done()
	if l.Good() != 0 {
		t.Fatalf("%d good before the server answered", l.Good())
	}
	close(release)
	r := l.Wait()
	if r.Good != 1 || r.Measured != 0 || len(r.Failures) > 0 {
		t.Errorf("%d good, %d measured, failures %v; want the one in flight, after the window", r.Good, r.Measured, r.Failures)
	}
	goleak.VerifyNone(t, running)
}

// Abort must not wait for a server that hangs, nor call it a failure.
func TestAbortCutsWhatIsInFlight(t *testing.T) {
	id := identity(t, ECDSAP256)
	release := make(chan bool)
	var hanging atomic.Int64
	s := serve(t, func(net.Conn) error {
		hanging.Add(1)
		<-release
		return nil
	})
	running := goleak.IgnoreCurrent()
	l := newLoad(t, s.addr, id, func(c *Config) { c.Peers, c.BadShare, c.Timeout = 4, 0.5, time.Hour })
	l.Start()
	waitFor(t, func() bool { return hanging.Load() == 4 })
	l.Abort()
	r := l.Wait() // before the server lets go
	close(release)
	if len(r.Failures) > 0 || r.Troubles > 0 || r.Good > 0 {
		t.Errorf("%d good, failures %v, trouble %v; want none", r.Good, r.Failures, r.Trouble)
	}
	goleak.VerifyNone(t, running)
}

// The first failures alone are kept in words.
func TestDetailsOfTheFirst(t *testing.T) {
	l := newLoad(t, "127.0.0.1:1", identity(t, ECDSAP256), nil)
	l.keep.Store(3)
	r := runUntil(l, func() bool { return l.Failed() >= 5 })
	detailed := slices.DeleteFunc(slices.Clone(r.Failures), func(f Failure) bool { return f.Detail == "" })
	if len(r.Failures) < 5 || len(detailed) != 3 {
		t.Errorf("%d failures, %d in words, want 5 or more, 3 in words", len(r.Failures), len(detailed))
	}
}

// The client's own troubles are no failures: nothing can be sent from an
// address that the machine does not have.
func TestTroubleIsNoFailure(t *testing.T) {
	id := identity(t, ECDSAP256)
	s := serveTLS(t, serverTLS(id), echo)
	l := newLoad(t, s.addr, id, func(c *Config) { c.BadShare = 0.5 })
	for _, p := range l.peers {
		p.source = addrPort("192.0.2.1:0")
	}
	r := runUntil(l, func() bool { return l.troubles.Load() >= 5 })
	if r.Troubles < 5 {
		t.Fatalf("%d troubles, want 5 or more", r.Troubles)
	}
	if !strings.Contains(r.Trouble, "cannot assign requested address") {
		t.Errorf("trouble %q does not name EADDRNOTAVAIL", r.Trouble[0])
	}
	if len(r.Failures) > 0 || r.Good > 0 {
		t.Errorf("%d good, failures %v; want none", r.Good, r.Failures)
	}
}

// A good load leaves no port in TIME_WAIT, at neither end.
func TestGoodPeersLeaveNoPortBehind(t *testing.T) {
	id := identity(t, ECDSAP256)
	s := serveTLS(t, serverTLS(id), echo)
	before := timeWaits(t, s.addr) // of an earlier test whose port this was
	l := newLoad(t, s.addr, id, func(c *Config) { c.Limit = 50 })
	if r := runUntil(l, never); r.Measured != 50 {
		t.Fatalf("%d handshakes, failures %v", r.Measured, r.Failures)
	}
	if left := newIn(timeWaits(t, s.addr), before); len(left) > 0 {
		t.Errorf("connections in TIME_WAIT: %v, want none", left)
	}
	// The check itself has to be able to see one.
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn)
	conn.Close()
	if left := newIn(timeWaits(t, s.addr), before); len(left) != 1 {
		t.Errorf("connections in TIME_WAIT: %v, want the one that the client ended", left)
	}
}

// timeWaits lists the machine's connections in TIME_WAIT to or from a port.
func timeWaits(t *testing.T, addr string) []string {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprintf(":%04X", addrPort(addr).Port())
	var found []string
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		const timeWait = "06"
		if f[3] == timeWait && (strings.HasSuffix(f[1], port) || strings.HasSuffix(f[2], port)) {
			found = append(found, f[1]+" to "+f[2])
		}
	}
	return found
}

func newIn(now, before []string) []string {
	return slices.DeleteFunc(now, func(c string) bool { return slices.Contains(before, c) })
}
