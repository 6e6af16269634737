package event

import (
	"path"
	"slices"
	"strings"
)

// RacedBlock is inherited memory that two processes write without a common
// lock, or that one writes so while others read it. Processes are workers by
// number; rank 0 is -1, and the children that worker 0 forks are -2, those of
// worker 1 are -3, and so on.
type RacedBlock struct {
	// Site is where it was allocated: OpenSSL's source file and line where the
	// call brings them, then the functions, innermost first.
	Site string `json:"site"`
	Size uint64 `json:"size"` // bytes
	// Behind is where rank 0 had it right before the first fork: a pthread key,
	// or a variable of a library.
	Behind    string       `json:"behind,omitempty"`
	ReadRaced bool         `json:"read_raced,omitempty"` // one process writes, others read
	Writers   []int        `json:"writers"`
	Readers   []int        `json:"readers,omitempty"`
	Writes    []RacedWrite `json:"writes,omitempty"`
	// Sampled says that counts are too low: the block was left open from time to
	// time.
	Sampled bool `json:"sampled,omitempty"`
}

// RacedWrite is a place in the code that wrote a raced block.
type RacedWrite struct {
	Site  string `json:"site"` // function or offset, then its callers
	By    []int  `json:"by"`
	Count uint64 `json:"count"`
	How   string `json:"how,omitempty"` // atomic, locked, free, kernel, read
}

// objects name what a block is: by the source file that its site begins with,
// else by a function that was under way.
var objects = []struct {
	what     string
	files    []string
	function string
}{
	{"error queue", []string{"err.c", "err_blocks.c", "err_local.h"}, ""},
	{"list of what is to be done at a thread's end", []string{"initthread.c", "init.c"}, ""},
	{"table of thread-local values", []string{"threads_common.c", "sparse_array.c"}, ""},
	{"random generator", []string{"drbg.c", "drbg_ctr.c", "drbg_lib.c", "drbg_hash.c", "rand_lib.c"}, "RAND_"},
}

// Object says what a block is, "" where its site does not tell.
func (b *RacedBlock) Object() string {
	file, _, named := strings.Cut(b.Site, ":")
	for _, o := range objects {
		if named && slices.Contains(o.files, path.Base(file)) || o.function != "" && strings.Contains(b.Site, o.function) {
			return o.what
		}
	}
	// The error state itself is allocated without a source file from 3.2 on.
	if named = named && !strings.Contains(file, " "); !named && strings.Contains(b.Site, "< ERR_") {
		return objects[0].what
	}
	return ""
}

// Key tells a block from others of the same build: addresses differ from
// trial to trial, sites do not.
func (b *RacedBlock) Key() string {
	if b.ReadRaced {
		return "read: " + b.Site
	}
	return b.Site
}

// Place is where a block was allocated: the line of the source where the site begins
// with one, whoever the caller was, else the whole site.
func (b *RacedBlock) Place() string {
	if line, _, _ := strings.Cut(b.Site, " "); strings.Contains(line, ":") {
		return line
	}
	return b.Site
}
