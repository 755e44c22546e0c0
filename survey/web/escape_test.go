package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
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

// What an author or a respondent writes stays text, in every place where a page of any type shows it.
func TestEveryTypeEscapes(t *testing.T) {
	for _, evil := range []string{`"><script>alert(1)</script>`, `' onfocus=x y='`, `</textarea></select><form>`, `a&quot;b`, `{x}`, `ı<İ>`} {
		quote := func(s string) string {
			b, err := json.Marshal(s)
			require.NoError(t, err)
			return string(b)
		}
		e := quote(evil)
		own := strings.NewReplacer("|", "", "{", "", "}", "").Replace(evil)
		name := quote("n" + own)
		def := definition(t, `{"title": `+e+`, "description": `+e+`, "completeText": `+e+`, "pages": [{"title": `+e+`, "description": `+e+`, "elements": [
			{"type": "dropdown", "name": `+name+`, "title": `+e+`, "placeholder": `+e+`, "showOtherItem": true, "otherText": `+e+`, "otherPlaceholder": `+e+`, "choices": [{"value": `+name+`, "text": `+e+`}]},
			{"type": "tagbox", "name": "b", "showCommentArea": true, "commentText": `+e+`, "choices": [{"value": `+name+`, "text": `+e+`}], "defaultValue": [`+name+`]},
			{"type": "ranking", "name": "c", "choices": [{"value": `+name+`, "text": `+e+`}, "z"]},
			{"type": "matrix", "name": "d", "columns": [`+name+`], "rows": [{"value": `+name+`, "text": `+e+`}], "cells": {`+name+`: {`+name+`: `+e+`}}},
			{"type": "matrixdynamic", "name": "e", "rowCount": 1, "addRowText": `+e+`, "removeRowText": `+e+`, "totalText": `+e+`, "columns": [{"name": `+name+`, "title": `+e+`, "cellType": "text", "totalType": "count"}]},
			{"type": "paneldynamic", "name": "f", "panelCount": 1, "templateTitle": `+e+`, "panelAddText": `+e+`, "addPanelText": `+e+`, "templateElements": [{"type": "comment", "name": `+name+`, "placeholder": `+e+`}]},
			{"type": "multipletext", "name": "g", "items": [{"name": `+name+`, "title": `+e+`, "defaultValue": `+e+`}]},
			{"type": "text", "name": "h", "dataList": [`+e+`], "defaultValue": `+e+`},
			{"type": "html", "name": "i", "html": `+e+`},
			{"type": "image", "name": "j", "imageLink": `+quote("data:image/png;base64,"+evil)+`, "altText": `+e+`},
			{"type": "imagepicker", "name": "k", "choices": [{"value": `+name+`, "text": `+e+`, "imageLink": `+quote("data:image/png;base64,"+evil)+`}]},
			{"type": "expression", "name": "l", "title": `+e+`, "expression": "{h}"},
			{"type": "panel", "title": `+e+`, "description": `+e+`, "elements": [{"type": "file", "name": "m", "acceptedTypes": `+e+`}]}]}]}`)
		w := newWorld(t, def)
		w.srv.Close()
		page := w.get("/s/" + w.token).Body.String()
		again := w.post("/s/"+w.token, with(hidden([]byte(page)), url.Values{"_do": {"add:e"}, "_kept": {`{"a":{"h":` + e + `}}`}, "q.unknown": {evil}, "q.n" + own: {evil}, "r.c." + evil: {evil}, "_draft": {evil}}).Encode()).Body.String()
		for _, body := range []string{page, again} {
			assert.NotContains(t, body, "<script", evil)
			assert.NotRegexp(t, `<[^>]*onfocus`, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(body, ""), evil)
			assert.Equal(t, 2, strings.Count(body, "<form"), body)
			sound(t, body)
		}
	}
}
