package results

import (
	"fmt"
	"os"
)

// Set is some results files read whole. For files of any size use Reader.
type Set struct {
	Files  []File
	Trials []*Trial // in the order of the files; each knows its File
}

// File is what is known of one file of a Set apart from its trials.
type File struct {
	Name   string
	Header Header
	Torn   bool // its end was cut off; see Reader.Torn
}

// ReadFiles reads results files. Errors have the form "file: line N: ...".
func ReadFiles(paths ...string) (*Set, error) {
	set := new(Set)
	for _, path := range paths {
		file, err := scanFile(path, func(_ string, t *Trial) { set.Trials = append(set.Trials, t.Clone()) })
		if err != nil {
			return nil, err
		}
		set.Files = append(set.Files, file)
	}
	return set, nil
}

// HasDaemons reports whether a results file is one of daemons, with the rig
// beside them. It says no to what cannot be read: whoever reads it says why.
func HasDaemons(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r := NewReader(f, path)
	r.Scan()
	return r.Header().Get(DaemonsKey) != ""
}

// scanFile calls each with every trial of a file and its benchmark name. The
// trial is the reader's own: it changes with the next call.
func scanFile(path string, each func(name string, t *Trial)) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("read results: %w", err)
	}
	defer f.Close()
	r := NewReader(f, path)
	n := 0
	for r.Scan() {
		n++
		each(r.bench0, &r.trial)
	}
	if err := r.Err(); err != nil {
		return File{}, err
	}
	if n == 0 && r.Header().Plan == nil {
		return File{}, fmt.Errorf("%s: no trials: not a results file, or an empty one", path)
	}
	return File{Name: path, Header: r.Header(), Torn: r.Torn()}, nil
}
