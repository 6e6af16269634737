package openssl

// Listed is one build, or a place that should hold one and why it does not.
type Listed struct {
	Name   string // what --openssl takes
	Source Source
	Build  Build
	Err    error
}

// List tells of every build there is to choose from: the system's, all of the
// cache, and the folders given. Nothing is loaded or run; what only the
// library itself can tell is left to the rig.
func List(folders []string, opt FindOptions) ([]Listed, error) {
	f, err := newFinder(opt)
	if err != nil {
		return nil, err
	}
	return f.list(folders), nil
}

func (f *finder) list(folders []string) []Listed {
	var all []Listed
	add := func(name string, source Source, b Build, err error) {
		all = append(all, Listed{name, source, b, err})
	}
	b, err := f.system()
	add("system", System, b, err)
	for _, line := range f.lines() {
		b, err := f.line(line)
		add(line, Cache, b, err)
	}
	for _, folder := range folders {
		b, err := f.folder(folder)
		add(folder, Folder, b, err)
	}
	return all
}
