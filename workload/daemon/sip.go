package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
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
	fields textproto.MIMEHeader
}

// readAnswer reads a response without a body.
func readAnswer(r io.Reader) (a answer, err error) {
	buffer := bufio.NewReader(io.LimitReader(r, maxAnswer))
	in := textproto.NewReader(buffer)
	if a.status, err = in.ReadLine(); err == nil {
		a.fields, err = in.ReadMIMEHeader()
	}
	switch {
	case errors.Is(err, io.EOF): // it was cut; a connection that ended well had an answer
		return answer{}, io.ErrUnexpectedEOF
	case errors.As(err, new(textproto.ProtocolError)):
		return answer{}, fmt.Errorf("%w: %w", peers.ErrWrongData, err)
	case err != nil:
		return answer{}, err
	case buffer.Buffered() > 0:
		return answer{}, fmt.Errorf("%w: %d bytes after the answer", peers.ErrWrongData, buffer.Buffered())
	}
	return a, nil
}

func (a answer) check(id string) error {
	switch {
	case !strings.HasPrefix(a.status, "SIP/2.0 200 "):
		return fmt.Errorf("%w: answer %.80q, want 200", peers.ErrWrongData, a.status)
	case a.fields.Get("Call-ID") != id:
		return fmt.Errorf("%w: answer to call %.40q, want %q", peers.ErrWrongData, a.fields.Get("Call-ID"), id)
	case a.fields.Get("Content-Length") != "0":
		return fmt.Errorf("%w: answer with a body of %.20q bytes, want 0", peers.ErrWrongData, a.fields.Get("Content-Length"))
	}
	return nil
}
