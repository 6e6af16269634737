package main

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"tlsbench/results"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// newStrategyCommand writes the skeleton of a fix of one's own.
type newStrategyCommand struct {
	Name string `arg:"" help:"The name, such as my-fix: letters, digits and hyphens."`
	Dir  string `placeholder:"DIR" help:"Folder to write to, instead of a new folder of that name."`
}

//go:embed skeleton
var skeletons embed.FS

// strategyName is what tables, file names and C all bear. A number at the end
// would be taken for a number of processors in benchmark names.
var strategyName = regexp.MustCompile(`^[a-z]([a-z0-9]*-)*[a-z0-9]*[a-z][a-z0-9]*$|^[a-z]$`)

// skeleton is what the templates are filled with.
type skeleton struct {
	Name string
	File string // without an ending; an underscore for each hyphen
}

// Run writes the files, and says what comes next.
func (c *newStrategyCommand) Run(s *session) error {
	if !strategyName.MatchString(c.Name) || len(c.Name) > 40 {
		return refuse("strategy name %q: want lower-case letters, digits and hyphens, a letter first, no bare number after a hyphen, and at most 40 characters", c.Name)
	}
	if _, taken := catalogue.Find(c.Name); taken || c.Name == "all" {
		return refuse("strategy name %q: the suite already has a strategy of that name; choose another", c.Name)
	}
	sk := skeleton{c.Name, strings.ReplaceAll(c.Name, "-", "_")}
	dir := cmp.Or(c.Dir, sk.File)
	if err := sk.write(dir); err != nil {
		return &refusal{Err: fmt.Errorf("new strategy %s: %w", c.Name, err)}
	}
	object := "./" + filepath.Join(dir, sk.File+".so")
	if filepath.IsAbs(dir) {
		object = filepath.Join(dir, sk.File+".so")
	}
	fmt.Fprintf(s.stdout, "%s\n%s\n%s\n\n", filepath.Join(dir, sk.File+".c"), filepath.Join(dir, "strategy.h"), filepath.Join(dir, "Makefile"))
	show(s.stdout, page.Text("Fill in the marked places in the C file: what the handlers do, and which functions of OpenSSL they need. Then:"))
	fmt.Fprintf(s.stdout, "\n  make -C %s\n  tlsbench probe --strategy none,%s\n  tlsbench try %[2]s\n", dir, object)
	return nil
}

// write makes the files; none that is there is touched.
func (sk skeleton) write(dir string) error {
	header, err := strategies.Source.ReadFile("strategy.h")
	if err != nil {
		return err
	}
	templates, err := template.ParseFS(skeletons, "skeleton/*.tmpl")
	if err != nil {
		return err
	}
	files := map[string][]byte{"strategy.h": header}
	for name, of := range map[string]string{sk.File + ".c": "strategy.c.tmpl", "Makefile": "Makefile.tmpl"} {
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, of, sk); err != nil {
			return err
		}
		files[name] = b.Bytes()
	}
	if err := outfile.Way(filepath.Join(dir, "Makefile")); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name := range files {
		if err := outfile.Absent(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%w, or a folder with --dir", err)
		}
	}
	for name, content := range files {
		err := outfile.New(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tryCommand screens a fix of one's own.
type tryCommand struct {
	Fix string `arg:"" help:"The fix: a shared object such as ./my_fix/my_fix.so, or a strategy of the suite."`
	buildFlags
	Hazard   []string      `placeholder:"NAME" help:"Hazards, instead of all; see tlsbench list hazard."`
	Rounds   rounds        `placeholder:"N" default:"1" help:"Trials of each cell (${default}), or auto."`
	Duration time.Duration `placeholder:"TIME" default:"500ms" help:"Length of each trial (${default})."`
	Seed     uint64        `placeholder:"N" help:"Seed of the order and of the bad peers; drawn and printed if not given."`
	Output   string        `short:"o" placeholder:"FILE" help:"Results file; a dated name in the current folder by default."`
	JSON     bool          `name:"json" help:"Print the comparison as JSON."`
	Quiet    bool          `short:"q" help:"Say nothing of how the run goes on; only what came out."`
}

// sharingRun is the command that a fix's path completes.
const sharingRun = "tlsbench run --measure sharing --load memory --hazard all --rounds 1 --openssl 3.6,4.0 --strategy "

// Run carries out the screening: it is a run, and its file is one of tlsbench run.
func (c *tryCommand) Run(s *session) error {
	r, left, err := c.screening()
	if err != nil {
		return err
	}
	return r.run(s, func(j *job, summary *results.Comparison) (*page.Document, error) {
		set, err := results.ReadFiles(j.path)
		if err != nil {
			return nil, err
		}
		doc := page.Screening(summary, set.Trials, j.plan.Spec.Strategies[0].Name())
		if len(left) > 0 {
			doc.Add(page.Text("Not tried, because " + catalogue.NegativeControl + " is expected to fail there too: " + results.JoinHazards(left)))
		}
		doc.Add(page.Text("A screening finds frequent damage only. Which memory workers share under the fix is seen without luck by:"),
			page.Code(sharingRun+c.Fix))
		return doc, nil
	})
}

// screening is the run, and the hazards that are left out of it because they say
// nothing about a fix.
func (c *tryCommand) screening() (*runCommand, []string, error) {
	r := &runCommand{
		buildFlags: c.buildFlags, Strategy: []string{c.Fix, catalogue.NegativeControl}, Hazard: c.Hazard, Measure: []string{"corruption"},
		Preset: "quick", Rounds: c.Rounds, Duration: c.Duration, Seed: c.Seed,
		resultFlags: resultFlags{Output: c.Output, JSON: c.JSON, Quiet: c.Quiet},
	}
	if len(c.Hazard) > 0 {
		return r, nil, nil
	}
	builds, err := c.find()
	var left []string
	for _, hazard := range results.AllHazards() {
		if slices.ContainsFunc(builds, func(b openssl.Build) bool { return results.HurtsOracle(hazard, b.Version) }) {
			left = append(left, hazard)
		} else {
			r.Hazard = append(r.Hazard, hazard)
		}
	}
	return r, left, err
}
