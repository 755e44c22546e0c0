package page

import (
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
