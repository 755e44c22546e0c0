package archtest_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNamedTests holds that SECURITY.md and the README's table of promises name
// tests that are there. Case H11.
func TestNamedTests(t *testing.T) {
	there := map[string]bool{}
	root := os.DirFS("../..")
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	require.NoError(t, fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(root, p)
		for _, m := range declared.FindAllSubmatch(src, -1) {
			there[string(m[1])] = true
		}
		return err
	}))
	for page, least := range map[string]int{"SECURITY.md": 30, "README.md": 15} {
		text, err := fs.ReadFile(root, page)
		require.NoError(t, err)
		named := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1)
		require.Greater(t, len(named), least, page)
		for _, m := range named {
			require.True(t, there[string(m[1])], "%s names %s, which is not there", page, m[1])
		}
	}
}
