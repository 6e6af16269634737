// Command publish makes the published figures and the README's results from
// the raw data in results/data. Run it from the root of the repository:
//
//	go run ./plots/publish
package main

import (
	"fmt"
	"os"

	"tlsbench/plots/report"
)

func main() {
	if err := report.Publish("."); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}
