package peers_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"runtime"

	"tlsbench/workload/peers"
)

// A hundred measured handshakes with a server that echoes.
func ExampleLoad() {
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{id.TLS}})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	go serveEcho(listener)

	load, err := peers.New(peers.Config{
		Addr: listener.Addr().String(), TLS: "1.3", Roots: id.Roots,
		Peers: 4, BadShare: 0.2, Seed: 1, EchoBytes: 64, Limit: 100,
	})
	if err != nil {
		log.Fatal(err)
	}
	load.Start()
	for load.Good() < 10 { // the warm-up; any other sign will do
		runtime.Gosched()
	}
	load.Measure()
	<-load.Done()
	report := load.Wait()
	fmt.Println(report.Measured, "measured,", len(report.Failures), "failed,", len(report.Repeats()), "randoms repeated")
	// Output: 100 measured, 0 failed, 0 randoms repeated
}

func serveEcho(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}
