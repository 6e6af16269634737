package bench

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// Build is an OpenSSL under test and the name it has in benchmark names.
type Build struct {
	// Label stands after openssl= in names: the library's own version, with a
	// short suffix where a plan has two builds of one version.
	Label string `json:"label"`
	// Digest is the SHA-256 of libcrypto, libssl and, where the build brings
	// one, the loader. It, and not the path, is what makes a build the same
	// one on another machine or another day.
	Digest        string `json:"digest"`
	openssl.Build `json:"library"`
}

// buildFields is Build without its JSON methods.
type buildFields Build

// MarshalJSON writes the build with portable paths: a published file names no
// one's home.
func (b Build) MarshalJSON() ([]byte, error) {
	b.Build = b.Build.Portable()
	return json.Marshal(buildFields(b))
}

// UnmarshalJSON reads what MarshalJSON wrote, for this user.
func (b *Build) UnmarshalJSON(text []byte) error {
	var f buildFields
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*b = Build(f)
	b.Build = b.Build.Local()
	return nil
}

// NewBuilds reads the builds' files and gives each its digest and label.
func NewBuilds(list []openssl.Build) ([]Build, error) {
	var out []Build
	count := make(map[string]int)
	for _, lib := range list {
		digest, err := buildDigest(lib)
		if err != nil {
			return nil, refuse(fmt.Errorf("openssl build %s: %w", lib.Name, err))
		}
		out = append(out, Build{Label: lib.Version, Digest: digest, Build: lib})
		count[lib.Version]++
	}
	for i, b := range out {
		if count[b.Label] > 1 {
			// From the content, so that the name does not depend on which
			// other build is there.
			out[i].Label += "-" + b.Digest[:4]
		}
	}
	return out, nil
}

func buildDigest(b openssl.Build) (string, error) {
	files := []string{b.Libcrypto, b.Libssl}
	if b.Loader != "" {
		files = append(files, b.Loader)
	}
	return sharedlib.Digest(files...)
}

// Name returns what appears in benchmark names.
func (b Build) Name() string { return b.Label }

// String names the build for a message: by label and content.
func (b Build) String() string { return b.Label + " (sha256 " + results.ShortDigest(b.Digest) + ")" }

// What a shared object exports, and where in it the name is: behind the number of
// the ABI. See strategy.h.
const (
	exported = "tlsbench_strategy"
	nameAt   = 8
)

// NewStrategy reads a user's shared object, if the choice is one, and returns
// the strategy with its digest, under the name that its struct has. What gives
// none keeps the base name of its file; the rig says what is wrong with it.
func NewStrategy(c catalogue.Choice) (results.Strategy, error) {
	s := results.Strategy{Choice: c}
	if c.Path == "" {
		return s, nil
	}
	object, err := sharedlib.Read(c.Path)
	if err == nil {
		s.Digest, err = sharedlib.Digest(c.Path)
	}
	name := ""
	if err == nil {
		name, err = object.Text(exported, nameAt)
	}
	if err != nil {
		return results.Strategy{}, refuse(fmt.Errorf("strategy %s: %w", c.Name, err))
	}
	s.Choice.Name = cmp.Or(name, c.Name)
	return s, nil
}

// CheckFiles refuses a plan whose libraries are no longer those it was made
// with, such as after an upgrade of the system.
func (s Spec) CheckFiles() error {
	for _, b := range s.Builds {
		if b.Digest == "" {
			continue // made by hand: nothing is known of its files
		}
		now, err := buildDigest(b.Build)
		if err != nil {
			return fmt.Errorf("openssl build %s: %w", b.Label, err)
		}
		if now != b.Digest {
			return fmt.Errorf("openssl build %s: %s or a file that belongs to it has changed since the plan was made: sha256 was %s, is %s",
				b.Label, b.Build.Libcrypto, results.ShortDigest(b.Digest), results.ShortDigest(now))
		}
	}
	for _, c := range s.own() {
		now, err := sharedlib.Digest(c.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("strategy %s: no %s next to the results file or in this folder; name it with --strategy DIR/%[2]s", c.Name(), filepath.Base(c.Path))
		}
		if err != nil {
			return fmt.Errorf("strategy %s: %w", c.Name(), err)
		}
		if now != c.Digest {
			return fmt.Errorf("strategy %s: %s has changed since the plan was made: sha256 was %s, is %s",
				c.Name(), c.Path, results.ShortDigest(c.Digest), results.ShortDigest(now))
		}
	}
	return nil
}

// own lists the strategies that are a user's own shared objects, for reading and
// for changing.
func (s Spec) own() []*results.Strategy {
	var list []*results.Strategy
	for _, strategies := range [][]results.Strategy{s.Strategies, s.Duet.Against} {
		for i := range strategies {
			if strategies[i].Path != "" {
				list = append(list, &strategies[i])
			}
		}
	}
	return list
}

// Locate says where the shared objects of a plan lie that a results file names
// without their folder: in any of some files, if one has the same content.
func (p *Plan) Locate(files ...string) {
	for _, c := range p.Spec.own() {
		for _, file := range files {
			path, err := filepath.Abs(file) // a loader looks elsewhere for a bare name
			if err != nil {
				continue
			}
			if digest, err := sharedlib.Digest(path); err == nil && digest == c.Digest {
				c.Path = path
				break
			}
		}
	}
}
