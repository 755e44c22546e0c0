package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Cases GR1 to GR4: the pages before and after, in both languages, as a browser sees and prints
// them.
func TestPagesInABrowser(t *testing.T) {
	dir := t.TempDir()
	pages := map[string][]byte{}
	for name, args := range map[string][]string{"en": nil, "tr": {"-lang", "tr"}, "en before": {"-preview"}, "tr before": {"-preview", "-lang", "tr", "-other", "{name}: {link} RET 4609"}} {
		path := filepath.Join(dir, name)
		_, _, err := runWith(t, append([]string{"-people", "300", "-report", path}, args...)...)
		require.NoError(t, err)
		html, err := os.ReadFile(path)
		require.NoError(t, err)
		pages[name] = html
	}
	for _, name := range []string{"tr", "tr before"} {
		require.NotRegexp(t, `(?i)>[^<]*\b(people|withheld|addressed|bought|cost|brought|held out|segment|with)\b`, string(pages[name]), name)
	}
	programtest.Pages(t, pages)
}

// What is shown before a campaign is approved is what then happens: who is left out by lot, who gets
// nothing and why, what it costs; and nothing has been sent.
func TestPreviewIsWhatHappens(t *testing.T) {
	args := []string{"-people", "400", "-faults", "0"}
	before, _, err := runWith(t, append(args, "-preview")...)
	require.NoError(t, err)
	after, _, err := runWith(t, args...)
	require.NoError(t, err)
	require.Equal(t, figure(t, after, "people on the list"), figure(t, before, "people on the list"))
	require.Equal(t, figure(t, after, "withheld, because of: consent"), figure(t, before, "would get nothing, because of: consent"))
	require.Equal(t, figure(t, after, "held out, to measure by"), figure(t, before, "left out by lot, to measure by"))
	require.Equal(t, figure(t, after, "people who were to get it"), figure(t, before, "would get the message"))
	require.Regexp(t, `cost of all messages +₺\d+\.\d\d`, before)
	require.Regexp(t, regexp.MustCompile(`without any effect +−\d+\.\d to \+\d+\.\d points`), before)
	require.Contains(t, before, "Sayın Ayşe, bahar saatleri geldi: https://s.example/l/")
	before, _, err = runWith(t, append(args, "-preview", "-holdout", "0")...)
	require.NoError(t, err)
	require.NotContains(t, before, "without any effect")
}
