package house

import (
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tlsbench"

// rooms says which of the project's packages a folder and those below it may
// import; the longest folder that fits a file decides. A folder that is not
// here may import everything. A name with an = before it is that package alone,
// without those below it.
var rooms = map[string][]string{
	// Files and numbers only: they work on a machine without OpenSSL.
	// The catalogue of strategies is plain data: names, order and looks of tables
	// and figures are its rows.
	"results":       {"results", rows},
	"results/event": {},
	versions:        {},
	"plots":         {"plots", "results", rows},
	// A fix is read and tried without what runs under it.
	"strategies":           {rows},
	"strategies/catalogue": {},
	// One trial, whatever it is a trial of. What a trial and its record must agree
	// on, such as the kinds of events, is written once, below both.
	"workload": {"workload", "strategies", "=results", events, versions},
	// Whoever makes a folder or starts a server has it kept: it goes with this process.
	"workload/keeper":     {"workload/keeper"},
	"workload/sharedlib":  {"workload/keeper", "workload/sharedlib", versions},
	"workload/fetch":      {"workload/fetch", "workload/keeper", "workload/sharedlib", versions},
	"workload/openssl":    {"workload/openssl", "workload/fetch", "workload/sharedlib", versions},
	"workload/peers":      {"workload/peers"},
	"workload/rig":        {"strategies", "workload/rig", events},
	"workload/neighbours": {"workload/keeper", "workload/neighbours", "workload/fetch", "workload/openssl", "workload/peers", "workload/sharedlib", versions},
	// Experiments, whoever looks at them.
	"bench": {"bench", "workload", "strategies", "results"},
}

// rows is the catalogue of strategies, which holds no C.
const rows = "strategies/catalogue"

// events are the names of what detectors notice. A room that only notices takes
// them alone: it is not to be compiled again whenever a table changes.
const events = "results/event"

// versions is their order. It is the same where a build is chosen and where its
// trials are listed.
const versions = "results/version"

// statistics is arithmetic alone: any test may judge numbers with it.
const statistics = "results/inference"

// processless are the rooms that start nothing and hold no C.
var processless = []string{"results", "plots", rows}

func TestImports(t *testing.T) {
	set := token.NewFileSet()
	for _, file := range sources(t, ".go") {
		for _, spec := range parse(t, set, file, parser.ImportsOnly).Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := refused(file, name); why != "" {
				t.Errorf("%s imports %s: %s", file, name, why)
			}
		}
	}
}

// refused says why a file may not import a package, "" if it may.
func refused(file, name string) string {
	for _, room := range processless {
		program := strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "plots/browsertest/")
		if within(file, room) && !program && (name == "C" || name == "os/exec") {
			return room + " works on files alone"
		}
	}
	own, isOwn := strings.CutPrefix(name, module+"/")
	room, allowed := roomOf(file)
	if !isOwn || room == "" {
		return ""
	}
	if strings.HasSuffix(file, "_test.go") {
		allowed = append(slices.Clip(allowed), statistics)
	}
	for _, folder := range allowed {
		if exact, ok := strings.CutPrefix(folder, "="); own == exact && ok || within(own, folder) {
			return ""
		}
	}
	return room + " may know of " + strings.Join(append(allowed, "no other"), ", ")
}

func roomOf(file string) (string, []string) {
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		if allowed, ok := rooms[folder]; ok {
			return folder, allowed
		}
	}
	return "", nil
}

func within(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		file, imported string
		refused        bool
	}{
		{"results/cell.go", "tlsbench/workload/openssl", true},
		{"results/cell.go", "tlsbench/results/inference", false},
		{"results/cell.go", "os/exec", true},
		{"plots/svg.go", "tlsbench/bench", true},
		{"plots/svg.go", "C", true},
		{"plots/theme.go", "tlsbench/strategies/catalogue", false},
		{"plots/theme.go", "tlsbench/strategies", true},
		{"strategies/catalogue/catalogue.go", "C", true},
		{"strategies/strategies.go", "tlsbench/workload", true},
		{"workload/rig/block.go", "tlsbench/workload", true},
		{"workload/trial.go", "tlsbench/workload/rig", false},
		{"workload/trial.go", "tlsbench/workloads", true},
		{"workload/fork_test.go", "tlsbench/results/inference", false},
		{"workload/fork.go", "tlsbench/results/inference", true},
		{"workload/trial.go", "tlsbench/results", false},
		{"workload/rig/read.go", "tlsbench/results", true},
		{"workload/rig/read.go", "tlsbench/results/event", false},
		{"workload/daemon/trial.go", "tlsbench/results/page", true},
		{"cmd/tlsbench/run.go", "tlsbench/plots", false},
	} {
		if why := refused(tc.file, tc.imported); (why != "") != tc.refused {
			t.Errorf("%s importing %s: %q", tc.file, tc.imported, why)
		}
	}
}
