// Command publish makes the published figures and the README's results from
// the raw data in results/data. Run it from the root of the repository:
//
//	go run ./plots/publish
//
// It refuses a set whose plans are not finished; -unfinished publishes it all the
// same, without the article of findings.
package main

import (
	"flag"
	"fmt"
	"os"

	"tlsbench/plots/report"
)

func main() {
	unfinished := flag.Bool("unfinished", false, "publish a set whose plans are not finished, without results/FINDINGS.md")
	flag.Parse()
	if err := report.Publish(".", *unfinished); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}
