package fetch

import (
	"errors"
	"strings"
	"testing"

	"tlsbench/workload/fetch/fetchtest"
)

func TestExplain(t *testing.T) {
	failed := errors.New("exit status 100")
	for out, want := range map[string]error{
		fetchtest.Expired: ErrExpired,
		fetchtest.NoKey:   ErrUnsigned,
		fetchtest.Offline: ErrOffline,
		"E: The repository 'http://m.test/debian nosuch Release' does not have a Release file.\n":                                       ErrGone,
		"E: Unable to locate package libssl9\n":                                                                                         ErrPackage,
		"E: Can't select candidate version from package debconf-2.0 as it has no candidate\n":                                           ErrPackage,
		"E: Failed to fetch http://m.test/libssl3.deb  Hash Sum mismatch\n   Hashes of expected file:\n":                                ErrDownload,
		"E: Failed to fetch http://m.test/InRelease  Could not connect to m.test:80 (192.0.2.1). - connect (111: Connection refused)\n": ErrOffline,
		"Reading package lists...\nE: Malformed entry 1 in list file\nE: more\n":                                                        failed,
	} {
		err := explain("suite sid", out, failed)
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "suite sid: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q\nbecame %q, want one line about %q", out, err, want)
		}
	}
	if err := explain("suite sid", "E: Malformed entry 1\nE: more\n", failed); !strings.HasSuffix(err.Error(), ": Malformed entry 1") {
		t.Errorf("apt's own words were lost: %v", err)
	}
}
