package sharedlib

import (
	"cmp"
	"strconv"
	"strings"
)

// CompareVersions orders version numbers of OpenSSL and glibc: number by
// number, then the letter of OpenSSL's old scheme (1.1.1 < 1.1.1a < 1.1.1w).
// A pre-release (4.0.0-beta1) comes before its release. The empty version
// comes first.
func CompareVersions(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	aCore, aPre, aIsPre := strings.Cut(a, "-")
	bCore, bPre, bIsPre := strings.Cut(b, "-")
	if c := compareParts(strings.Split(aCore, "."), strings.Split(bCore, ".")); c != 0 {
		return c
	}
	if aIsPre != bIsPre {
		if aIsPre {
			return -1
		}
		return 1
	}
	return cmp.Compare(aPre, bPre)
}

func compareParts(a, b []string) int {
	for i := 0; i < max(len(a), len(b)); i++ {
		an, al := splitPart(a, i)
		bn, bl := splitPart(b, i)
		if c := cmp.Or(cmp.Compare(an, bn), cmp.Compare(al, bl)); c != 0 {
			return c
		}
	}
	return 0
}

// splitPart splits "1w" into 1 and "w". A part that is missing is 0.
func splitPart(parts []string, i int) (int, string) {
	if i >= len(parts) {
		return 0, ""
	}
	digits := strings.TrimRight(parts[i], "abcdefghijklmnopqrstuvwxyz+")
	n, _ := strconv.Atoi(digits)
	return n, parts[i][len(digits):]
}
