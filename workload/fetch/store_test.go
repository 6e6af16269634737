package fetch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// put makes a small tree in a store.
func put(t *testing.T, s Store, text string) {
	t.Helper()
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put("x", func(tree string) (*Manifest, error) {
		if err := os.WriteFile(filepath.Join(tree, "a"), []byte(text), 0o644); err != nil {
			return nil, err
		}
		return &Manifest{Packages: []Package{{"a", "1"}}}, os.Symlink("a", filepath.Join(tree, "b"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A cache folder that was made for everybody is closed; a folder that a user
// named stays as it is.
func TestCacheFolderIsClosed(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	base, own := filepath.Join(cache, "tlsbench"), filepath.Join(t.TempDir(), "own")
	for dir, want := range map[string]fs.FileMode{filepath.Join(base, "field"): 0o700, own: 0o755} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		unlock, err := Store{Dir: dir}.Lock(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", dir, info.Mode(), err, want)
		}
	}
	if info, err := os.Stat(base); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v; want 0700", base, info.Mode(), err)
	}
}

// Folders that another user could have filled are refused, for reading too.
func TestForeignCacheFolders(t *testing.T) {
	const nobody = 65534
	mine := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "store")
		put(t, Store{dir}, "one")
		return dir
	}
	for name, tc := range map[string]struct {
		root bool // it takes root to make it
		make func(t *testing.T) (dir string, err error)
		want string
	}{
		"open to all": {false, func(t *testing.T) (string, error) { dir := mine(t); return dir, os.Chmod(dir, 0o777) }, "every user can write to it"},
		"sticky": {false, func(t *testing.T) (string, error) {
			dir := mine(t)
			return dir, os.Chmod(dir, 0o777|fs.ModeSticky)
		}, "every user can write to it"},
		"another's": {true, func(t *testing.T) (string, error) { dir := mine(t); return dir, os.Chown(dir, nobody, nobody) }, "belongs to another user"},
		"another's link": {true, func(t *testing.T) (string, error) {
			link := filepath.Join(t.TempDir(), "link")
			return link, errors.Join(os.Symlink(mine(t), link), os.Lchown(link, nobody, nobody))
		}, "belongs to another user"},
		"own link": {false, func(t *testing.T) (string, error) {
			link := filepath.Join(t.TempDir(), "link")
			return link, os.Symlink(mine(t), link)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.root && os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			dir, err := tc.make(t)
			if err != nil {
				t.Fatal(err)
			}
			s := Store{dir}
			unlock, lockErr := s.Lock(t.Context(), nil)
			if lockErr == nil {
				unlock()
			}
			_, verifyErr := s.Verify("x")
			for what, err := range map[string]error{"fetch": lockErr, "use": verifyErr} {
				if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
					t.Errorf("%s: error %v, want %q", what, err, tc.want)
				}
			}
		})
	}
}

func TestVerifyNoticesDamage(t *testing.T) {
	for name, harm := range map[string]func(s Store) error{
		"changed": func(s Store) error { return os.WriteFile(s.Tree("x")+"/a", []byte("onE"), 0o644) },
		"cut":     func(s Store) error { return os.Truncate(s.Tree("x")+"/a", 1) },
		"missing": func(s Store) error { return os.Remove(s.Tree("x") + "/a") },
		"link moved": func(s Store) error {
			return errors.Join(os.Remove(s.Tree("x")+"/b"), os.Symlink("c", s.Tree("x")+"/b"))
		},
		"file for a link": func(s Store) error {
			return errors.Join(os.Remove(s.Tree("x")+"/b"), os.WriteFile(s.Tree("x")+"/b", []byte("one"), 0o644))
		},
		"no manifest":     func(s Store) error { return os.Remove(s.Dir + "/x/manifest.json") },
		"half a manifest": func(s Store) error { return os.Truncate(s.Dir+"/x/manifest.json", 40) },
		"empty manifest":  func(s Store) error { return os.WriteFile(s.Dir+"/x/manifest.json", []byte("{}"), 0o600) },
		"manifest of later": func(s Store) error {
			return os.WriteFile(s.Dir+"/x/manifest.json", []byte(`{"layout":99,"files":{"a":""}}`), 0o600)
		},
	} {
		s := Store{t.TempDir()}
		put(t, s, "one")
		if m, err := s.Verify("x"); err != nil || m.Package("a").Version != "1" {
			t.Fatalf("%s: before: %+v, %v", name, m, err)
		}
		if err := harm(s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify("x"); err == nil || errors.Is(err, fs.ErrNotExist) && name != "missing" {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := (Store{t.TempDir()}).Verify("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: error %v", err)
	}
}

func TestPutReplacesOnlyWithWhatIsWhole(t *testing.T) {
	s := Store{t.TempDir()}
	put(t, s, "one")
	put(t, s, "two")
	broken := errors.New("broken")
	_, err := s.Put("x", func(tree string) (*Manifest, error) {
		return nil, errors.Join(os.WriteFile(filepath.Join(tree, "a"), []byte("three"), 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(s.Tree("x") + "/a"); err != nil || string(text) != "two" {
		t.Errorf("holds %q, %v; want what was whole last", text, err)
	}
	st, err := os.Stat(filepath.Join(s.Dir, "x"))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v; want 0700", st.Mode(), err)
	}
	if diff := cmp.Diff([]string{"x"}, names(t, s.Dir)); diff != "" {
		t.Errorf("left in the store (-want +got):\n%s", diff)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestLockKeepsOthersOutAndSweeps(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "deep", "store")}
	unlock, err := s.Lock(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, ".new-123", "tree"), 0o700); err != nil {
		t.Fatal(err)
	}
	waits := 0
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(short, func() { waits++ }); !errors.Is(err, context.DeadlineExceeded) || waits != 1 {
		t.Errorf("a second lock: error %v after %d notices", err, waits)
	}
	unlock()
	unlock, err = s.Lock(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if diff := cmp.Diff([]string{".lock"}, names(t, s.Dir)); diff != "" {
		t.Errorf("left by the one before (-want +got):\n%s", diff)
	}
}
