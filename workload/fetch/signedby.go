package fetch

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

// signedBy finds the keys that the machine trusts for a source, from where
// apt says the source was read: "FILE:N", N being the line in a one-line file
// and the stanza in a deb822 one. apt itself does not tell ("indextargets" has
// no such field). "" means that none is named, and apt's trusted keys count.
func signedBy(entry string) string {
	i := strings.LastIndex(entry, ":")
	if i < 0 {
		return ""
	}
	n, err := strconv.Atoi(entry[i+1:])
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(entry[:i])
	if err != nil {
		return ""
	}
	if strings.HasSuffix(entry[:i], ".sources") {
		return stanzaField(string(text), n, "signed-by")
	}
	return optionOf(string(text), n)
}

// stanzaField gives a field of the nth stanza, further lines included: a key
// may stand in the file itself.
func stanzaField(text string, n int, name string) string {
	var value []string
	inField, stanza, blank := false, 0, true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "":
			blank, inField = true, false
			continue
		case line[0] == '#':
			continue
		case blank:
			blank = false
			stanza++
		}
		if line[0] != ' ' && line[0] != '\t' {
			key, rest, _ := strings.Cut(line, ":")
			inField = stanza == n && strings.EqualFold(key, name)
			line = strings.TrimSpace(rest)
		}
		if inField {
			value = append(value, line)
		}
	}
	return strings.Join(value, "\n")
}

var signedByOption = regexp.MustCompile(`^\s*deb\s+\[[^\]]*\bsigned-by=([^\s\]]+)`)

// optionOf gives the option of the nth line of a one-line file.
func optionOf(text string, n int) string {
	lines := strings.Split(text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	if m := signedByOption.FindStringSubmatch(lines[n-1]); m != nil {
		return strings.ReplaceAll(m[1], ",", " ")
	}
	return ""
}
