package vefa_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// TestUnnamedLanguageIsEnglish: the texts of a translated definition that names no language of its own are
// English, as SurveyJS has it, so a customer who is known to read English reads them, whatever the browser prefers.
func TestUnnamedLanguageIsEnglish(t *testing.T) {
	def, err := survey.Parse([]byte(`{"elements": [{"type": "rating", "name": "nps", "rateMin": 0, "rateMax": 10, "title": {"default": "How?", "tr": "Nasıl?"}}]}`), survey.Limits{})
	require.NoError(t, err)
	for locale, want := range map[string]string{"": "tr", "tr-TR": "tr", "en": "en", "en-GB": "en", "de": "tr"} { // the browser's is tr-TR
		w, _ := shop(t, memstore.New(), `rules: [{name: ask, when: 'Orders > 0', then: [{survey: visit}]}]`, func(c *vefa.Config) { c.Surveys[0].Definition = def })
		b := nighttest.People(1)
		b.Profiles[0].Locale = locale
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		sent := effectsOf(t, w.Engine.Service().Store(), "rule/ask")
		require.Len(t, sent, 1)
		_, page, err := w.Engine.Links(sent[0])
		require.NoError(t, err)
		out, err := webtest.Answer(t.Context(), (&nighttest.Asked{Engines: []*vefa.Engine{w.Engine}}).Client(0), page, map[string]any{"nps": 9})
		require.NoError(t, err)
		require.True(t, out.Thanked())
		for a, err := range w.Engine.Answers(t.Context(), "visit") {
			require.NoError(t, err)
			require.Equal(t, want, a.Language, locale)
		}
	}
}
