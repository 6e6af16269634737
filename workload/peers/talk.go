package peers

import "net"

// Talk takes the place of the echo: what a good peer says over its connection
// after the handshake, for servers that speak a protocol instead of echoing.
// It has to read what proves that the server is content, and to leave nothing
// unread. The connection's deadline is set; the draw depends on seed, peer and
// number of the connection alone. An answer other than it must be wraps
// ErrWrongData.
type Talk func(conn net.Conn, draw uint64) error

// ErrWrongData marks errors that mean wrong data.
var ErrWrongData = errWrongData
