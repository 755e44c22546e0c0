// Package looktest looks at HTML pages as their readers do, in Chromium.
package looktest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed look.js
var look string

// Page is a page to look at.
type Page struct {
	Name  string // in failures
	HTML  []byte // the page itself, or
	URL   string // where a server has it
	Lang  string // with URL: the cookie "lang" that asks for a language; empty: none
	Brief bool   // its colours and what keys reach are those of another page: they are not looked at
}

// Pages fails the test for what is wrong with pages: what html-validate and axe-core find, in light, dark and
// forced colours, at 320, 360, 768 and 1280 px; errors in the browser's console; a page that is wider than its window,
// with all that is folded opened, too; what the tab key does not reach, reaches out of order or does not show; what
// scrolls without a name; what is cut or folded on paper, and a heading alone at its foot. Two
// pages are looked at at a time, for a second each. Without a browser it skips, unless VEFA_REQUIRE_ALL is set. With
// VEFA_EVERY_LOOK set, all rules are asked in each scheme at each width.
func Pages(t *testing.T, pages ...Page) {
	t.Helper()
	require.NotEmpty(t, pages)
	require.GreaterOrEqual(t, Script(t, look, needed, lines(t, pages)...), 4*len(pages), "times that it looked")
}

// needed are the modules that look at pages.
var needed = []string{"axe-core", "playwright-core", "html-validate"}

// lines writes pages to files, and returns what the script reads.
func lines(t *testing.T, pages []Page) []any {
	t.Helper()
	dir := t.TempDir()
	list := make([]any, len(pages))
	for i, p := range pages {
		in := map[string]any{"name": p.Name, "url": p.URL, "lang": p.Lang, "brief": p.Brief}
		if p.URL == "" {
			file := filepath.Join(dir, strconv.Itoa(i)+".html")
			require.NoError(t, os.WriteFile(file, p.HTML, 0o600))
			in["file"] = file
		}
		list[i] = in
	}
	return list
}

// Script gives a script of node, which may use modules of npm, a line of JSON for each of some inputs. It fails the test
// for each line {"page", "look", "rule", "target", "text"} that the script writes, and returns what the last
// one, {"looks": n}, says: how often it looked. The script finds the modules in $VEFA_NODE_MODULES and the
// browser at $CHROMIUM. Without them the test is skipped, unless VEFA_REQUIRE_ALL is set.
func Script(t *testing.T, script string, modules []string, inputs ...any) int {
	t.Helper()
	found, looks := run(t, script, modules, inputs...)
	for _, f := range found {
		t.Errorf("%s, %s: %s %s\n%s", f.Page, f.Look, f.Rule, f.Target, f.Text)
	}
	return looks
}

// finding is a line that a script writes.
type finding struct {
	Page, Look, Rule, Target, Text string
	Looks                          int
}

// run runs a script; it returns what that found, and how often it looked.
func run(t *testing.T, script string, modules []string, inputs ...any) (found []finding, looks int) {
	t.Helper()
	dir := os.Getenv("VEFA_NODE_MODULES")
	chromium, err := exec.LookPath("chromium")
	for _, m := range modules {
		if _, missing := os.Stat(filepath.Join(dir, m)); err == nil && (dir == "" || missing != nil) {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		require.Empty(t, os.Getenv("VEFA_REQUIRE_ALL"), "no browser, or no modules of npm: %v", err)
		t.Skip("no browser, or no modules of npm: ", err)
	}
	var lines, stderr bytes.Buffer
	for _, in := range inputs {
		require.NoError(t, json.NewEncoder(&lines).Encode(in))
	}
	cmd := exec.CommandContext(t.Context(), "node", "-e", script)
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stdin, cmd.Stderr = &lines, &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for line := range strings.Lines(string(out)) {
		var f finding
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		if looks = f.Looks; looks == 0 {
			found = append(found, f)
		}
	}
	return found, looks
}
