package daemon

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tlsbench/workload/peers"
)

const good = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 127.0.0.1\r\nCall-ID: 000000000000002a\r\nContent-Length: 0\r\n\r\n"

// speak plays a server that answers one request.
func speak(t *testing.T, answer string) error {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	asked := make(chan string, 1)
	go func() {
		defer server.Close()
		buf := make([]byte, 4096)
		n, _ := server.Read(buf)
		asked <- string(buf[:n])
		io.WriteString(server, answer)
	}()
	client.SetDeadline(time.Now().Add(time.Minute))
	err := options(client, 42)
	request := <-asked
	if !strings.HasPrefix(request, "OPTIONS sip:localhost SIP/2.0\r\n") || !strings.HasSuffix(request, "\r\n\r\n") ||
		!strings.Contains(request, "\r\nCall-ID: 000000000000002a\r\n") {
		t.Errorf("request %q", request)
	}
	return err
}

func TestOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   error
	}{
		"good":             {good, nil},
		"other case":       {strings.ReplaceAll(good, "Call-ID", "call-id"), nil},
		"refused":          {strings.Replace(good, "200 OK", "500 Error", 1), peers.ErrWrongData},
		"another's answer": {strings.Replace(good, "2a", "2b", 1), peers.ErrWrongData},
		"a body":           {strings.Replace(good, "Length: 0", "Length: 4", 1), peers.ErrWrongData},
		"garbage":          {"\x16\x03\x01\x02\r\n\r\n", peers.ErrWrongData},
		"more than one":    {good + good, peers.ErrWrongData},
		"cut":              {good[:40], io.ErrUnexpectedEOF},
		"nothing":          {"", io.ErrUnexpectedEOF},
		"without end":      {"SIP/2.0 200 OK\r\n" + strings.Repeat("X: y\r\n", maxAnswer), io.ErrUnexpectedEOF},
	} {
		if err := speak(t, tc.answer); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// Any bytes are an answer or an error, and only the answer to this very request
// passes.
func FuzzReadAnswer(f *testing.F) {
	f.Add(good)
	f.Add(strings.Replace(good, "200 OK", "500 Error", 1))
	f.Add("SIP/2.0 200 OK\n\n")
	f.Add(good + "\x00")
	const id = "000000000000002a"
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readAnswer(strings.NewReader(text))
		if err != nil {
			if errors.Is(err, io.EOF) {
				t.Errorf("%q: %v: a cut answer is not an end", text, err)
			}
			return
		}
		err = a.check(id)
		if err == nil && (!strings.Contains(text, "SIP/2.0 200 ") || !strings.Contains(text, id)) {
			t.Errorf("%q passes", text)
		}
		if err != nil && !errors.Is(err, peers.ErrWrongData) {
			t.Errorf("%q: %v, want %v", text, err, peers.ErrWrongData)
		}
		if a.check(id+"x") == nil {
			t.Errorf("%q passes as the answer to another call", text)
		}
	})
}
