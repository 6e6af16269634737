// Command publish makes the published figures and the README's results from
// the raw data in results/data. Run it from the root of the repository:
//
//	go run ./plots/publish
package main

import (
	"fmt"
	"os"

	"tlsbench/plots"
)

func main() {
	if err := plots.Publish("."); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}
