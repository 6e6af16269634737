package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

const (
	fileLimit     = 500
	functionLimit = 80
)

func TestFileLength(t *testing.T) {
	for _, file := range sources(t, ".go", ".c", ".h", ".sh", ".js", ".css") {
		if n := len(read(t, file)); n > fileLimit {
			t.Errorf("%s has %d lines, the limit is %d", file, n, fileLimit)
		}
	}
}

func TestGoFunctionLength(t *testing.T) {
	set := token.NewFileSet()
	for _, file := range sources(t, ".go") {
		for _, decl := range parse(t, set, file, 0).Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > functionLimit {
				t.Errorf("%s: %s has %d lines, the limit is %d", file, f.Name.Name, n, functionLimit)
			}
		}
	}
}

func TestCFunctionLength(t *testing.T) {
	functions := 0
	for _, file := range sources(t, ".c", ".h") {
		for _, f := range cFunctions(read(t, file)) {
			functions++
			if f.lines > functionLimit {
				t.Errorf("%s:%d: a function of %d lines, the limit is %d", file, f.at, f.lines, functionLimit)
			}
		}
	}
	if functions < 100 {
		t.Errorf("only %d functions seen: are they written otherwise than clang-format has them?", functions)
	}
}

type cFunction struct {
	at, lines int // of the opening brace; to the closing one
}

// cFunctions finds bodies between braces that stand alone at the line's begin,
// which is how .clang-format has the bodies of functions and nothing else.
func cFunctions(lines []string) []cFunction {
	var found []cFunction
	open := 0
	for i, line := range lines {
		switch {
		case line == "{":
			open = i + 1
		case strings.HasPrefix(line, "}") && open > 0:
			found = append(found, cFunction{open, i + 1 - open + 1})
			open = 0
		}
	}
	return found
}

func TestCFunctions(t *testing.T) {
	lines := []string{"struct a {", "\tint b;", "};", "int f(void)", "{", "\treturn 1;", "}", "static int g[] = {", "\t1,", "};"}
	if got := fmt.Sprint(cFunctions(lines)); got != "[{5 3}]" {
		t.Errorf("functions %s, want one at line 5 with 3 lines", got)
	}
}
