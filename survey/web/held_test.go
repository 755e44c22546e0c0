package web_test

import (
	"bytes"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// A store that is away when a form comes cannot say what to show, and what was typed is on the page that says so: sent from
// there when the store is back it goes on as if nothing had been.
func TestTypedWhileTheStoreIsAway(t *testing.T) {
	def := definition(t, `{"pages":[{"elements":[{"type":"comment","name":"why"},{"type":"checkbox","name":"what","choices":["a","b","c"]}]},{"elements":[{"type":"text","name":"who"}]}]}`)
	w := newWorld(t, def, func(c *web.Config) { c.NewKey = func() string { return "k1" } })
	typed := "çok \"iyi\" <b>&amp;</b>\r\nikinci satır"
	form, err := webtest.Fill(w.get("/s/"+w.token).Body.Bytes(), map[string]any{"why": "x", "what": []any{"a", "c"}})
	require.NoError(t, err)
	form.Set("q.why", typed)
	w.fail = errors.New("secret")
	for lang, says := range map[string]string{"tr": "Buradan yeniden gönderin", "en": "Send it again from here", "ar": "أرسله مرة أخرى من هنا"} {
		rec := w.do("POST", "/s/"+w.token+"?lang="+lang, bytes.NewBufferString(form.Encode()))
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		body := rec.Body.String()
		require.Contains(t, body, says)
		require.NotContains(t, body, "secret")
		require.NotContains(t, body, "<b>&")
		kept := url.Values{}
		for _, m := range regexp.MustCompile(`(?s)<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(body, -1) {
			kept.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
		}
		require.Equal(t, form, kept)
	}
	require.NotContains(t, w.get("/s/"+w.token).Body.String(), "<form", "nothing was sent")
	require.NotContains(t, w.do("POST", "/s/"+w.token+"/not-me", bytes.NewBufferString("")).Body.String(), "<button")
	w.fail = nil
	next := w.post("/s/"+w.token, form.Encode())
	require.Equal(t, 200, next.Code)
	last, err := webtest.Fill(next.Body.Bytes(), map[string]any{"who": "Ada"})
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token, last.Encode()).Code)
	require.Equal(t, map[string]any{"why": strings.ReplaceAll(typed, "\r\n", "\n"), "what": []any{"a", "c"}, "who": "Ada"}, w.answers[7].Answers)

	// A form with files is not read before the store says that there can be some: it is not refused for good.
	w.fail = errors.New("secret")
	rec := w.do("POST", "/s/"+w.token, bytes.NewBufferString("--x--"), "Content-Type", "multipart/form-data; boundary=x")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
}
