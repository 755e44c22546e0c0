package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Cases GR2 to GR4: the page as a browser sees and prints it.
func TestReportInABrowser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	start(t, "-report", path)
	html, err := os.ReadFile(path)
	require.NoError(t, err)
	programtest.Pages(t, map[string][]byte{"en": html})
}
