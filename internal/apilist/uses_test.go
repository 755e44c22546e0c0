package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUses reads a workspace in which each name of package a is used in another place.
func TestUses(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"go.mod":           "module example.com/m\n\ngo 1.26\n",
		"go.work":          "go 1.26\n\nuse (\n\t.\n\t./examples\n)\n",
		"examples/go.mod":  "module example.com/m/examples\n\ngo 1.26\n",
		"examples/main.go": "package main\n\nimport \"example.com/m/a\"\n\nfunc main() { a.InExample() }\n",
		"a/a.go": `package a

type Generic[K any] struct{ Field K }

func (g *Generic[K]) Called()  {}
func (g *Generic[K]) Idle()    {}
func (h hidden) Not()          {}
func InExample()               { hidden{}.Not() }
func InTest()                  {}
func InOwnTest()               {}
func InOwnCode()               { InOwnCode() }

type hidden struct{}
type Role interface{ Method() }
`,
		"a/a_test.go": "package a_test\n\nimport \"example.com/m/a\"\n\nvar _ = a.InOwnTest\n",
		"b/b.go":      "package b\n\nimport \"example.com/m/a\"\n\nfunc F(g *a.Generic[int], r a.Role) { g.Called(); r.Method() }\n",
		"b/b_test.go": "package b\n\nimport \"example.com/m/a\"\n\nvar _ = a.InTest\n",
	} {
		file = filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	t.Setenv("GOWORK", "")
	t.Setenv("GOFLAGS", "-buildvcs=false")
	var b strings.Builder
	require.NoError(t, uses(&b, dir, true))
	require.Equal(t, `a: Generic.Idle
a: InOwnCode
a: InOwnTest
b: F
     8  37.5 %  62.5 %  a
     1   0.0 %   0.0 %  b
     9  33.3 %  55.6 %  names; used by the library's other packages; by examples and other tests, too
`, b.String())
	require.Error(t, uses(&b, filepath.Join(dir, "none"), true))
}
