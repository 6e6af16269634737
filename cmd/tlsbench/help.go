package main

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tlsbench/results/page"
)

//go:embed topics
var topicFiles embed.FS

// helpCommand explains a command or a topic.
type helpCommand struct {
	Topic []string `arg:"" optional:"" help:"A command, such as openssl fetch, or one of the topics: ${topics}."`
}

// Run prints the help.
func (c *helpCommand) Run(s *session) error {
	if len(c.Topic) == 1 {
		text, err := topicFiles.ReadFile(path.Join("topics", c.Topic[0]+".txt"))
		if err == nil {
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
		return &refusal{err}
	}
	if len(command) == 0 {
		fmt.Fprintln(s.stdout)
		return show(s.stdout, page.Text("Topics of tlsbench help: "+strings.Join(topics(), ", ")))
	}
	return nil
}

// topics lists the texts there are.
func topics() []string {
	files, err := fs.Glob(topicFiles, "topics/*.txt")
	if err != nil {
		return nil
	}
	var list []string
	for _, f := range files {
		list = append(list, strings.TrimSuffix(path.Base(f), ".txt"))
	}
	return list
}
