package neighbours

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"tlsbench/workload/peers"
)

// HTTPS is a web server that answers every request with its path.
type HTTPS struct {
	// Port is the listener's, on 127.0.0.1.
	Port int
	// Authority is the certificate that its clients have to trust, in PEM.
	Authority string

	server *http.Server
	done   chan struct{}

	mu   sync.Mutex
	seen map[string]int
}

// NewHTTPS starts a server with that certificate.
func NewHTTPS(id *peers.Identity) (*HTTPS, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start https server: %w", err)
	}
	h := &HTTPS{
		Port:      listener.Addr().(*net.TCPAddr).Port,
		Authority: string(id.CertificatePEM()),
		done:      make(chan struct{}),
		seen:      map[string]int{},
	}
	h.server = &http.Server{
		Handler: h,
		// Every connection makes a full handshake.
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{id.TLS}, SessionTicketsDisabled: true},
		ReadHeaderTimeout: time.Minute, // a client may be starved
		// What a client of a damaged process sends is not news of this server's.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(h.done)
		h.server.ServeTLS(listener, "", "") // ends with Close
	}()
	return h, nil
}

func (h *HTTPS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.seen[r.URL.Path]++
	h.mu.Unlock()
	io.WriteString(w, r.URL.Path+"\n")
}

// Served counts the requests until now, by path.
func (h *HTTPS) Served() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.seen)
}

func (h *HTTPS) Close() {
	h.server.Close()
	<-h.done
}
