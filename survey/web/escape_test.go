package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Whatever a definition says comes out as text: the form keeps its shape, and
// the answer comes back as it was given.
func TestHostileDefinition(t *testing.T) {
	evil := rapid.OneOf(
		rapid.SampledFrom([]string{`"><script>alert(1)</script>`, `' onfocus=x y='`, `</textarea><form>`, "a&quot;b", "{place}", "ı<İ>", "x\"=y z"}),
		rapid.StringN(1, 20, 60),
	)
	quoted := regexp.MustCompile(`"[^"]*"`)
	token := newWorld(t, survey.Satisfaction()).token
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) string { return evil.Draw(rt, label) }
		choice := draw("choice")
		if strings.TrimSpace(choice) != choice || choice == "" || strings.ContainsAny(choice, "|\r\n\x00\ufffd") { // "value|text" is two things
			choice = `<b>"c"`
		}
		name := draw("name")
		if strings.ContainsAny(name, "\r\n\x00\ufffd") {
			name = `n"<`
		}
		def := map[string]any{
			"title": draw("title"), "description": draw("about"), "completeText": draw("button"),
			"pages": []any{map[string]any{"title": draw("page"), "elements": []any{
				map[string]any{"type": "radiogroup", "name": name, "isRequired": true, "title": draw("t"), "choices": []any{
					map[string]any{"value": choice, "text": draw("text")},
				}},
				map[string]any{"type": "rating", "name": name + "2", "minRateDescription": draw("min"), "maxRateDescription": draw("max")},
				map[string]any{
					"type": "text", "name": name + "3", "placeholder": draw("p"), "autocomplete": draw("a"),
					"min": draw("lo"), "step": draw("step"), "requiredErrorText": draw("e"), "isRequired": true,
				},
				map[string]any{"type": "comment", "name": name + "4", "description": draw("d")},
			}}},
		}
		src, err := json.Marshal(def)
		require.NoError(rt, err)
		d, err := survey.Parse(src, survey.Limits{})
		require.NoError(rt, err)
		w := newWorld(t, d)
		w.srv.Close()
		w.inv[7].Place = draw("place")
		require.Equal(rt, token, w.token)

		page := w.get("/s/" + w.token)
		body := page.Body.String()
		assert.NotContains(rt, body, "<script")
		assert.NotRegexp(rt, `<[^>]*onfocus`, quoted.ReplaceAllString(body, ""))
		assert.Equal(rt, 2, strings.Count(body, "<form"), body)
		form, err := webtest.Fill([]byte(body), map[string]any{name: choice, name + "3": "ok", name + "4": "not"})
		require.NoError(rt, err, body)
		rec := w.post("/s/"+w.token, form.Encode())
		require.Equal(rt, http.StatusSeeOther, rec.Code, rec.Body.String())
		assert.Equal(rt, map[string]any{name: choice, name + "3": "ok", name + "4": "not"}, w.answers[7].Answers)
	})
}
