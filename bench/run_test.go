package bench

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunWritesThePlan(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	sum, err := r.Run(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Summary{Total: 20, Done: 20, Ran: 20}, sum); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(planned(r.Plan), identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
	text, _ := os.ReadFile(path)
	t.Logf("%s", text[:3000])
}
