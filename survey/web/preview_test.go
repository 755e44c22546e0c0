package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// An editor walks through a definition page by page, in each of its languages, and reads what was found
// about it; nothing is kept.
func TestPreview(t *testing.T) {
	def, err := survey.Parse([]byte(`{"title":{"default":"Visit","tr":"Ziyaret","ar":"زيارة"},"completedHtml":{"default":"<p>Bye</p>","tr":"<p>Güle güle</p>","ar":"<p>وداعا</p>"},
		"pages":[{"elements":[{"type":"text","name":"a","isRequired":true,"visiblIf":"{x}"}]},{"elements":[{"type":"comment","name":"<b>","visibleIf":"{a} = 'x'"}]}]}`), survey.Limits{})
	require.NoError(t, err)
	require.NotEmpty(t, def.Findings())
	p, err := web.NewPreview(web.PreviewConfig{Place: "Nişantaşı", Brand: web.Brand{Name: "Vefa", Accent: "#0b6770"},
		Find: func(_ context.Context, name string) (*survey.Definition, error) {
			switch name {
			case "visit":
				return def, nil
			case "broken":
				return nil, errors.New(`line 3: <script> is no type`)
			}
			return nil, web.ErrNotFound
		}})
	require.NoError(t, err)
	ask := func(method, to, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, to, strings.NewReader(form))
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, r)
		return rec
	}
	for lang, want := range map[string][3]string{"tr": {"Önizleme", "Ziyaret", "Güle güle"}, "en": {"Preview", "Visit", "Bye"}, "ar": {"معاينة", "زيارة", "وداعا"}} {
		at := "/preview/visit?lang=" + lang
		rec := ask("GET", at, "")
		for range 2 { // each of two pages
			require.Equal(t, 200, rec.Code)
			body := rec.Body.String()
			require.Contains(t, body, want[0])
			require.Contains(t, body, want[1])
			require.Contains(t, body, "Vefa")
			require.Contains(t, body, "Nişantaşı")
			require.Contains(t, body, `visit?lang=tr"`)
			require.Contains(t, body, `visit?lang=ar"`)
			require.Contains(t, body, `hreflang="`+lang+`" aria-current="true"`)
			require.Contains(t, body, "pages[0].elements[0]")
			require.Contains(t, body, "visibleIf", "what was meant")
			require.NotContains(t, body, "<b>")
			require.Contains(t, rec.Header().Get("X-Robots-Tag"), "noindex")
			csp := rec.Header().Get("Content-Security-Policy")
			require.Contains(t, csp, "default-src 'none'")
			css := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
			require.Contains(t, csp, hashOf(css[1]))
			values, err := webtest.Fill(rec.Body.Bytes(), map[string]any{"a": "x"})
			require.NoError(t, err)
			rec = ask("POST", at, values.Encode())
		}
		require.Equal(t, 200, rec.Code)
		require.Contains(t, rec.Body.String(), want[2], "at the end it thanks")
		require.Contains(t, rec.Body.String(), want[0])
	}
	// What is wrong is said, as to a respondent; afterwards all begins anew.
	require.Equal(t, http.StatusUnprocessableEntity, ask("POST", "/preview/visit", url.Values{"_on.a": {"1"}}.Encode()).Code)
	require.Equal(t, http.StatusSeeOther, ask("GET", "/preview/visit/thanks", "").Code)
	for range 100 {
		require.NotEqual(t, http.StatusTooManyRequests, ask("POST", "/preview/visit", "_on.a=1").Code)
	}
	rec := ask("GET", "/preview/broken", "")
	assert.Equal(t, http.StatusUnprocessableEntity, rec.Code)
	assert.Contains(t, rec.Body.String(), "line 3: &lt;script&gt; is no type")
	for _, path := range []string{"/preview/", "/preview/none", "/preview/..", "/preview/a%20b", "/preview/" + strings.Repeat("a", 65), "/other/visit", "/preview/visit/not-me"} {
		assert.Equal(t, http.StatusNotFound, ask("GET", path, "").Code, path)
	}
	_, err = web.NewPreview(web.PreviewConfig{})
	require.Error(t, err)
}

// hashOf names a style sheet as a policy does.
func hashOf(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
