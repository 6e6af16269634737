package main

import (
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"tlsbench/bench/selftest"
	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/daemon"
	"tlsbench/workload/openssl"
)

// completionCommand tells the user's shell to ask this program for completions.
type completionCommand struct{ kongcompletion.Completion }

// Run prints what the shell has to be told.
func (c *completionCommand) Run(ctx *kong.Context) error {
	if err := c.Completion.Run(ctx); err != nil {
		return refuse("%w: choose from bash, zsh, fish", err)
	}
	return nil
}

// completes answers the shell, if it is the shell that asks: COMP_LINE is the
// line so far.
func (s *session) completes(parser *kong.Kong) (bool, error) {
	if os.Getenv("COMP_LINE") == "" {
		return false, nil
	}
	command, err := kongcompletion.Command(parser)
	if err != nil {
		return true, err
	}
	addValues(command, flagValues())
	answer := complete.New("tlsbench", command)
	answer.Out = s.stdout
	return answer.Complete(), nil
}

// flagValues lists the values of flags by the flag's name. Parameters are left out:
// shells take a colon for the end of a word.
func flagValues() map[string][]string {
	values := map[string][]string{
		"baseline": catalogue.Names(), "broken": results.Texts(selftest.Strategies),
		"openssl": append([]string{"system", "all"}, openssl.Lines...), "daemon": append([]string{"all"}, daemon.ReleaseNames()...),
	}
	for _, c := range everything() {
		values[c.Flag] = c.names()
	}
	values["hazard"] = append([]string{"all"}, values["hazard"]...)
	return values
}

// addValues gives flags their values, and arguments those that are no files.
func addValues(command complete.Command, values map[string][]string) {
	for flag := range command.GlobalFlags {
		if list, ok := values[strings.TrimLeft(flag, "-")]; ok {
			command.GlobalFlags[flag] = listOf(list)
		}
	}
	for name, sub := range command.Sub {
		switch name {
		case "fetch":
			sub.Args = listOf(append([]string{"all"}, openssl.Lines...))
		case "try":
			sub.Args = listOf(values["strategy"])
		case "help":
			sub.Args = listOf(append(topics(), commandNames()...))
		}
		addValues(sub, values)
		command.Sub[name] = sub
	}
}

// listOf completes the last name of a list by comma.
func listOf(names []string) complete.Predictor {
	return complete.PredictFunc(func(a complete.Args) []string {
		done := a.Last[:strings.LastIndex(a.Last, ",")+1]
		var list []string
		for _, name := range names {
			if !slices.Contains(strings.Split(done, ","), name) {
				list = append(list, done+name)
			}
		}
		return list
	})
}
