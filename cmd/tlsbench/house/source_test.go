// Package house tests the rules that every file of the project keeps: which
// package may know which, how long files and functions may be, that the C takes
// nothing from OpenSSL's headers, that no input reaches a shell as code, and that
// the documents on adding a part can be followed as they stand.
//
// It has no code of its own; the rules are the tables of its tests.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder, seen from this package.
const root = "../../.."

// others are folders that are not this project's source: what was built, and
// what tests read.
var others = []string{".git", "bin", "testdata", "node_modules"}

// sources lists the project's files whose names end in one of the extensions,
// by slash-separated paths from the root.
func sources(t *testing.T, extensions ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(others, d.Name()) {
			return fs.SkipDir
		}
		if !d.IsDir() && slices.Contains(extensions, path.Ext(name)) {
			rel, err := filepath.Rel(root, name)
			files = append(files, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file ends in any of %v below %s", extensions, root)
	}
	return files
}

// read gives a file's lines.
func read(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// parse reads a Go file.
func parse(t *testing.T, set *token.FileSet, file string, mode parser.Mode) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(set, filepath.Join(root, file), nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
