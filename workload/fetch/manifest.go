package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// manifestLayout goes up when a tree made by an older program is of no use.
const manifestLayout = 1

// Manifest says what a tree holds, and by what it can be verified.
type Manifest struct {
	Layout   int               `json:"layout"`
	Suites   []string          `json:"suites"`
	Packages []Package         `json:"packages"`
	Notes    []string          `json:"notes,omitempty"`
	Files    map[string]string `json:"files"` // path: "sha256:..." or "link:target"
}

// Package is one unpacked package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (p Package) String() string { return p.Name + " " + p.Version }

// Version gives the version of a package of the tree, "" if it is not there.
func (m *Manifest) Version(name string) string {
	for _, p := range m.Packages {
		if p.Name == name {
			return p.Version
		}
	}
	return ""
}

// list notes all files below root.
func (m *Manifest) list(root string) error {
	m.Layout, m.Files = manifestLayout, map[string]string{}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		m.Files[name], err = mark(path)
		return err
	})
}

// verify compares the files below root with the manifest. Files that are not
// in it do not matter.
func (m *Manifest) verify(root string) error {
	if m.Layout != manifestLayout || len(m.Files) == 0 {
		return fmt.Errorf("verify %s: its manifest has layout %d with %d files, want layout %d", root, m.Layout, len(m.Files), manifestLayout)
	}
	for name, want := range m.Files {
		have, err := mark(filepath.Join(root, name))
		if err != nil {
			return fmt.Errorf("verify %s: %w", root, err)
		}
		if have != want {
			return fmt.Errorf("verify %s: %s is not what was unpacked", root, name)
		}
	}
	return nil
}

// mark is what a file is known by.
func mark(path string) (string, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return "link:" + target, err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is neither a file nor a link", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func (m *Manifest) write(path string) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

func readManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read %s: %s", path, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return m, nil
}
