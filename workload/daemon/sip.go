package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"tlsbench/workload/peers"
)

// maxAnswer bounds what a peer reads of an answer.
const maxAnswer = 8 << 10

// options sends OPTIONS (RFC 3261 section 11) and wants 200 for that very
// request.
func options(conn net.Conn, draw uint64) error {
	id := fmt.Sprintf("%016x", draw)
	request := "OPTIONS sip:" + peers.ServerName + " SIP/2.0\r\n" +
		"Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK" + id + "\r\n" +
		"From: <sip:peer@" + peers.ServerName + ">;tag=" + id + "\r\n" +
		"To: <sip:" + peers.ServerName + ">\r\n" +
		"Max-Forwards: 70\r\nCall-ID: " + id + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	answer, err := readAnswer(conn)
	if err != nil {
		return err
	}
	return answer.check(id)
}

// answer is what is looked at of a SIP response.
type answer struct {
	status string
	fields map[string]string // first value of each, names in lower case
}

// readAnswer reads a response without a body.
func readAnswer(r io.Reader) (answer, error) {
	in := bufio.NewReader(io.LimitReader(r, maxAnswer))
	status, err := in.ReadString('\n')
	if err != nil {
		return answer{}, unexpected(err)
	}
	a := answer{status: strings.TrimSpace(status), fields: map[string]string{}}
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return answer{}, unexpected(err)
		}
		if text = strings.TrimSpace(text); text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, ok := a.fields[name]; !ok {
			a.fields[name] = strings.TrimSpace(value)
		}
	}
	if in.Buffered() > 0 {
		return answer{}, fmt.Errorf("%w: %d bytes after the answer", peers.ErrWrongData, in.Buffered())
	}
	return a, nil
}

// unexpected tells an answer that was cut from a connection that ended well.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (a answer) check(id string) error {
	switch {
	case !strings.HasPrefix(a.status, "SIP/2.0 200 "):
		return fmt.Errorf("%w: answer %.80q, want 200", peers.ErrWrongData, a.status)
	case a.fields["call-id"] != id:
		return fmt.Errorf("%w: answer to call %.40q, want %q", peers.ErrWrongData, a.fields["call-id"], id)
	case a.fields["content-length"] != "0":
		return fmt.Errorf("%w: answer with a body of %.20q bytes, want 0", peers.ErrWrongData, a.fields["content-length"])
	}
	return nil
}
