package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"tlsbench/bench"
	"tlsbench/results/page"
	"tlsbench/workload"
)

// grammar is all commands. The help texts are what "tlsbench help" shows; details
// has more.
type grammar struct {
	Version versionFlag `help:"Say which version this is, and end."`

	Run         runCommand         `cmd:"" help:"Compare strategies: trials in random order, a results file, a table."`
	Try         tryCommand         `cmd:"" help:"Screen a custom fix: every hazard that key-owner survives, and the controls, in about a minute and a half."`
	Probe       probeCommand       `cmd:"" help:"Show every thread-local key, its owner, and what each strategy does with it."`
	Trace       traceCommand       `cmd:"" help:"Show which inherited memory several processes write without a common lock."`
	Doctor      doctorCommand      `cmd:"" help:"Check this machine: what it has, what is missing, how to get it."`
	List        listCommand        `cmd:"" help:"List strategies, hazards, loads, heaps and all other choices."`
	Openssl     opensslCommand     `cmd:"" help:"Fetch OpenSSL builds besides the system's, and list them."`
	Compare     compareCommand     `cmd:"" help:"Compare the strategies in results files."`
	Check       checkCommand       `cmd:"" help:"Test claims on results files, for use in CI."`
	Plot        plotCommand        `cmd:"" help:"Draw the figures of results files, as SVG."`
	Report      reportCommand      `cmd:"" help:"Write a report page that holds figures, tables and the raw data."`
	Merge       mergeCommand       `cmd:"" help:"Join the results files of all shards of a run."`
	Selftest    selftestCommand    `cmd:"" help:"Test the detectors on known damage, and the suite on strategies that are known to be wrong."`
	NewStrategy newStrategyCommand `cmd:"" name:"new-strategy" help:"Write the skeleton of a custom strategy."`
	Field       fieldCommand       `cmd:"" help:"Run the strategies inside Debian's unchanged Kamailio and in the rig."`
	Completion  completionCommand  `cmd:"" help:"Complete commands, flags and names in bash, zsh and fish."`
	Help        helpCommand        `cmd:"" help:"Explain a command or a topic."`
}

// versionFlag answers wherever it stands, whatever else the line says.
type versionFlag bool

// BeforeReset prints the version: release and commit, and what built it.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	fmt.Fprintf(app.Stdout, "tlsbench %s (%s, %s/%s)\n", bench.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	app.Exit(0)
	return nil
}

// negative is a value that the parser took for a flag.
var negative = regexp.MustCompile(`(--[a-z-]+): expected .* but got "(-[^"]*)" \(short flag\).*`)

const description = `Measures the strategies that keep the workers of a preforked TLS server from
sharing OpenSSL's per-thread state. Lists in flags are separated by commas.`

// execute parses the arguments and runs the command that they name.
func (s *session) execute(args []string) error {
	helped := false
	parser, err := s.parser(&helped)
	if err != nil {
		return err
	}
	if done, err := s.completes(parser); done {
		return err
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil // whatever else was wrong with the line
	}
	if err != nil {
		return usageError(err, args)
	}
	for _, part := range parsed.Path {
		value, name := part.Positional, ""
		switch {
		case part.Flag != nil:
			value, name = part.Flag.Value, "--"+part.Flag.Name
			s.given = append(s.given, part.Flag.Name)
		case value != nil:
			name = "<" + value.Name + ">"
		default: // a command
			continue
		}
		if why := likeNone(value); why != "" {
			return refuse("%s: %s; see %s --help", name, why, parsed.Selected().FullPath())
		}
		if err := s.readable(value); err != nil {
			return err
		}
	}
	if parsed.Selected().Name != "doctor" { // which tells of limits
		if err := workload.RoomFor(0); err != nil {
			return refuse("%w", err)
		}
	}
	work := func() error { return parsed.Run(s) }
	if percent, ok := fileCommands[parsed.Selected().Name]; ok {
		debug.SetGCPercent(percent)
		return s.interruptible(work)
	}
	return work()
}

// fileCommands read files and write documents. Nothing is left of a document that
// was begun, so an interruption does not wait for it. A million trials leave much
// garbage: with these percentages of debug.SetGCPercent tables take an eighth less
// memory for little time, and a page and its pictures less time, as they have more room.
var fileCommands = map[string]int{"compare": 70, "check": 70, "merge": 70, "plot": 150, "report": 150}

