package openssl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tlsbench/workload/fetch"
)

// Lines are the lines of OpenSSL that Fetch knows, oldest first.
var Lines = []string{"1.1.1", "3.0", "3.5", "3.6", "4.0"}

// release is where a distribution has a line.
type release struct {
	suites  []string
	library string // package
}

// releases names, for each distribution and line, the releases to take it
// from, in order of preference. Development releases move on to the next line
// in time; what they have is compared with the line after unpacking.
var releases = map[string]map[string][]release{
	"debian": {
		"1.1.1": {{fetch.Suites("bullseye"), "libssl1.1"}},
		"3.0":   {{fetch.Suites("bookworm"), "libssl3"}},
		"3.5":   {{fetch.Suites("trixie"), "libssl3t64"}},
		"3.6":   {{fetch.Suites("sid"), "libssl3t64"}},
		// apt takes from experimental only what sid lacks (its Release file
		// says NotAutomatic), so libc6 is sid's.
		"4.0": {{[]string{"experimental", "sid"}, "libssl4"}},
	},
	"ubuntu": {
		"1.1.1": {{fetch.Suites("focal"), "libssl1.1"}},
		"3.0":   {{fetch.Suites("jammy"), "libssl3"}},
		"3.5":   {{fetch.Suites("resolute"), "libssl3t64"}},
	},
}

var errNoLine = errors.New("no release of it has this line; bring a build yourself and name its folder with --openssl DIR")

// releasesOf gives the places to take a line from.
func releasesOf(distro, line string) ([]release, error) {
	if all := releases[distro][line]; len(all) > 0 {
		return all, nil
	}
	return nil, fmt.Errorf("%s: %w", distro, errNoLine)
}

// parseLines checks the lines asked for; none, or "all", is every line.
func parseLines(names []string) ([]string, error) {
	if len(names) == 0 || slices.Contains(names, "all") {
		return Lines, nil
	}
	var lines []string
	for _, name := range names {
		if !slices.Contains(Lines, name) {
			return nil, fmt.Errorf("fetch openssl %q: not a line; choose from %s, all", name, strings.Join(Lines, ", "))
		}
		if !slices.Contains(lines, name) {
			lines = append(lines, name)
		}
	}
	return lines, nil
}
