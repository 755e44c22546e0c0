package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/memstore"
)

// chromium returns the browser's path; it skips where that or a module of npm is missing.
func chromium(t *testing.T, modules ...string) string {
	t.Helper()
	dir := os.Getenv("VEFA_NODE_MODULES")
	path, err := exec.LookPath("chromium")
	for _, m := range modules {
		if _, missing := os.Stat(filepath.Join(dir, m)); dir == "" || missing != nil {
			err = fmt.Errorf("no module %s: %w", m, missing)
		}
	}
	if err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") != "" {
			t.Fatal("no browser, or no modules: ", err)
		}
		t.Skip("no browser, or no modules: ", err)
	}
	return path
}

// G1: on every page axe-core and html-validate find nothing, nothing is wider than the window, the
// keyboard reaches everything in the order of the page and shows where it is. LOOKS=all looks at
// each page in each scheme, width and language.
func TestBrowser(t *testing.T) {
	path := chromium(t, "axe-core", "playwright-core", "html-validate")
	d := open(t, memstore.New(), nil)
	d.post("/campaigns", url.Values{"new": {"1"}, "name": {"spring"}, "text": {"Bahar geldi: {link}"}, "url": {"https://saat.example/spring"}, "segment": {"new-collection"}, "holdout": {"20"}})
	counted, _, _ := strings.Cut(d.send("/campaigns/spring/count", nil).Header().Get("Location"), "#")
	server := httptest.NewServer(d.h)
	defer server.Close()
	type page struct {
		Name  string `json:"name"`
		URL   string `json:"url"`
		Every bool   `json:"every"` // in each scheme
	}
	var list bytes.Buffer
	n := 0
	for i, p := range append(d.paths(), counted) {
		n++
		require.NoError(t, json.NewEncoder(&list).Encode(page{p, server.URL + p, i%4 == 3}))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/look.js")
	cmd.Env = append(os.Environ(), "CHROMIUM="+path)
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
			assert.Fail(t, f.Rule, "%s, %s: %s\n%s", f.Page, f.Look, f.Target, f.Text)
		}
	}
	assert.GreaterOrEqual(t, looks, 2*n)
}
