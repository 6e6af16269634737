package peers

import (
	"crypto/tls"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var badNames = [...]string{
	"plain-text", "cut-hello", "malformed-hello", "no-version", "no-cipher",
	"leaves", "client-alert", "untrusted-cert",
}

func (b Bad) String() string { return badNames[b] }

// Each kind of bad peer makes a real server fail, with the error that it is for.
func TestBadPeersProvokeTheirError(t *testing.T) {
	for _, test := range []struct {
		bad    Bad
		tls    string
		server string // error of Go's server
	}{
		// Go's server ends such a connection without an alert.
		{PlainText, "1.3", "first record does not look like a TLS handshake"},
		{CutHello, "1.3", "EOF"},
		{MalformedHello, "1.3", ""},
		{MalformedHello, "1.2", ""},
		{NoVersion, "1.3", "client offered only unsupported versions"},
		{NoVersion, "1.2", "client offered only unsupported versions"},
		{NoCipher, "1.3", "no cipher suite supported by both client and server"},
		{NoCipher, "1.2", "no cipher suite supported by both client and server"},
		{Leaves, "1.3", "EOF"},
		{Leaves, "1.2", "EOF"},
		{ClientAlert, "1.2", "remote error: tls: unknown certificate authority"},
		// Go's server wants an encrypted record here.
		{ClientAlert, "1.3", "bad record MAC"},
		{UntrustedCert, "1.3", "certificate signed by unknown authority"},
		{UntrustedCert, "1.2", "certificate signed by unknown authority"},
	} {
		t.Run(fmt.Sprintf("%v/tls=%s", test.bad, test.tls), func(t *testing.T) {
			id := identity(t, ECDSAP256)
			s := serveTLS(t, serverTLS(id), echo)
			l := newLoad(t, s.addr, id, func(c *Config) {
				c.TLS, c.BadShare, c.Bad, c.Untrusted = test.tls, 1, []Bad{test.bad}, untrusted(t)
			})
			r := runUntil(l, func() bool { return l.Bad() >= 10 })
			if r.Good > 0 || len(r.Failures) > 0 || r.Troubles > 0 {
				t.Errorf("%d good, failures %v, trouble %v; want none", r.Good, r.Failures, r.Trouble)
			}
			waitFor(t, func() bool { return uint64(len(s.failures())) == r.Bad })
			for _, failure := range s.failures() {
				if !strings.Contains(failure, test.server) {
					t.Errorf("server failed with %q, want %q", failure, test.server)
				}
			}
		})
	}
}

func untrusted(t testing.TB) *Identity {
	t.Helper()
	id, err := Untrusted()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A server that does not ask for certificates cannot mind one.
func TestUntrustedCertNeedsAServerThatAsks(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		id := identity(t, ECDSAP256)
		s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{id.TLS}}, echo)
		l := newLoad(t, s.addr, id, func(c *Config) {
			c.TLS, c.BadShare, c.Bad, c.Untrusted = version, 1, []Bad{UntrustedCert}, untrusted(t)
		})
		r := runUntil(l, func() bool { return l.Bad() >= 4 })
		if r.Bad < 4 || len(s.failures()) > 0 {
			t.Errorf("TLS %s: %d bad peers, the server failed with %v; want no failure", version, r.Bad, s.failures())
		}
	}
}

// All kinds together with good peers: none disturbs another, and only bad
// ones fail at the server.
func TestMixOfGoodAndBad(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		t.Run("tls="+version, func(t *testing.T) {
			id := identity(t, ECDSAP256)
			s := serveTLS(t, serverTLS(id), echo)
			l := newLoad(t, s.addr, id, func(c *Config) {
				c.TLS, c.BadShare, c.Untrusted, c.Peers = version, 0.5, untrusted(t), 4
			})
			r := runUntil(l, func() bool { return l.Good() > 50 && l.Bad() > 50 })
			if len(r.Failures) > 0 || r.Troubles > 0 || r.Good <= 50 {
				t.Errorf("%d good, failures %v, trouble %v; want only good ones", r.Good, r.Failures, r.Trouble)
			}
			waitFor(t, func() bool { return uint64(len(s.failures())) == r.Bad })
			// Two kinds end the stream early, and do not differ to the server.
			if kinds := failureKinds(s); len(kinds) < int(badKinds)-1 {
				t.Errorf("the server failed with %v, want %d kinds of bad peers", kinds, badKinds)
			}
		})
	}
}

// failureKinds counts the server's errors, addresses and numbers aside.
func failureKinds(s *server) map[string]int {
	kinds := map[string]int{}
	for _, failure := range s.failures() {
		kinds[regexp.MustCompile(`[0-9.:]+`).ReplaceAllString(failure, "N")]++
	}
	return kinds
}

// What a peer does depends on seed, peer and number of the connection alone.
func TestMixRepeatsWithTheSeed(t *testing.T) {
	plans := func(seed uint64, share float64, peer int) []plan {
		l := newLoad(t, "127.0.0.1:1", identity(t, ECDSAP256), func(c *Config) {
			c.Seed, c.BadShare, c.Peers = seed, share, peer+1
		})
		var plans []plan
		for range 2000 {
			plans = append(plans, l.peers[peer].next())
		}
		return plans
	}
	bad := func(plans []plan) (n int) {
		for _, p := range plans {
			if p.isBad {
				n++
			}
		}
		return n
	}
	one := plans(7, 0.2, 0)
	if diff := cmp.Diff(one, plans(7, 0.2, 0), cmp.AllowUnexported(plan{})); diff != "" {
		t.Errorf("same seed and peer, other plans:\n%s", diff)
	}
	if cmp.Equal(one, plans(7, 0.2, 1), cmp.AllowUnexported(plan{})) {
		t.Error("two peers have the same plans")
	}
	if cmp.Equal(one, plans(8, 0.2, 0), cmp.AllowUnexported(plan{})) {
		t.Error("two seeds have the same plans")
	}
	// 2000 draws at 0.2: five standard deviations are 90.
	if n := bad(one); n < 310 || n > 490 {
		t.Errorf("%d of 2000 peers bad, want about 400", n)
	}
	if n := bad(plans(7, 0, 0)); n != 0 {
		t.Errorf("%d bad peers at share 0", n)
	}
	if n := bad(plans(7, 1, 0)); n != 2000 {
		t.Errorf("%d of 2000 peers bad at share 1", n)
	}
	// A larger share adds bad peers and changes none that were bad before.
	for i, p := range plans(7, 0.5, 0) {
		if one[i].isBad && p != one[i] {
			t.Fatalf("connection %d: %+v at share 0.5, %+v at 0.2", i, p, one[i])
		}
	}
}

// The same on a real server: what a peer meets does not change what it does.
func TestLoadRepeatsWithTheSeed(t *testing.T) {
	id := identity(t, ECDSAP256)
	run := func() map[string]int {
		s := serveTLS(t, serverTLS(id), echo)
		l := newLoad(t, s.addr, id, func(c *Config) {
			c.Peers, c.Limit, c.Seed, c.BadShare, c.Untrusted = 1, 30, 5, 0.5, untrusted(t)
		})
		r := runUntil(l, never)
		if r.Measured != 30 {
			t.Fatalf("%d handshakes, want 30; failures %v", r.Measured, r.Failures)
		}
		waitFor(t, func() bool { return uint64(len(s.failures())) == r.Bad })
		return failureKinds(s)
	}
	first := run()
	if len(first) < 5 {
		t.Errorf("only %v", first)
	}
	if diff := cmp.Diff(first, run()); diff != "" {
		t.Errorf("same seed, other bad peers:\n%s", diff)
	}
}
