package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/results/outfile"
)

// file is a results file that is being appended to. It knows how long it is and
// when it was written last, so that it notices when somebody else changes it,
// and can take back a write that failed half-way.
type file struct {
	f       *os.File
	path    string
	size    int64
	written time.Time
}

// createFile makes a new results file that holds the header. A file that is
// there already is left alone, and one that cannot take the header is removed.
// It names the machine and its libraries, so its owner alone may read it.
func createFile(path string, header []byte) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("results file %s already exists: resume it, or choose another name", path)
	}
	if err != nil {
		return nil, fmt.Errorf("create results file: %w", err)
	}
	out := &file{f: f, path: path}
	err = out.lock()
	if err == nil {
		_, err = out.Write(header)
	}
	if err == nil {
		outfile.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return out, nil
}

// openFile opens a results file to go on with it.
func openFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open results file: %w", err)
	}
	out := &file{f: f, path: path}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("open results file: %w", err)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("results file %s is not a regular file", path)
	default:
		out.size, out.written = info.Size(), info.ModTime()
		err = out.lock()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return out, nil
}

// lock keeps a second run off the file. The kernel drops the lock with the
// process, however it ends. File systems that know no locks go without.
func (f *file) lock() error {
	err := unix.Flock(int(f.f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("results file %s is being written by another process", f.path)
	}
	return nil
}

// verify refuses to go on with a file that somebody else changed.
func (f *file) verify() error {
	open, err := f.f.Stat()
	if err != nil {
		return fmt.Errorf("results file %s: %w", f.path, err)
	}
	named, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("results file %s was removed during the run", f.path)
	case err != nil:
		return fmt.Errorf("results file %s: %w", f.path, err)
	case !os.SameFile(open, named):
		return fmt.Errorf("results file %s was replaced by another during the run", f.path)
	case open.Size() != f.size:
		return fmt.Errorf("results file %s was changed during the run: it has %d bytes, but had %d after the last trial", f.path, open.Size(), f.size)
	case !open.ModTime().Equal(f.written) && f.size > 0:
		return fmt.Errorf("results file %s was changed during the run: something else wrote to it at %s",
			f.path, open.ModTime().Format("15:04:05.000"))
	}
	return nil
}

// remember notes when this process wrote last.
func (f *file) remember() error {
	info, err := f.f.Stat()
	if err == nil {
		f.written = info.ModTime()
	}
	return err
}

// Write appends p and returns when it is on the disk. After an error the file
// ends where it ended before.
func (f *file) Write(p []byte) (int, error) {
	if err := f.verify(); err != nil {
		return 0, err
	}
	n, err := f.f.Write(p)
	if err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		err = f.remember()
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("append to results file: %w", err), f.takeBack())
	}
	f.size += int64(n)
	return n, nil
}

func (f *file) takeBack() error {
	if err := f.f.Truncate(f.size); err != nil {
		return fmt.Errorf("remove the partly written last trial: %w", err)
	}
	return f.remember()
}

// cut shortens the file to what is good of it.
func (f *file) cut(size int64) error {
	if err := f.f.Truncate(size); err != nil {
		return fmt.Errorf("cut off the incomplete end of the results file: %w", err)
	}
	f.size = size
	return f.remember()
}

// reader reads the first n bytes.
func (f *file) reader(n int64) io.Reader { return io.NewSectionReader(f.f, 0, n) }

func (f *file) Close() error { return f.f.Close() }
