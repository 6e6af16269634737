// Package version orders version numbers: those of OpenSSL, of releases and of
// whatever people build themselves, and of glibc and other libraries.
package version

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// before are the words of a version that is not released yet, oldest first.
var before = []string{"dev", "alpha", "beta", "pre", "rc"}

var (
	token = regexp.MustCompile(`[0-9]+|[A-Za-z]+`)
	zeros = regexp.MustCompile(`^([0-9.]*?)(?:\.0+)+([^0-9.]|$)`)
)

// Compare orders number by number (3.5.7, 3.10.0), then the letter of OpenSSL's
// old scheme (1.1.1, 1.1.1w). 4.1.0-dev comes before 4.1.0-alpha1, that before
// 4.1.0, and what a vendor adds (3.3.0+quic) comes after it. Numbers that are
// missing are 0; the empty version comes first.
func Compare(a, b string) int {
	return slices.CompareFunc(tokens(a), tokens(b), func(x, y string) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), compareToken(x, y))
	})
}

// tokens splits a version, and ends it with "", which has a rank too.
func tokens(v string) []string {
	return append(token.FindAllString(zeros.ReplaceAllString(v, "$1$2"), -1), "")
}

// rank puts words of a pre-release before the end of a version, other words after
// it, and numbers last.
func rank(token string) int {
	switch {
	case token == "":
		return 0
	case token[0] <= '9':
		return 2
	}
	if i := slices.Index(before, token); i >= 0 {
		return i - len(before)
	}
	return 1
}

func compareToken(x, y string) int {
	if rank(x) == 2 {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}
	return cmp.Compare(x, y)
}

// Line is the line of an OpenSSL version: 3.0 of 3.0.22, 4.1 of 4.1.0-dev, 1.1.1
// of 1.1.1w.
func Line(version string) string {
	if Of(version, "1.1.1") {
		return "1.1.1"
	}
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Of reports whether a version belongs to a line, which may be as short as 3 or
// as long as the version itself; "" is none.
func Of(version, line string) bool {
	rest, ok := strings.CutPrefix(version, line)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}
