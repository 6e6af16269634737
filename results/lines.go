package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lineReader stands between a results file and benchfmt.Reader, which throws
// comments away. It keeps the text of each #plan and #trial line and passes on
// a mark in its place: a benchmark line that benchfmt hands back as a record,
// in order with the real ones. So the two views of the file need no queue, and
// lines keep their numbers.
//
// Each Read gives one line at most. benchfmt's scanner asks for more only when
// it has no whole line left, so comment and config are always those of the
// line that benchfmt read last.
//
// A last line without a line break was torn by a crash: it is not passed on.
type lineReader struct {
	in   *bufio.Reader
	line []byte // of the current line what is not passed on yet
	n    int    // number of the current line, from 1
	read int64  // bytes of all whole lines so far

	blank int64 // offset after the last empty line

	series  [][]byte // the #samples lines since they were last taken: those of duets,
	keep    bool     // and all others if they are wanted
	comment []byte   // the #plan or #trial line that the last mark stands for
	config  bool     // a line that may be configuration was passed on
	torn    bool
	done    bool
}

// The marks. No name of a real benchmark has a '#' or is empty.
const (
	commentMark = "#"
	endMark     = "#end"
)

// byteOrderMark is what some editors put before the first line.
const byteOrderMark = "\ufeff"

func newLineReader(r io.Reader) *lineReader {
	l := &lineReader{in: bufio.NewReaderSize(r, 256<<10)}
	if first, _ := l.in.Peek(len(byteOrderMark)); string(first) == byteOrderMark {
		n, _ := l.in.Discard(len(byteOrderMark))
		l.read = int64(n)
	}
	return l
}

// Read implements io.Reader for benchfmt.
func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.line) == 0 {
		if l.done {
			return 0, io.EOF
		}
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

// next reads one line and decides what benchfmt sees of it.
func (l *lineReader) next() error {
	line, err := l.readLine()
	if errors.Is(err, io.EOF) {
		l.torn = len(line) > 0
		l.done = true
		// benchfmt shows its configuration only with a record, and that of a
		// file that has a header alone is wanted too.
		l.line = []byte("Benchmark" + endMark + " 1 0 x\n")
		return nil
	}
	l.n++
	if err != nil {
		return err
	}
	if bytes.IndexByte(line, 0) >= 0 { // it may hide a trial
		return errors.New("it has a NUL byte: want text in UTF-8; a crash of the machine may leave such a line")
	}
	l.read += int64(len(line))
	l.line = l.visible(line)
	return nil
}

func (l *lineReader) visible(line []byte) []byte {
	switch {
	case bytes.HasPrefix(line, []byte(trialPrefix)), bytes.HasPrefix(line, []byte(planPrefix)):
		l.comment = append(l.comment[:0], bytes.TrimRight(line, "\r\n")...)
		return []byte("Benchmark" + commentMark + " 1 0 x\n")
	case line[0] == '\n':
		l.blank = l.read
	case bytes.HasPrefix(line, []byte(seriesPrefix)) && (l.keep || bytes.HasPrefix(line[len(seriesPrefix):], []byte(slicesName+" "))):
		l.series = append(l.series, bytes.Clone(bytes.TrimRight(line[len(seriesPrefix):], "\r\n")))
		return []byte("\n")
	case line[0] == '#':
		return []byte("\n")
	case line[0] != 'B' && line[0] != 'U':
		l.config = true
	}
	return line
}

// readLine returns a line with its line break; with io.EOF what was left of
// the file after the last one.
func (l *lineReader) readLine() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	return nil, fmt.Errorf("longer than %d bytes", l.in.Size())
}
