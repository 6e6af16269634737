package fetch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What apt-get's messages come down to.
var (
	ErrOffline  = errors.New("the archive cannot be reached")
	ErrGone     = errors.New("not on this machine's mirror (moved to the archive of old releases?)")
	ErrExpired  = errors.New("its index is past its Valid-Until date")
	ErrUnsigned = errors.New("its signature cannot be verified with this machine's keys (is the archive keyring package up to date?)")
	ErrPackage  = errors.New("no such package in it")
	ErrDownload = errors.New("what was downloaded is not what the index promises")
)

// aptMessages are looked for in this order: with a key missing or an index
// expired apt also says that the repository "is not signed" or "failed to
// fetch".
var aptMessages = []struct {
	pattern *regexp.Regexp
	means   error
}{
	{regexp.MustCompile(`is expired \(invalid since|Release file .* is expired`), ErrExpired},
	{regexp.MustCompile(`NO_PUBKEY|EXPKEYSIG|BADSIG|KEYEXPIRED|REVKEYSIG|Missing key|signatures? (couldn't|could not) be verified|signatures were invalid`), ErrUnsigned},
	{regexp.MustCompile(`does not have a Release file|no longer has a Release file|404 +Not Found`), ErrGone},
	{regexp.MustCompile(`Hash Sum mismatch|Size mismatch|unexpected size|Hashes of (received|expected) file`), ErrDownload},
	{regexp.MustCompile(`Could not resolve|Temporary failure resolving|Could not connect|Unable to connect|Cannot initiate the connection|Network is unreachable|[Cc]onnection (timed out|failed|refused)|No route to host`), ErrOffline},
	{regexp.MustCompile(`Unable to locate package|has no installation candidate|Can't select candidate version|Couldn't find any package`), ErrPackage},
	{regexp.MustCompile(`is not signed`), ErrUnsigned},
}

// explain makes one line of what apt-get printed. The kind can be asked for
// with errors.Is; apt's own words are kept where there is no kind for them.
func explain(what, out string, err error) error {
	for _, m := range aptMessages {
		if m.pattern.MatchString(out) {
			return fmt.Errorf("%s: %w", what, m.means)
		}
	}
	return fmt.Errorf("%s: %w: %s", what, err, aptError(out))
}

// aptError gives the first error that apt-get printed, else its last line.
func aptError(out string) string {
	for _, prefix := range []string{"E: ", "dpkg-deb: error: ", "W: "} {
		for line := range strings.Lines(out) {
			if text, ok := strings.CutPrefix(line, prefix); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return lastLine(out)
}
