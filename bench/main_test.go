package bench

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"tlsbench/results"
)

// TestMain makes the output of benchmarks a results file: configuration and
// Unit lines come before the first of them. package testing adds goos, goarch,
// pkg and cpu.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		header := results.Header{Config: ThisMachine().config()}
		if err := results.NewWriter(os.Stdout).Header(header); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
