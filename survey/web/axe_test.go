package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// axeFinding is one line of testdata/axe.js.
type axeFinding struct {
	Page, Scheme, Rule, Target, Text string
	Pages                            int
}

// G2: axe-core in Chromium finds nothing, nothing is wider than 320 px and every target has 48 px,
// on pages of every type that are empty, wrong, filled in, read-only and done, in Turkish, English
// and Arabic, light and dark, and those with faults with forced colours.
func TestAxe(t *testing.T) {
	modules := os.Getenv("VEFA_NODE_MODULES")
	chromium, err := exec.LookPath("chromium")
	for _, m := range []string{"axe-core", "playwright-core"} {
		if _, statErr := os.Stat(filepath.Join(modules, m)); modules == "" || statErr != nil {
			err = fmt.Errorf("no %s in VEFA_NODE_MODULES", m)
		}
	}
	if err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	var list bytes.Buffer
	add := func(name string, page []byte) {
		file := filepath.Join(dir, name+".html")
		require.NoError(t, os.WriteFile(file, page, 0o600))
		require.NoError(t, json.NewEncoder(&list).Encode(map[string]string{"name": name, "file": file}))
	}
	pages := 0
	for _, lang := range []string{"tr", "en", "ar"} {
		for state, def := range map[string]string{
			"empty":     everyType(t, "", false),
			"error":     everyType(t, `"isRequired": true,`, false),
			"filled":    everyType(t, "", true),
			"read-only": everyType(t, `"readOnly": true,`, true),
			"done":      `{"completedHtml": "<h2>Thanks</h2><p>Come <a href='/'>again</a></p>", "elements": [{"type": "text", "name": "a"}]}`,
		} {
			w := newWorld(t, definition(t, def))
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
			add(lang+" "+state, rec.Body.Bytes())
			pages++
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/axe.js")
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	cmd.Stdin = &list
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	done := 0
	for line := range strings.Lines(string(out)) {
		var f axeFinding
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		if done = f.Pages; done == 0 {
			assert.Fail(t, f.Rule, "%s, %s: %s\n%s", f.Page, f.Scheme, f.Target, f.Text)
		}
	}
	assert.Equal(t, 2*pages+3, done)
}
