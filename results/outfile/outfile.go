// Package outfile writes a document whole or not at all. What had the name
// before stays until all of the new one is on the disk, so neither a full disk
// nor a kill leaves half of it. Results files are measurements: nothing is ever
// written over one. (Runs append to them through a writer of their own.)
package outfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// RefusalError says that nothing was written, because of what the user named.
type RefusalError struct {
	Path string
	Why  string
}

func (e *RefusalError) Error() string { return fmt.Sprintf("write %s: %s", e.Path, e.Why) }

// Write replaces the file, or makes it, readable by its owner alone. It refuses
// what Check refuses.
func Write(path string, write func(io.Writer) error, inputs ...string) error {
	if err := Check(path, inputs...); err != nil {
		return err
	}
	return put(path, write, func(from string) error { return os.Rename(from, path) })
}

// New is Write for a file that is not there yet. If another process makes one of
// that name meanwhile, that one stays.
func New(path string, write func(io.Writer) error) error {
	if err := Absent(path); err != nil {
		return err
	}
	return put(path, write, func(from string) error {
		err := os.Link(from, path)
		if errors.Is(err, fs.ErrExist) {
			return errors.Join(Absent(path), os.Remove(from))
		}
		if err != nil {
			return os.Rename(from, path) // a file system without links
		}
		return os.Remove(from)
	})
}

// Absent refuses a name that is taken.
func Absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return &RefusalError{path, "it already exists: choose another name"}
	}
	return folder(path)
}

// Untaken refuses the name of a results file to be made where it is taken.
func Untaken(path string) error {
	st, err := os.Stat(path)
	switch _, gone := os.Lstat(path); {
	case gone != nil:
		return nil
	case err == nil && st.IsDir():
		return fmt.Errorf("results file %s is a folder: give the name of a file in it", path)
	}
	return fmt.Errorf("results file %s already exists: resume it, or choose another name", path)
}

// Check refuses what must not be replaced: a results file, one of the inputs of
// the document, another user's file, and whatever is not a plain file, such as a
// link. Call it before work is done for the document.
func Check(path string, inputs ...string) error {
	if err := folder(path); err != nil {
		return err
	}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &RefusalError{path, errText(err)}
	}
	switch {
	case st.IsDir():
		return &RefusalError{path, "it is a folder: name a file in it"}
	case st.Mode()&fs.ModeSymlink != 0:
		return &RefusalError{path, "it is a link, and links are not followed: name the file itself"}
	case !st.Mode().IsRegular():
		return &RefusalError{path, "it is not a plain file: leave -o out to write to the output"}
	case int(owner(st)) != os.Geteuid():
		return &RefusalError{path, fmt.Sprintf("it belongs to another user (%d): choose another name", owner(st))}
	}
	for _, input := range inputs {
		if other, err := os.Stat(input); err == nil && os.SameFile(st, other) {
			return &RefusalError{path, "it is one of the files that are read: choose another name"}
		}
	}
	measured, err := holdsResults(path)
	if err != nil {
		return &RefusalError{path, errText(err)}
	}
	if measured {
		return &RefusalError{path, "it is a results file, which is never replaced: choose another name"}
	}
	return nil
}

// folder refuses a way to the file that is not there or closed, or that Way refuses.
func folder(path string) error {
	dir := filepath.Dir(path)
	if st, err := os.Stat(dir); err != nil {
		return &RefusalError{path, errText(err)}
	} else if !st.IsDir() {
		return &RefusalError{path, dir + " is not a folder"}
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &RefusalError{path, fmt.Sprintf("folder %s: %v", dir, err)}
	}
	return Way(path)
}

// Way refuses a file that is reached through a link which another user put into a
// folder for all, such as /tmp. What is not there yet is nobody's link.
func Way(path string) error {
	at, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		link, err := os.Lstat(at)
		if err != nil || link.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		in, err := os.Stat(filepath.Dir(at))
		if err != nil || in.Mode()&fs.ModeSticky == 0 || in.Mode().Perm()&0o022 == 0 {
			continue
		}
		if by := owner(link); int(by) != os.Geteuid() && by != owner(in) {
			return &RefusalError{path, fmt.Sprintf("%s is a link of another user (%d) in a folder for all: choose another folder", at, by)}
		}
	}
	return nil
}

func owner(st fs.FileInfo) uint32 { return st.Sys().(*syscall.Stat_t).Uid }

// errText is what the system said, without the path that appears before it.
func errText(err error) string {
	var known *fs.PathError
	if errors.As(err, &known) {
		return known.Err.Error()
	}
	return err.Error()
}

// sniffed is how much of a file is looked at: a plan of hundreds of strategies
// is one long line.
const sniffed = 8 << 20

// holdsResults reports whether a file has a line that only results files have.
// A report holds whole results files in its page, so it is looked at by its own
// beginning. Markdown may show lines of go test, and a results file a note on top.
func holdsResults(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	in := bufio.NewScanner(io.LimitReader(f, sniffed))
	in.Buffer(nil, sniffed+1)
	marks := []string{"#plan ", "#trial ", "Benchmark"}
	for first := true; in.Scan(); first = false {
		line := in.Bytes()
		if first && bytes.HasPrefix(line, []byte("<")) {
			return false, nil // a page
		}
		if first && bytes.HasPrefix(line, []byte("# ")) {
			marks = marks[:2]
		}
		for _, mark := range marks {
			if bytes.HasPrefix(line, []byte(mark)) {
				return true, nil
			}
		}
	}
	return false, in.Err()
}

// put fills a file next to the path, waits for the disk, and gives it its name.
func put(path string, write func(io.Writer) error, name func(from string) error) (err error) {
	f, err := unnamed(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
		var known *fs.PathError
		if errors.As(err, &known) && known.Path == f.Name() {
			err = known.Err // a file without a name is of no use in a message
		}
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	if err := write(out); err != nil {
		return errors.Join(err, f.discard())
	}
	if err := errors.Join(out.Flush(), f.Sync()); err != nil {
		return errors.Join(err, f.discard())
	}
	from, err := f.named(path)
	if err != nil {
		return errors.Join(err, f.discard())
	}
	if err := name(from); err != nil {
		return errors.Join(err, os.Remove(from))
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// temporary is a file that is being filled. It has no name at all where the file
// system can do that: nothing is left of it then, however the program ends.
type temporary struct {
	*os.File
	hidden bool // it has no name yet
}

func unnamed(dir string) (*temporary, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return &temporary{os.NewFile(uintptr(fd), dir), true}, nil
	}
	f, err := os.CreateTemp(dir, ".tlsbench-*.new")
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return &temporary{f, false}, nil
}

// named gives the file a name next to the path.
func (t *temporary) named(path string) (string, error) {
	if !t.hidden {
		return t.Name(), nil
	}
	from := filepath.Join(filepath.Dir(path), fmt.Sprintf(".tlsbench-%d-%s.new", os.Getpid(), filepath.Base(path)))
	if err := os.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process of that number, killed just here
		return "", err
	}
	err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", t.Fd()), unix.AT_FDCWD, from, unix.AT_SYMLINK_FOLLOW)
	return from, err
}

func (t *temporary) discard() error {
	if t.hidden {
		return nil
	}
	return os.Remove(t.Name())
}

// syncFolder makes a new name outlast a power cut. Some file systems cannot do
// that for a folder, which is not a reason to refuse to work there.
func syncFolder(path string) {
	if dir, err := os.Open(path); err == nil {
		dir.Sync()
		dir.Close()
	}
}
