package page

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Cases GR2 and GR4: on paper nothing is cut or loses its colour, in forced colours
// charts keep theirs, and the text of charts has one size.
func TestShell(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Page{Title: "t", Sections: []Section{{Title: "s"}}}.Write(&b))
	html := b.String()
	for _, rule := range []string{"@media print", "print-color-adjust:exact", "break-after:avoid", "details-content", "@media(forced-colors:active)", "svg text{font:12px"} {
		require.Contains(t, html, rule)
	}
	require.Equal(t, 1, strings.Count(html, "font:12px"))
}

// The policy that a page carries allows its own style sheet and nothing else: the hash is that
// of what stands in its style element, to the byte.
func TestPolicy(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Page{Title: "t", Sections: []Section{{Pictures: []Picture{NewKit(`{{define "p"}}<b>x</b>{{end}}`, ".a>b{content:'&'}\n").Draw("p", nil)}}}}.Write(&b))
	_, rest, _ := strings.Cut(b.String(), "<style>")
	css, _, found := strings.Cut(rest, "</style>")
	require.True(t, found)
	sum := sha256.Sum256([]byte(css))
	require.Contains(t, html.UnescapeString(b.String()), `content="default-src 'none'; style-src 'sha256-`+base64.StdEncoding.EncodeToString(sum[:])+`'; base-uri`)
	require.NotContains(t, b.String(), " style=")
}

// What is no text of HTML is shown as a mark, whatever a name from outside holds.
func TestNoText(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Page{Title: "a\xff\x1b\x00\u0085b", Sections: []Section{{Title: "İ\tç\n"}}}.Write(&b))
	require.Contains(t, b.String(), "a\ufffd\ufffd\ufffd\ufffdb")
	require.Contains(t, b.String(), "İ\tç\n")
}
