package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/openssl"
)

// doctorCommand looks at the machine. It never changes anything.
type doctorCommand struct {
	OpensslDir string `placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched builds, instead of the user's cache folder."`
	JSON       bool   `name:"json" help:"Print as JSON."`
}

// diagnosis is what the doctor found.
type diagnosis struct {
	Machine []fact        `json:"machine"`
	OpenSSL []listedBuild `json:"openssl"`
	Tools   []fact        `json:"tools"`
	Hazards []fact        `json:"hazards"` // those that need something of the machine
	Advice  []string      `json:"advice,omitempty"`
}

// fact is one line of it.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

// Run looks around and reports.
func (c *doctorCommand) Run(s *session) error {
	if err := checkFolder("openssl-dir", c.OpensslDir, false); err != nil {
		return err
	}
	d := diagnosis{Machine: machineFacts(), Tools: toolFacts(s.ctx), Hazards: hazardFacts()}
	var err error
	if d.OpenSSL, err = askAll(s.ctx, nil, c.OpensslDir); err != nil {
		return err
	}
	runs := slices.ContainsFunc(d.OpenSSL, func(b listedBuild) bool { return b.Error == "" })
	d.advise(runs)
	doc := page.Document{Parts: d.parts(), Data: d}
	err = doc.Write(s.stdout, form(c.JSON))
	if err == nil && !runs {
		err = errors.New("the rig cannot run on this machine")
	}
	return err
}

const unknown = "unknown"

func machineFacts() []fact {
	m := bench.ThisMachine()
	cpu := fact{Name: "cpu", Value: fmt.Sprintf("%d x %s", m.Cores, m.CPU)}
	if m.Cores < 2 {
		cpu.Note = "with one core workers only take turns, so damage is rarer"
	}
	load, steal := fact{Name: "load", Value: unknown}, fact{Name: "steal", Value: unknown}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		load.tellLoad(fs, m.Cores)
		steal.tellSteal(fs)
	}
	return []fact{
		cpu,
		{"kernel", m.Kernel, ""},
		{"memory", m.Memory, ""},
		{"libc", m.Libc, ""},
		load, steal,
		governorFact(m.Governor),
		{"huge pages", m.THP, ""},
		limitFact("processes", unix.RLIMIT_NPROC, results.MaxWorkers+64, "-u"),
		limitFact("open files", unix.RLIMIT_NOFILE, 256, "-n"),
		limitFact("address space", unix.RLIMIT_AS, 2<<30, "-v"),
	}
}

func (f *fact) tellLoad(fs procfs.FS, cores int) {
	load, err := fs.LoadAvg()
	if err != nil {
		return
	}
	f.Value = fmt.Sprintf("%.2f, %.2f, %.2f (1, 5, 15 minutes)", load.Load1, load.Load5, load.Load15)
	if load.Load1 > 0.5*float64(cores) {
		f.Note = "other work is running: throughput will scatter"
	}
}

// tellSteal is about virtual machines: time that the host gave to others.
func (f *fact) tellSteal(fs procfs.FS) {
	stat, err := fs.Stat()
	all := workload.TotalCPU(stat.CPUTotal)
	if err != nil || all == 0 {
		return
	}
	part := stat.CPUTotal.Steal / all
	f.Value = fmt.Sprintf("%.2f %% of processor time since boot", 100*part)
	if part > 0.01 {
		f.Note = "the host runs other machines on this processor: throughput will scatter"
	}
}

func governorFact(governor string) fact {
	f := fact{Name: "governor", Value: governor}
	switch governor {
	case "performance":
	case unknown:
		f.Value = "not visible (usual in virtual machines)"
	default:
		f.Note = "the clock changes with the load; governor performance keeps it constant"
	}
	return f
}

// limitFact reads a resource limit and says if it is short.
func limitFact(name string, resource int, enough uint64, flag string) fact {
	f := fact{Name: name, Value: unknown}
	var l unix.Rlimit
	if unix.Getrlimit(resource, &l) != nil {
		return f
	}
	f.Value = "no limit"
	if l.Cur != unix.RLIM_INFINITY {
		f.Value = fmt.Sprintf("at most %d", l.Cur)
	}
	if l.Cur < enough {
		f.Note = "short for many workers: raise it with ulimit " + flag
	}
	return f
}

