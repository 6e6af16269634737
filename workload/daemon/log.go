package daemon

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tlsbench/results/event"
)

// logEntry is a line of the daemon's log that reports damage or a note.
type logEntry struct {
	kind   string // of event, or one of the notes below
	detail string
}

// Notes are not events: the preload object reports its own progress with them. They
// are what its lines begin with, but for noteSetUp.
const (
	noteSettingUp     = "setting up " // it has begun: what follows is the strategy's doing
	noteNotApplicable = "not applicable: "
	noteSkipped       = "skipped: "
	noteRefused       = "failed: "
	noteActed         = "acted: " // the hazard happened in a process
	noteSetUp         = "set-up"  // any other line
)

var notes = []string{noteSettingUp, noteNotApplicable, noteSkipped, noteRefused, noteActed}

// damage reports whether the entry is an event.
func (f logEntry) damage() bool { return f.kind != noteSetUp && !slices.Contains(notes, f.kind) }

// preloadMark begins the preload object's lines; see inject/preload.c.
const preloadMark = "tlsbench-preload: "

// damage is how the daemon's messages tell of damage: its memory manager's and
// its main process's. The patterns fit those of all packaged versions.
var damage = []struct {
	pattern *regexp.Regexp
	kind    string
}{
	{regexp.MustCompile(`(?i)already freed`), event.DoubleFree},
	{regexp.MustCompile(`(?i)\boverwritten\b`), event.Overrun},
	{regexp.MustCompile(`(?i)out of memory block|bad pointer`), event.WildFree},
	{regexp.MustCompile(`(?i)child process [0-9]+ exited by a signal`), event.Crash},
}

// maxDetail bounds what is kept of a line.
const maxDetail = 200

// readLine says what a line of the log tells; false if nothing of interest.
func readLine(line string) (logEntry, bool) {
	line = strings.TrimSpace(strings.ToValidUTF8(line, "?"))
	if _, said, ok := strings.Cut(line, preloadMark); ok {
		return readPreload(said), true
	}
	for _, d := range damage {
		if d.pattern.MatchString(line) {
			return logEntry{d.kind, shorten(message(line))}, true
		}
	}
	return logEntry{}, false
}

// readPreload reads what comes after the mark.
func readPreload(said string) logEntry {
	if rest, ok := strings.CutPrefix(said, "event "); ok {
		kind, detail, _ := strings.Cut(rest, ": ")
		if slices.ContainsFunc(event.Kinds, func(k event.Kind) bool { return k.Name == kind }) {
			return logEntry{kind, shorten(detail)}
		}
	}
	for _, note := range notes {
		if rest, ok := strings.CutPrefix(said, note); ok {
			return logEntry{note, shorten(rest)}
		}
	}
	return logEntry{noteSetUp, shorten(said)}
}

// prefix is what appears before the message: process, level, module, place.
var prefix = regexp.MustCompile(`^.*?\[[^]]*:[0-9]+\]: `)

func message(line string) string {
	rest := prefix.ReplaceAllString(line, "")
	if rest == "" {
		return line
	}
	return rest
}

func shorten(s string) string {
	if len(s) > maxDetail {
		return strings.ToValidUTF8(s[:maxDetail], "") + "..."
	}
	return s
}

// tailLines is how much is kept of the end of a log.
const tailLines = 12

// endOf gives the last n lines of a log in one.
func endOf(lines []string, n int) string {
	if len(lines) == 0 {
		return "its log is empty"
	}
	return fmt.Sprintf("its log ends with: %s", strings.Join(lines[max(0, len(lines)-n):], " | "))
}
