package programtest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed testdata/pages.js
var pagesScript string

// Pages checks the HTML pages of a program, by name, in Chromium: axe-core finds nothing in light,
// dark and forced colours, html-validate nothing; no page is wider than a window of 320, 768 or
// 1280 px; printed, nothing is cut or folded and no heading stands alone at the foot of a page. It
// takes some seconds for a few pages, so a test gives it all of its program at once. Without a
// browser it skips, unless VEFA_REQUIRE_ALL is set.
func Pages(t *testing.T, pages map[string][]byte) {
	t.Helper()
	modules := os.Getenv("VEFA_NODE_MODULES")
	chromium, err := exec.LookPath("chromium")
	for _, m := range []string{"axe-core", "playwright-core", "html-validate"} {
		if _, statErr := os.Stat(filepath.Join(modules, m)); err == nil && (modules == "" || statErr != nil) {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		require.Empty(t, os.Getenv("VEFA_REQUIRE_ALL"), "no browser, or no modules: %v", err)
		t.Skip("no browser, or no modules: ", err)
	}
	dir := t.TempDir()
	var list bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".html")
		require.NoError(t, os.WriteFile(file, pages[name], 0o600))
		require.NoError(t, json.NewEncoder(&list).Encode(map[string]string{"name": name, "file": file}))
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", pagesScript)
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stdin = &list
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	looks := 0
	for line := range strings.Lines(string(out)) {
		var f struct {
			Page, Look, Rule, Target, Text string
			Looks                          int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		if looks = f.Looks; looks == 0 {
			t.Errorf("%s, %s: %s %s\n%s", f.Page, f.Look, f.Rule, f.Target, f.Text)
		}
	}
	require.GreaterOrEqual(t, looks, 3*len(pages))
}
