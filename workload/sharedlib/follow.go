package sharedlib

import (
	"path/filepath"
	"slices"
)

// Closure is everything that some shared objects need, glibc itself left out.
type Closure struct {
	Objects []*Object // the roots first
	Glibc   string    // newest release that any of them needs
	Folders []string  // those of the given ones that something came from
	Unmet   []Unmet   // needed and not found
}

// Unmet is a library that was found nowhere.
type Unmet struct {
	Soname string
	By     string // the file that needs it
}

// Follow reads what roots need, and what that needs. Libraries are looked up
// in dirs first, then on the system; a nil system leaves it at dirs.
func Follow(roots []*Object, dirs []string, system *Linker) (Closure, error) {
	c := Closure{Objects: slices.Clone(roots)}
	seen := map[string]bool{}
	for _, o := range roots {
		seen[o.Soname] = true
	}
	for i := 0; i < len(c.Objects); i++ { // grows as it goes
		o := c.Objects[i]
		if CompareVersions(o.Glibc, c.Glibc) > 0 {
			c.Glibc = o.Glibc
		}
		for _, soname := range o.Needed {
			if seen[soname] || glibcFamily.MatchString(soname) {
				continue
			}
			seen[soname] = true
			if err := c.add(soname, o.Path, dirs, system); err != nil {
				return Closure{}, err
			}
		}
	}
	return c, nil
}

func (c *Closure) add(soname, by string, dirs []string, system *Linker) error {
	path := ""
	for _, dir := range dirs {
		if file := filepath.Join(dir, soname); Fits(file) {
			path = file
			if !slices.Contains(c.Folders, dir) {
				c.Folders = append(c.Folders, dir)
			}
			break
		}
	}
	if path == "" && system != nil {
		path = system.Lookup(soname)
	}
	if path == "" {
		c.Unmet = append(c.Unmet, Unmet{soname, by})
		return nil
	}
	o, err := Read(path)
	if err != nil {
		return err
	}
	c.Objects = append(c.Objects, o)
	return nil
}
