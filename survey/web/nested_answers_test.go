package web_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// TestNestedAnswers gives webtest answers as a Response has them and by path: both are sent, and what no page asked
// for is said.
func TestNestedAnswers(t *testing.T) {
	def, err := survey.Parse([]byte(`{"pages": [
		{"name": "one", "elements": [
			{"type": "matrix", "name": "aspects", "columns": ["good", "bad"], "rows": ["staff", "price"]},
			{"type": "checkbox", "name": "seen", "choices": ["tv", "web"]},
			{"type": "text", "name": "hidden", "visibleIf": "{seen} empty"}]},
		{"name": "two", "elements": [
			{"type": "paneldynamic", "name": "goods", "panelCount": 2, "templateElements": [{"type": "text", "name": "model"}]}]}]}`), survey.Limits{})
	require.NoError(t, err)
	require.NoError(t, def.Err())
	want := map[string]any{"aspects": map[string]any{"staff": "good", "price": "bad"}, "seen": []any{"tv", "web"},
		"goods": []any{map[string]any{"model": "a"}, map[string]any{"model": "b"}}}
	for name, answers := range map[string]map[string]any{
		"as a response": want,
		"of Go's types": {"aspects": map[string]any{"staff": "good", "price": "bad"}, "seen": []string{"tv", "web"},
			"goods": []map[string]any{{"model": "a"}, {"model": "b"}}},
		"by path": {"aspects.staff": "good", "aspects.price": "bad", "seen": []any{"tv", "web"}, "goods[0].model": "a", "goods[1].model": "b"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, def)
			out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link(), answers)
			require.NoError(t, err)
			require.True(t, out.Thanked(), out.URL)
			assert.Empty(t, out.Unasked)
			assert.Equal(t, want, w.answers[7].Answers)
		})
	}
	w := newWorld(t, def)
	out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link(), map[string]any{
		"seen": "tv", "sene": "web", "aspects": map[string]any{"staf": "good"}, "goods": []any{map[string]any{}, map[string]any{}, map[string]any{"model": "c"}}})
	require.NoError(t, err)
	require.True(t, out.Thanked())
	assert.Equal(t, []string{"aspects.staf", "goods[2].model", "sene"}, out.Unasked)
}

// TestLanguageOfAnswers: an answer has the language as the definition spells it, whatever region a browser, a link or
// a profile names.
func TestLanguageOfAnswers(t *testing.T) {
	def, err := survey.Parse([]byte(`{"elements": [{"type": "text", "name": "a", "title": {"default": "How?", "tr": "Nasıl?", "pt-br": "Como?"}}]}`), survey.Limits{})
	require.NoError(t, err)
	for _, tc := range []struct{ asked, invited, want string }{
		{"", "", "tr"}, // webtest.Person reads tr-TR
		{"?lang=tr-TR", "", "tr"},
		{"?lang=pt-BR", "", "pt-br"},
		{"?lang=en-GB", "tr", "en"},
		{"", "tr-CY", "tr"},
		{"", "de-AT", "de-AT"}, // the definition has none; the host said so
	} {
		w := newWorld(t, def)
		w.inv[7].Language = tc.invited
		out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link()+tc.asked, map[string]any{"a": "x"})
		require.NoError(t, err)
		require.True(t, out.Thanked(), "%+v", tc)
		assert.Equal(t, tc.want, w.answers[7].Language, "%+v", tc)
	}
}
