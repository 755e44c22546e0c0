package web_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
)

// D08: an address with an answer to the first question has it chosen, stores nothing, and what cannot be
// chosen leaves the page as it is.
func TestPreset(t *testing.T) {
	w := newWorld(t, survey.Recommendation())
	chosen := regexp.MustCompile(`<input[^>]*\bchecked\b[^>]*>`)
	open := func(query string) (checked []string, body string) {
		t.Helper()
		res := w.do("GET", "/s/"+w.token+query, nil)
		require.Equal(t, 200, res.Code)
		return chosen.FindAllString(res.Body.String(), -1), res.Body.String()
	}
	none, _ := open("")
	require.Empty(t, none)
	for _, a := range []string{"0", "9", "10"} {
		got, body := open("?lang=en&a=" + a)
		require.Len(t, got, 1, a)
		require.Contains(t, got[0], `value="`+a+`"`)
		require.NotContains(t, body, `role="alert"`, a)
	}
	for _, a := range []string{"", "11", "-1", "9.5", "x", "99999999999999999999", "9&a=8x", "%3Cscript%3E", strings.Repeat("9", 3000)} {
		got, body := open("?a=" + a)
		if a != "9&a=8x" { // the first counts
			require.Empty(t, got, a)
		}
		require.NotContains(t, body, "<script>")
		require.NotContains(t, body, `role="alert"`, a)
	}
	require.Zero(t, w.submits)

	def, err := survey.Parse([]byte(`{"pages":[{"elements":[{"type":"comment","name":"why"},{"type":"rating","name":"r"}]}]}`), survey.Limits{})
	require.NoError(t, err)
	w = newWorld(t, def)
	got, body := open("?a=3")
	require.Empty(t, got, "the first question is no rating")
	require.NotContains(t, body, ">3</textarea>")

	def, err = survey.Parse([]byte(`{"triggers":[{"type":"complete","expression":"{r} < 3"}],"pages":[{"elements":[{"type":"rating","name":"r"}]},{"elements":[{"type":"comment","name":"why"}]}]}`), survey.Limits{})
	require.NoError(t, err)
	w = newWorld(t, def)
	open("?a=1")
	require.Zero(t, w.submits, "what would end the survey does not")
	_, body = open("?a=5")
	require.Contains(t, body, `name="q.r"`, "it stays on the page")
}
