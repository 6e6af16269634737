package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// starters are the rooms that see to the end of what they start.
var starters = []string{"workload/keeper", "workload/rig"}

// Whatever runs another program has it end with this one, by way of package keeper.
func TestHelpersAreKept(t *testing.T) {
	set := token.NewFileSet()
	for _, file := range sources(t, ".go") {
		dir := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(dir, "test") || slices.Contains(starters, dir) {
			continue
		}
		for _, call := range unkept(parse(t, set, file, 0)) {
			t.Errorf("%s: a program is run that would outlive this one: use keeper.Run or keeper.Output", set.Position(call.Pos()))
		}
	}
}

// unkept lists the calls that start commands, in a file that has any.
func unkept(f *ast.File) (found []ast.Node) {
	commands := func(s *ast.ImportSpec) bool { return s.Path.Value == `"os/exec"` }
	if !slices.ContainsFunc(f.Imports, commands) {
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 0 {
			if s, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Run", "Start", "Output", "CombinedOutput"}, s.Sel.Name) {
				found = append(found, call)
			}
		}
		return true
	})
	return found
}

func TestUnkept(t *testing.T) {
	for source, want := range map[string]int{
		`import "os/exec"; func f() { exec.Command("a").Run() }`:                 1,
		`import "os/exec"; func f() { c := exec.Command("a"); c.Output() }`:      1,
		`import "os/exec"; func f() { keeper.Run(exec.Command("a")) }`:           0,
		`import "os"; func f() { s.Run() }`:                                      0,
		`import "os/exec"; func f() { exec.Command("a", "b").CombinedOutput() }`: 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(unkept(f)); got != want {
			t.Errorf("%s: %d programs are not kept, want %d", source, got, want)
		}
	}
}
