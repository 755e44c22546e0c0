package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
)

// TestPipedAnswersAreBounded answers at length what many texts of the next page
// repeat: the page shows the beginning of it, and does not grow with it.
func TestPipedAnswersAreBounded(t *testing.T) { // Case H10
	var src strings.Builder
	src.WriteString(`{"pages": [{"elements": [{"type": "comment", "name": "c", "title": "Why?"}]}, {"elements": [`)
	for i := range 100 {
		if i > 0 {
			src.WriteString(",")
		}
		fmt.Fprintf(&src, `{"type": "text", "name": "t%d", "title": "%s", "visibleIf": "{c} notempty"}`, i, strings.Repeat("{c} ", 10))
	}
	src.WriteString(`]}]}`)
	def, err := survey.Parse([]byte(src.String()), survey.Limits{})
	require.NoError(t, err)
	w := newWorld(t, def)
	long := strings.Repeat("ğ", 4000)
	resp, err := w.srv.Client().PostForm(w.link(), url.Values{"_on.c": {"1"}, "q.c": {long}, "_key": {"k"}})
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	page := read(t, resp)
	assert.Less(t, len(page), 256<<10)
	assert.Contains(t, page, strings.Repeat("ğ", 100), "its beginning is shown")
	assert.Contains(t, page, "…")
	assert.True(t, utf8.ValidString(page))
	assert.Contains(t, page, `&#34;c&#34;:&#34;`+long+`&#34;`, "what was answered is kept whole")
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(all)
}
