package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKindsAreDescribed holds that the ground floor knows kinds of facts by their
// descriptions (crm.Kind): no switch over the types of contents or the names of
// kinds, which a new kind would have to be added to.
func TestKindsAreDescribed(t *testing.T) {
	set := token.NewFileSet()
	packages := map[string][]*ast.File{}
	for _, dir := range []string{"crm", "crm/memstore", "crm/sqlstore"} {
		names, err := filepath.Glob("../../" + dir + "/*.go")
		require.NoError(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			require.NoError(t, err)
			f, err := parser.ParseFile(set, name, src, 0)
			require.NoError(t, err)
			packages[dir] = append(packages[dir], f)
		}
	}
	contents := contentsOf(packages["crm"])
	require.Subset(t, contents, map[string]bool{"Order": true, "Hold": true, "Ticket": true, "Custom": true, "KindOrder": true, "KindHold": true})
	require.Len(t, contents, 11+1+11, "of each kind its content and its name")
	for _, files := range packages {
		for _, f := range files {
			for _, at := range switches(f, contents) {
				t.Errorf("%s: a switch over kinds of facts; say it in the kind's crm.Kind", set.Position(at))
			}
		}
	}
}

// TestKindsAreDescribedBreaks shows what is refused.
func TestKindsAreDescribedBreaks(t *testing.T) {
	contents := map[string]bool{"Order": true, "KindOrder": true}
	for src, want := range map[string]int{
		"switch d := x.(type) { case *crm.Order: _ = d }":    1,
		"switch x.(type) { case int, *Order: }":              1,
		"switch f.Key.Kind { case crm.KindOrder: }":          1,
		"switch { case f.Key.Kind == KindOrder: }":           1,
		"switch d := x.(type) { case *crm.Profile: _ = d }":  0,
		"if o, ok := x.(*crm.Order); ok { _ = o }":           0,
		"switch f.State { case Open: _ = crm.KindOrder }":    0,
		"switch { case k.Unique: switch k { case Order: } }": 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc _() {\n"+src+"\n}", 0)
		require.NoError(t, err)
		require.Len(t, switches(f, contents), want, src)
	}
}

// contentsOf returns the types that are contents of facts, which the New of a kind makes,
// and the constants that name kinds.
func contentsOf(files []*ast.File) map[string]bool {
	out := map[string]bool{"Custom": true} // of what no kind describes
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := kv.Key.(*ast.Ident); !ok || key.Name != "New" {
				return true
			}
			ast.Inspect(kv.Value, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if fun, ok := call.Fun.(*ast.Ident); ok && fun.Name == "new" {
						out[call.Args[0].(*ast.Ident).Name] = true
					}
				}
				return true
			})
			return false
		})
		for _, d := range f.Decls {
			d, ok := d.(*ast.GenDecl)
			if !ok || d.Tok != token.CONST {
				continue
			}
			for _, s := range d.Specs {
				v := s.(*ast.ValueSpec)
				if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "FactKind" {
					for _, n := range v.Names {
						out[n.Name] = true
					}
				}
			}
		}
	}
	return out
}

// switches returns where a file switches over contents.
func switches(f *ast.File, contents map[string]bool) []token.Pos {
	var out []token.Pos
	ast.Inspect(f, func(n ast.Node) bool {
		var body *ast.BlockStmt
		switch n := n.(type) {
		case *ast.TypeSwitchStmt:
			body = n.Body
		case *ast.SwitchStmt:
			body = n.Body
		default:
			return true
		}
		for _, c := range body.List {
			for _, e := range c.(*ast.CaseClause).List {
				bad := false
				ast.Inspect(e, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok && contents[id.Name] {
						bad = true
					}
					return true
				})
				if bad {
					out = append(out, n.Pos())
					return true
				}
			}
		}
		return true
	})
	return out
}