// hazardFacts says of each hazard with a real neighbour whether the system's
// OpenSSL can have it.
func hazardFacts() []fact {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		return nil // no OpenSSL: said elsewhere
	}
	var list []fact
	for _, h := range results.Hazards() {
		if h.Needs == "" {
			continue
		}
		f := fact{Name: h.Name, Value: "can run"}
		lacks, err := workload.Lacks(h.Name, builds[0])
		if err != nil {
			lacks = err.Error()
		}
		if lacks != "" {
			f.Value, f.Note = "", lacks
		}
		list = append(list, f)
	}
	return list
}

// toolFacts lists programs that something here needs. What is missing has no
// value.
func toolFacts(ctx context.Context) []fact {
	compiler := fact{Name: "C compiler", Note: "to build tlsbench and custom strategies"}
	for _, name := range []string{"cc", "gcc", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			compiler.Value = firstLine(ctx, path, "--version")
			break
		}
	}
	list := []fact{compiler}
	for _, name := range []string{"apt-get", "dpkg", "dpkg-deb"} {
		f := fact{Name: name, Note: "for tlsbench openssl fetch"}
		if path, err := exec.LookPath(name); err == nil {
			f.Value = path
		}
		list = append(list, f)
	}
	return list
}

// firstLine is what a program says first, or its path if it says nothing.
func firstLine(ctx context.Context, path string, args ...string) string {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = io.Discard
	out, err := keeper.Output(cmd)
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return path
	}
	return line
}

// advise names what is missing, and what brings it: apt-get's line where there is
// apt-get, and what to look for elsewhere.
func (d *diagnosis) advise(runs bool) {
	missing := map[string]bool{}
	for _, t := range d.Tools {
		missing[t.Name] = t.Value == ""
	}
	add := func(what, packages, elsewhere string) {
		how := "apt-get install " + packages
		if missing["apt-get"] {
			how = "install with this system's package manager: " + elsewhere
		}
		d.Advice = append(d.Advice, what+": "+how)
	}
	if !runs {
		add("no OpenSSL that the rig can use", "openssl", "OpenSSL 1.1.1 or later")
	}
	if missing["C compiler"] {
		add("no C compiler", "gcc libc6-dev", "a C compiler with the C library's headers")
	}
	switch {
	case missing["apt-get"]:
		d.Advice = append(d.Advice, "tlsbench openssl fetch needs Debian or Ubuntu; name other builds with --openssl DIR")
	case missing["dpkg"] || missing["dpkg-deb"]:
		add("tlsbench openssl fetch lacks programs", "dpkg", "")
	case len(d.OpenSSL) <= 1:
		d.Advice = append(d.Advice, "to get more OpenSSL builds: tlsbench openssl fetch")
	}
}

func (d *diagnosis) parts() []page.Part {
	var builds, tools page.List
	for _, b := range d.OpenSSL {
		if b.Error != "" {
			builds = append(builds, item(b.Name, alarm(b.Error)))
			continue
		}
		builds = append(builds, item(b.Name, fmt.Sprintf("%s, on glibc %s: the rig runs", b.Version, b.Glibc), home(b.Libcrypto)))
	}
	for _, f := range d.Tools {
		tools = append(tools, item(f.Name, cmp.Or(f.Value, alarm("not found")), "("+f.Note+")"))
	}
	parts := []page.Part{page.Heading{Level: 2, Text: "machine"}, factList(d.Machine), page.Heading{Level: 2, Text: "openssl"}, builds,
		page.Heading{Level: 2, Text: "tools"}, tools, page.Heading{Level: 2, Text: "hazards with third-party libraries"}, factList(d.Hazards),
		page.Heading{Level: 2, Text: "missing"}}
	if len(d.Advice) == 0 {
		return append(parts, page.Text("nothing"))
	}
	for _, a := range d.Advice {
		parts = append(parts, page.Text(a))
	}
	return parts
}

func factList(facts []fact) page.List {
	var list page.List
	for _, f := range facts {
		list = append(list, item(f.Name, f.Value, alarm(f.Note)))
	}
	return list
}

// alarm marks what a person should look at; nothing stays nothing.
func alarm(text string) string {
	if text == "" {
		return ""
	}
	return "! " + text
}
