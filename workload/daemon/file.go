package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"tlsbench/results"
)

// file is a results file that is being appended to.
type file struct{ f *os.File }

// createFile makes a new one. A file that is there already is left alone.
func createFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, errThere(path)
	}
	if err != nil {
		return nil, fmt.Errorf("create results file: %w", err)
	}
	return lock(f)
}

// IsNew refuses the name of a results file that is there already.
func IsNew(path string) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("create results file: %w", err)
	}
	return errThere(path)
}

func errThere(path string) error {
	return fmt.Errorf("results file %s is there already: resume it, or choose another name", path)
}

// openFile opens one to go on with it, and cuts what a crash tore.
func openFile(path string, whole int64) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open results file: %w", err)
	}
	out, err := lock(f)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(whole); err != nil {
		return nil, errors.Join(fmt.Errorf("cut the torn end of %s: %w", path, err), f.Close())
	}
	return out, nil
}

// lock keeps a second run off the file. The kernel drops it with the process.
// File systems that know no locks go without.
func lock(f *os.File) (*file, error) {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("results file %s is being written by another process", f.Name()), f.Close())
	}
	return &file{f}, nil
}

// add appends a header or a trial, and returns when it is on the disk. After an
// error the file ends where it ended before.
func (f *file) add(v any) error {
	line, err := results.AppendField(nil, v)
	if err != nil {
		return err
	}
	end, err := f.f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("append to results file: %w", err)
	}
	if _, err = f.f.Write(line); err == nil {
		err = f.f.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("append to results file: %w", err), f.f.Truncate(end))
	}
	return nil
}

func (f *file) close() error { return f.f.Close() }
