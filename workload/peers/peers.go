// Package peers is the load of a TLS server: clients on Go's crypto/tls, an
// implementation that shares no code and no fault with OpenSSL. It knows an
// address and settings, and nothing of the server behind the address.
//
// A [Load] is a number of peers, each a goroutine in a closed loop: it opens
// its next connection when its last one has ended, so the server's speed sets
// the rate. The server can therefore not be overrun, and latency is that of a
// busy server with a fixed number of clients, not that of a given arrival
// rate. For each connection a peer
//
//  1. draws from its own seeded generator whether it is good, which kind of
//     bad it is otherwise, and the bytes it will send; always the same number
//     of draws, so the n-th connection of a peer depends on seed, peer and n
//     alone, never on what became of the connections before;
//  2. as a good peer makes a full handshake (no ticket, no session cache),
//     checks certificate and signature, has bytes echoed and compares each of
//     them, says close_notify and waits for the server's end;
//  3. as a bad peer provokes one kind of error (see [Bad]) and is gone as soon
//     as the server has reacted; what it owes the server is always already
//     sent, so it never keeps a server process waiting;
//  4. keeps the ServerHello random that it saw on the wire, for
//     [Report.Repeats] after the load.
//
// What befalls a good peer is a [Failure] with its kind and time. Whether a
// failure is the server's fault is for the caller to judge, who knows when a
// server process died and when the trial ended. What the client's own machine
// is to blame for, such as having no free port, is no failure but trouble (see
// [Report.Trouble]).
//
// The caller drives the phases: [Load.Start] begins the warm-up,
// [Load.Measure] the measured window, [Load.Stop] ends it: no new connections
// then, those in flight finish, [Load.Wait] returns the report. [Load.Abort]
// cuts the ones in flight too, without making failures of them.
//
// # Ports
//
// Thousands of short connections a second must not use up the client's ports.
// The end that closes first keeps the port for a minute (TIME_WAIT). A good
// peer therefore lets the server close first: it waits for the server's end of
// stream, and only then resets the connection (SO_LINGER 0), which frees the
// port at both ends at once. The server cannot notice: it has closed before.
// Bad peers have to close first, to keep no one waiting, and so leave ports in
// TIME_WAIT. Each peer hence has a source address of its own in 127.0.0.0/8,
// and with it a range of ports of its own.
package peers