// interruptible does what has nothing to end in good order.
func (s *session) interruptible(work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// likeNone says why a value that was given would be taken for one that was not, and
// so for the default: an empty one, as of a variable that is not set, or the 0 of a
// number that is 0 by default. A share that 0 stands for is of a type of its own.
func likeNone(v *kong.Value) string {
	target := v.Target
	switch target.Kind() {
	case reflect.String:
		if target.Len() > 0 {
			return ""
		}
	case reflect.Slice:
		if list, ok := target.Interface().([]string); target.Len() > 0 && !(ok && slices.Contains(list, "")) {
			return ""
		}
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		if !target.IsZero() || v.HasDefault && target.Type() != reflect.TypeFor[float64]() {
			return ""
		}
		return fmt.Sprintf("%v: want more than 0, or leave it out", target)
	default:
		return ""
	}
	return "it has an empty value"
}

// readers are the arguments that name files to be read.
var readers = []string{"file", "probe", "against"}

// readable has the standard input read where a file is named -. Files may be read
// twice, so it becomes one, without a name, and so does a pipe that has a name.
func (s *session) readable(v *kong.Value) error {
	files, ok := v.Target.Interface().([]string)
	if !ok || !slices.Contains(readers, v.Name) {
		return nil
	}
	for i, name := range files {
		var err error
		switch st, gone := os.Stat(name); {
		case name == "-":
			files[i], err = "/dev/stdin", s.keepInput()
		case gone == nil && st.Mode()&fs.ModeNamedPipe != 0:
			var file *os.File
			if file, err = s.kept(func() (io.Reader, error) { return os.Open(name) }); err == nil {
				files[i] = fmt.Sprintf("/dev/fd/%d", file.Fd())
			}
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil
}

// keepInput makes the standard input a file, if it is none.
func (s *session) keepInput() error {
	if f, ok := s.stdin.(*os.File); ok {
		if st, err := f.Stat(); err != nil || st.Mode().IsRegular() {
			return err
		}
	}
	file, err := s.kept(func() (io.Reader, error) { return s.stdin, nil })
	if err != nil {
		return err
	}
	return unix.Dup3(int(file.Fd()), 0, 0)
}

// maxInput is more than any results file has.
const maxInput = 1 << 30

// kept has in memory what there is to read, so that nothing is left of it however
// the program ends. An interruption ends the waiting for more.
func (s *session) kept(open func() (io.Reader, error)) (*os.File, error) {
	fd, err := unix.MemfdCreate("tlsbench-input", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "tlsbench-input")
	s.inputs = append(s.inputs, file)
	return file, s.interruptible(func() error {
		in, err := open()
		if err != nil {
			return err
		}
		if n, err := io.Copy(file, io.LimitReader(in, maxInput)); err != nil || n < maxInput {
			return err
		}
		return refuse("more than %d MiB: not a results file", maxInput>>20)
	})
}

// parser makes a parser that prints to the session and never exits. helped
// tells whether it was asked for help and gave it.
func (s *session) parser(helped *bool) (*kong.Kong, error) {
	parser, err := kong.New(new(grammar),
		kong.Name("tlsbench"), kong.Description(description),
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(int) { *helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: page.Width, NoExpandSubcommands: true}),
		choiceVars(),
	)
	if err != nil {
		return nil, err
	}
	for _, command := range parser.Model.Children {
		if text, err := details.ReadFile("details/" + command.Name + ".txt"); err == nil {
			command.Detail = string(text) // completion brings its own
		}
	}
	return parser, nil
}

// usageError says what is wrong with the arguments, and where help is.
func usageError(err error, args []string) error {
	var parse *kong.ParseError
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") && !slices.Contains(commandNames(), args[0]) {
		given := "no command given"
		if len(args) > 0 {
			given = fmt.Sprintf("unknown command %q", args[0])
		}
		return refuse("%s: choose from %s; see tlsbench help", given, strings.Join(commandNames(), ", "))
	}
	if !errors.As(err, &parse) || parse.Context == nil || parse.Context.Selected() == nil {
		return refuse("%w; see tlsbench help", err)
	}
	command := parse.Context.Selected().FullPath() // "tlsbench openssl fetch"
	if m := negative.FindStringSubmatch(err.Error()); m != nil {
		return refuse("%s %s: want a value that is not below 0; see %s --help", m[1], m[2], command)
	}
	return refuse("%w; see %s --help", err, command)
}

// commandNames lists the commands in the order of the grammar.
func commandNames() []string {
	model, err := kong.New(new(grammar), choiceVars())
	if err != nil {
		return []string{fmt.Sprintf("(%v)", err)}
	}
	var names []string
	for _, n := range model.Model.Children {
		names = append(names, n.Name)
	}
	return names
}

//go:embed topics
var topicFiles embed.FS

// details are what the help of a command shows above its flags.
//
//go:embed details
var details embed.FS

// helpCommand explains a command or a topic.
type helpCommand struct {
	Topic []string `arg:"" optional:"" help:"A command, such as openssl fetch, or one of the topics: ${topics}."`
}

// Run prints the help.
func (c *helpCommand) Run(s *session) error {
	if len(c.Topic) == 1 {
		if text, err := topicFiles.ReadFile("topics/" + c.Topic[0] + ".txt"); err == nil {
			_, err = s.stdout.Write(text)
			return err
		}
	}
	if len(c.Topic) > 0 && !slices.Contains(commandNames(), c.Topic[0]) {
		return refuse("no help on %q: choose from %s, or the commands %s", strings.Join(c.Topic, " "),
			strings.Join(topics(), ", "), strings.Join(commandNames(), ", "))
	}
	return s.commandHelp(c.Topic)
}

// commandHelp is what the parser says of a command, or of all.
func (s *session) commandHelp(command []string) error {
	helped := false
	parser, err := s.parser(&helped)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(append(slices.Clone(command), "--help")); err != nil && !helped {
		return &refusal{Err: err}
	}
	if len(command) == 0 {
		fmt.Fprintln(s.stdout)
		return show(s.stdout, page.Text("Topics of tlsbench help: "+strings.Join(topics(), ", ")))
	}
	return nil
}

// topics lists the texts there are.
func topics() []string {
	files, _ := fs.Glob(topicFiles, "topics/*.txt") // the one error is a bad pattern
	var list []string
	for _, f := range files {
		list = append(list, strings.TrimSuffix(path.Base(f), ".txt"))
	}
	return list
}
