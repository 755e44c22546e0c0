package report

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLook: html-validate and axe-core find nothing on a page with every picture, in Turkish by day and in forced colours,
// in English by night; nothing is wider than 320 px, the tab key reaches what scrolls, and on paper nothing is
// cut in either language. testdata/look.js says what is looked at.
func TestLook(t *testing.T) {
	modules := os.Getenv("VEFA_NODE_MODULES")
	chromium, err := exec.LookPath("chromium")
	for _, m := range []string{"axe-core", "playwright-core", "html-validate"} {
		if _, statErr := os.Stat(filepath.Join(modules, m)); modules == "" || statErr != nil {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") != "" {
			t.Fatal("no browser, or no modules: ", err)
		}
		t.Skip("no browser, or no modules: ", err)
	}
	dir := t.TempDir()
	var list bytes.Buffer
	for _, locale := range []string{"en", "tr"} {
		file := filepath.Join(dir, locale+".html")
		require.NoError(t, os.WriteFile(file, []byte(write(t, whole(t, locale, "", 400, 8))), 0o600))
		require.NoError(t, json.NewEncoder(&list).Encode(map[string]string{"name": locale, "file": file}))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/look.js")
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stdin = &list
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	looked := 0
	for line := range strings.Lines(string(out)) {
		var f struct {
			Page, Scheme, Rule, Target, Text string
			Pages                            int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		if looked = f.Pages; looked == 0 {
			assert.Fail(t, f.Rule, "%s, %s: %s\n%s", f.Page, f.Scheme, f.Target, f.Text)
		}
	}
	assert.Equal(t, 7, looked, "two pages as text and on paper, one in each of three schemes")
}
