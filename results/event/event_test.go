package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every constant that names a kind is in the list once, with a word.
func TestKindsAreWhole(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var named, listed []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type != nil || len(spec.Values) != 1 {
			return true
		}
		if text, ok := spec.Values[0].(*ast.BasicLit); ok {
			name, _ := strconv.Unquote(text.Value)
			named = append(named, name)
		}
		return true
	})
	for _, k := range Kinds {
		listed = append(listed, k.Name)
		if !slices.Contains(Words, k.Word) || k.Summary == "" {
			t.Errorf("%s has the word %q and the summary %q", k.Name, k.Word, k.Summary)
		}
	}
	slices.Sort(named)
	slices.Sort(listed)
	if diff := cmp.Diff(named, listed); diff != "" || len(named) == 0 {
		t.Errorf("constants (-) and list (+) differ:\n%s", diff)
	}
}

func TestWords(t *testing.T) {
	counts := map[string]uint64{LostSlot: 2, DoubleFree: 1, Crash: 1, Hang: 0, "stolen-socket": 1}
	if diff := cmp.Diff([]Word{Crashed, Corrupt, Collateral}, WordsOf(counts)); diff != "" {
		t.Error(diff)
	}
	if n := PassiveCount(counts); n != 2 {
		t.Errorf("%d passive events, want the double free and the crash", n)
	}
}
