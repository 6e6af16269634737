package peers

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Talk takes the echo's place, with a draw of its own for each connection, and
// its verdict is the connection's.
func TestTalk(t *testing.T) {
	id := identity(t, ECDSAP256)
	s := serveTLS(t, serverTLS(id), echo)
	var mu sync.Mutex
	draws := map[uint64]bool{}
	l := newLoad(t, s.addr, id, func(c *Config) {
		c.EchoBytes = 1 << 20 // not sent
		c.Talk = func(conn net.Conn, draw uint64) error {
			mu.Lock()
			draws[draw] = true
			mu.Unlock()
			return say(conn, "ping")
		}
	})
	r := runUntil(l, func() bool { return l.Good() >= 20 })
	if len(r.Failures) > 0 || uint64(len(draws)) != r.Good {
		t.Errorf("%d good, %d draws, failures %v; want one draw for each and no failure", r.Good, len(draws), r.Failures)
	}
}

// say sends a word and wants it back.
func say(conn net.Conn, word string) error {
	if _, err := io.WriteString(conn, word); err != nil {
		return err
	}
	buf := make([]byte, len(word))
	_, err := io.ReadFull(conn, buf)
	return err
}

func TestTalkFindsWrongData(t *testing.T) {
	id := identity(t, ECDSAP256)
	s := serveTLS(t, serverTLS(id), echo)
	f := runOne(t, newLoad(t, s.addr, id, func(c *Config) {
		c.Talk = func(conn net.Conn, _ uint64) error {
			if err := say(conn, "ping"); err != nil {
				return err
			}
			return fmt.Errorf("%w: not what it must be", ErrWrongData)
		}
	}))
	if f.Kind != WrongData || f.Step != Echo {
		t.Errorf("failure %v, want %v during %v", f, WrongData, Echo)
	}
}
