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

// A shell's script is text that the program was built with, never one that it
// puts together: what comes from outside goes into arguments and environment.
func TestNoInputIsShellCode(t *testing.T) {
	set := token.NewFileSet()
	packages := map[string][]*ast.File{}
	for _, file := range sources(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			dir := path.Dir(file)
			packages[dir] = append(packages[dir], parse(t, set, file, parser.ParseComments))
		}
	}
	for _, files := range packages {
		for _, script := range madeUp(files) {
			t.Errorf("%s: the argument after -c is neither a constant nor an embedded file", set.Position(script.Pos()))
		}
	}
}

// shells are the programs whose argument after -c is code.
var shells = []string{"sh", "bash", "dash", "zsh"}

// madeUp lists the scripts of started shells, in the files of one package, that
// are not fixed when the program is built.
func madeUp(files []*ast.File) []ast.Expr {
	fixed := fixedTexts(files)
	var found []ast.Expr
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && slices.ContainsFunc(call.Args, isShell) {
				found = append(found, scripts(call, fixed)...)
			}
			return true
		})
	}
	return found
}

func isShell(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Kind == token.STRING && slices.Contains(shells, path.Base(strings.Trim(lit.Value, "\"`")))
}

// scripts are the expressions after a -c, in the call and the lists within it,
// that are neither literals nor fixed.
func scripts(call *ast.CallExpr, fixed map[string]bool) []ast.Expr {
	var found []ast.Expr
	look := func(list []ast.Expr) {
		for i := 1; i < len(list); i++ {
			flag, ok := list[i-1].(*ast.BasicLit)
			if !ok || flag.Value != `"-c"` {
				continue
			}
			name, named := list[i].(*ast.Ident)
			_, literal := list[i].(*ast.BasicLit)
			if !literal && !(named && fixed[name.Name]) {
				found = append(found, list[i])
			}
		}
	}
	ast.Inspect(call, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			look(n.Args)
		case *ast.CompositeLit:
			look(n.Elts)
		}
		return true
	})
	return found
}

// fixedTexts are a package's constants and embedded files.
func fixedTexts(files []*ast.File) map[string]bool {
	fixed := map[string]bool{}
	for _, f := range files {
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST && !embedded(g) {
				continue
			}
			for _, spec := range g.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range values.Names {
						fixed[name.Name] = true
					}
				}
			}
		}
	}
	return fixed
}

func embedded(g *ast.GenDecl) bool {
	if g.Tok != token.VAR || g.Doc == nil || len(g.Specs) != 1 {
		return false
	}
	for _, c := range g.Doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func TestMadeUp(t *testing.T) {
	for source, want := range map[string]int{
		`const script = "true"; func f() { run("sh", "-c", script) }`:                          0,
		`func f() { run("sh", "-c", "true") }`:                                                 0,
		`func f(input string) { run("sh", "-c", "ls "+input) }`:                                1,
		`func f(input string) { run("sh", []string{"-c", input, "x"}...) }`:                    1,
		`var script = "true"; func f() { run("sh", "-c", script) }`:                            1,
		"//go:embed keep.sh\nvar script string\nfunc f() { run(\"/bin/sh\", \"-c\", script) }": 0,
		`func f(file string) { run("apt-get", "-c", file) }`:                                   0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n\n"+source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(madeUp([]*ast.File{f})); got != want {
			t.Errorf("%s: %d scripts are made up, want %d", source, got, want)
		}
	}
}
