package page

import (
	"html/template"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A page has the rules of each kit whose pictures it holds once, and a template that
// fails says so in its place.
func TestPicturesOfSeveralKits(t *testing.T) {
	a := NewKit(`{{define "p"}}<b>{{.}}</b>{{end}}`, ".a{}\n")
	b := NewKit(`{{define "q"}}<i>{{.Missing}}</i>{{end}}`, ".b{}\n")
	require.Equal(t, template.CSS(".a{}\n"), a.Style())
	write := func(pictures ...Picture) string {
		var out strings.Builder
		require.NoError(t, Page{Title: "t", Sections: []Section{{Title: "s", Pictures: pictures}, {Title: "again", Pictures: pictures}}}.Write(&out))
		return out.String()
	}
	html := write(a.Draw("p", "<x>"), b.Draw("q", "no struct"))
	require.Equal(t, 2, strings.Count(html, "<b>&lt;x&gt;</b>"))
	require.Equal(t, 1, strings.Count(html, ".a{}\n"))
	require.Less(t, strings.Index(html, ".a{}"), strings.Index(html, ".b{}"))
	require.NotContains(t, html, "<i>")
	require.Contains(t, html, "Missing in type string")
	require.NotContains(t, write(a.Draw("p", "")), ".b{}")
}
