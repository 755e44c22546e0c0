package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Cases GR1 to GR4 and GR7: the page in both languages, as a browser sees and prints it, with what
// answers changed.
func TestReportInABrowser(t *testing.T) {
	dir := t.TempDir()
	ask := filepath.Join(dir, "ask.csv")
	start(t, "-questions", ask, "-truth", "person")
	answers := filled(t, ask, func(row map[string]string) string { return "no" }, ',')
	pages := map[string][]byte{}
	for _, lang := range []string{"en", "tr"} {
		path := filepath.Join(dir, lang+".html")
		start(t, "-answers", answers, "-truth", "person", "-report", path, "-lang", lang)
		html, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotRegexp(t, `[>" ]pair\.[a-z]`, string(html), "a key without a text")
		pages[lang] = html
	}
	require.Contains(t, string(pages["en"]), "<dt>groups without the answers</dt>")
	require.Contains(t, string(pages["tr"]), "<dt>yanıtlarla grup</dt>")
	for _, english := range []string{"probability", "records", "Table", "Rule", "bits and"} {
		require.NotRegexp(t, ">[^<]*"+english, string(pages["tr"]))
	}
	programtest.Pages(t, pages)
}
