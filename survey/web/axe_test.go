package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// everyType is a survey of two pages, the first of which asks every type of question in three
// languages, with panels, pictures and texts; prefix begins the names of the questions of types.
func everyType(t testing.TB, change string, filled bool) string {
	t.Helper()
	var elements []string
	for i, tc := range types {
		value := ""
		if filled {
			v, err := json.Marshal(tc.want)
			require.NoError(t, err)
			value = fmt.Sprintf(`"defaultValue": %s,`, v)
		}
		src := tc.src
		elements = append(elements, fmt.Sprintf(`{"name": "x%d", "title": {"default": "Question %d", "tr": "Soru %d: sepetiniz nasıldı?", "ar": "السؤال %d"},
			"description": {"default": "More about it", "tr": "Bununla ilgili", "ar": "المزيد"}, %s %s %s}`, i, i, i, i, change, value, src))
	}
	elements = append(elements,
		`{"type": "html", "name": "h", "html": "<p>See <a href='/terms'>the terms</a>.</p>"}`,
		`{"type": "image", "name": "i", "imageLink": "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "altText": "Shop"}`,
		`{"type": "expression", "name": "e", "title": "Sum", "expression": "1 + 1"}`,
		`{"type": "file", "name": "f", "title": "File", `+change+` "allowMultiple": true}`,
		`{"type": "signaturepad", "name": "s", `+change+` "title": "Signature"}`,
		`{"type": "panel", "name": "p", "title": "Panel", "description": "Of two", "elements": [{"type": "text", "name": "pt"}]}`)
	return `{"title": {"default": "Survey", "tr": "Anket", "ar": "استبيان"}, "completedHtml": "<h2>Thanks</h2><p><a href='/'>Shop</a></p>",
		"pages": [{"title": "One", "elements": [` + strings.Join(elements, ",\n") + `]}, {"elements": [{"type": "text", "name": "last"}]}]}`
}

// finding is one line of what a script of testdata writes.
type finding struct {
	Page, Scheme, Rule, Target, Text string
	Pages                            int
}

// everyPage are pages of every type, by language and state.
func everyPage(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	for _, lang := range []string{"tr", "en", "ar"} {
		for state, def := range map[string]string{
			"empty":     everyType(t, "", false),
			"error":     everyType(t, `"isRequired": true,`, false),
			"filled":    everyType(t, "", true),
			"read-only": everyType(t, `"readOnly": true,`, true),
			"done":      `{"completedHtml": "<h2>Thanks</h2><p>Come <a href='/'>again</a></p>", "elements": [{"type": "text", "name": "a"}]}`,
		} {
			w, _, _ := newTalk(t, definition(t, def))
			path := "/s/" + w.token
			rec := w.get(path + "?lang=" + lang)
			switch state {
			case "error":
				form := hidden(rec.Body.Bytes())
				for i, tc := range types {
					for k, all := range tc.wrong {
						form[regexp.MustCompile(`^(\w\.)x`).ReplaceAllString(k, fmt.Sprintf("${1}x%d", i))] = all
					}
				}
				rec = w.post(path+"?lang="+lang, form.Encode())
				require.Equal(t, http.StatusUnprocessableEntity, rec.Code)
			case "done":
				rec = w.post(path+"?lang="+lang, with(hidden(rec.Body.Bytes()), url.Values{"q.a": {"b"}}).Encode())
				require.Equal(t, http.StatusSeeOther, rec.Code)
				rec = w.get(path + "/thanks?lang=" + lang)
			}
			out[lang+" "+state] = rec.Body.Bytes()
			if state == "error" {
				out[lang+" preview"] = preview(t, def, lang)
			}
		}
	}
	return out
}

// preview is the first page of a definition as an editor sees it.
func preview(t *testing.T, def, lang string) []byte {
	p, err := web.NewPreview(web.PreviewConfig{Find: func(context.Context, string) (*survey.Definition, error) {
		return survey.Parse([]byte(strings.Replace(def, `"title"`, `"tilte": "x", "title"`, 1)), survey.Limits{})
	}})
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, httptest.NewRequest("GET", "/preview/x?lang="+lang, nil))
	require.Contains(t, rec.Body.String(), "<details>")
	return rec.Body.Bytes()
}

// look gives pages to a script of testdata and fails for what it finds; it returns how often it
// looked at one.
func look(t *testing.T, script string, pages map[string][]byte, env ...string) int {
	dir := t.TempDir()
	var list bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		file := filepath.Join(dir, name+".html")
		require.NoError(t, os.WriteFile(file, pages[name], 0o600))
		require.NoError(t, json.NewEncoder(&list).Encode(map[string]string{"name": name, "file": file}))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/"+script)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = &list
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	done := 0
	for line := range strings.Lines(string(out)) {
		var f finding
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		if done = f.Pages; done == 0 {
			assert.Fail(t, f.Rule, "%s, %s: %s\n%s", f.Page, f.Scheme, f.Target, f.Text)
		}
	}
	return done
}

// G2: axe-core in Chromium finds nothing, nothing is wider than 320 px and every target has 48 px,
// on pages of every type that are empty, wrong, filled in, read-only and done. Languages change words
// and direction, schemes colours, a zoom the width: Turkish is looked at in every state, English and
// Arabic where the page says something of its own, dark with faults and read-only, forced colours
// and 400 % zoom (also from right to left) with faults, which show all that the others do.
func TestAxe(t *testing.T) {
	chromium := browser(t, "axe-core", "playwright-core")
	pages := everyPage(t)
	assert.Equal(t, 16, look(t, "axe.js", pages, "CHROMIUM="+chromium))
}

// G2: html-validate finds nothing on the same pages and on those of a kiosk.
func TestHTML(t *testing.T) {
	browser(t, "html-validate")
	pages := everyPage(t)
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey), Place: "Moda", AskCode: true})
	for _, lang := range []string{"tr", "en", "ar"} {
		for _, path := range []string{"/", "/ask", "/thanks"} {
			pages["kiosk "+lang+strings.ReplaceAll(path, "/", " ")] = w.do("GET", path+"?lang="+lang, "", "").Body.Bytes()
		}
	}
	assert.Equal(t, len(pages), look(t, "html.js", pages))
}
