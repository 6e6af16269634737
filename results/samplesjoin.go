package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// JoinSamples writes a new samples file with the distributions of others, as
// they are: those of the shards of one plan, whose trials are numbered through.
// A trial that is in two of them is refused. Torn last lines are left out. A
// file of that name is not overwritten, and after an error there is none.
func JoinSamples(path string, parts ...string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("samples file %s is there already: move it away, or choose another name for the results", path)
	}
	if err != nil {
		return fmt.Errorf("create samples file: %w", err)
	}
	s := &SamplesFile{f}
	err = s.join(parts)
	if err == nil {
		err = s.Sync()
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func (s *SamplesFile) join(parts []string) error {
	if err := s.begin(); err != nil {
		return err
	}
	out := bufio.NewWriter(s.f)
	owner := map[int]string{} // trial: file
	for _, part := range parts {
		if err := copySamples(out, part, owner); err != nil {
			return err
		}
	}
	return out.Flush()
}

// copySamples copies whole lines, without the header.
func copySamples(out *bufio.Writer, path string, owner map[int]string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil // what there is of a line is torn
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		rest, ok := strings.CutPrefix(line, "Tag=")
		if !ok {
			continue // header
		}
		tag, _, _ := strings.Cut(rest, ",")
		sample, err := parseSample(tag)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		if other, ok := owner[sample.Trial]; ok && other != path {
			return fmt.Errorf("samples of trial %d are both in %s and in %s", sample.Trial, other, path)
		}
		owner[sample.Trial] = path
		if _, err := out.WriteString(line); err != nil {
			return err
		}
	}
}

// wholeLines leaves out a torn last line, of a run that was killed.
func wholeLines(r io.Reader) (io.Reader, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read samples file: %w", err)
	}
	return bytes.NewReader(data[:bytes.LastIndexByte(data, '\n')+1]), nil
}
