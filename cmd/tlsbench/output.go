package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tlsbench/results/page"
)

// form is the format that a command's flags ask for.
func form(json, markdown bool) page.Format {
	switch {
	case json:
		return page.JSON
	case markdown:
		return page.Markdown
	}
	return page.Terminal
}

// show prints parts for a person to read.
func show(w io.Writer, parts ...page.Part) error {
	return (&page.Document{Parts: parts}).Write(w, page.Terminal)
}

// item is an entry of a list; texts that say nothing are left out.
func item(term string, texts ...string) page.Entry {
	e := page.Entry{Term: term}
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			e.Texts = append(e.Texts, t)
		}
	}
	return e
}

// isTerminal reports whether a person is likely to be looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
