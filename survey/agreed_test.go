package survey

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What SurveyJS does and one would not guess: each was found by a random walk.
func TestAgreedWithSurveyJS(t *testing.T) {
	const copied = `"triggers":[{"type":"copyvalue","expression":"{none} <> 'a'","fromName":"q","setToName":"extra"}]`
	for _, c := range []struct {
		name, src string
		steps     []oracleStep
		want      map[string]any
	}{
		{
			"nothing is copied from a question with several texts that was emptied",
			`{"elements":[{"type":"multipletext","name":"q","items":[{"name":"a"}]}],` + copied + `}`,
			[]oracleStep{{Set: map[string]any{"q": map[string]any{"a": "x"}}}, {Set: map[string]any{"q": nil}}},
			map[string]any{"extra": map[string]any{"a": "x"}},
		},
		{
			"but from a question with one text it is",
			`{"elements":[{"type":"text","name":"q"}],` + copied + `}`,
			[]oracleStep{{Set: map[string]any{"q": "x"}}, {Set: map[string]any{"q": nil}}},
			map[string]any{},
		},
		{
			"a check box without an answer is an empty list, so that the default does not stand in for it",
			`{"elements":[{"type":"checkbox","name":"l","choices":["a"]},{"type":"text","name":"q","defaultValue":"d","defaultValueExpression":"{l}"}]}`,
			nil,
			map[string]any{},
		},
		{
			"a text without an answer is nothing, and the default does",
			`{"elements":[{"type":"text","name":"l"},{"type":"text","name":"q","defaultValue":"d","defaultValueExpression":"{l}"}]}`,
			nil,
			map[string]any{"q": "d"},
		},
		{
			"on one page the conditions of each question run before those of the survey",
			`{"questionsOnPageMode":"singlePage","elements":[{"type":"text","name":"q","defaultValue":"d","setValueExpression":"5"},{"type":"expression","name":"e","expression":"7"}]}`,
			nil,
			map[string]any{"q": 5.0, "e": 7.0},
		},
		{
			"on other pages they do not",
			`{"elements":[{"type":"text","name":"q","defaultValue":"d","setValueExpression":"5"},{"type":"expression","name":"e","expression":"7"}]}`,
			nil,
			map[string]any{"q": "d", "e": 7.0},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, c.src).Begin(SessionOptions{Now: oracleNow})
			for _, step := range c.steps {
				step.do(s)
			}
			assert.Equal(t, c.want, s.Answers())
		})
	}

	// A question without an answer is JavaScript's undefined, which equals an empty list; a name of
	// nothing is null, which does not.
	for name, want := range map[string]bool{"text": true, "rating": true, "panels": true, "list": true, "matrix": false, "texts": false, "nothing": false} {
		s := parse(t, `{"elements":[{"type":"text","name":"text"},{"type":"rating","name":"rating"},{"type":"checkbox","name":"list","choices":["a"]},
			{"type":"paneldynamic","name":"panels","templateElements":[{"type":"text","name":"t"}]},{"type":"matrix","name":"matrix","columns":["c"],"rows":["r"]},
			{"type":"multipletext","name":"texts","items":[{"name":"i"}]},{"type":"tagbox","name":"l","choices":["a"]},
			{"type":"html","name":"same","html":"x","visibleIf":"{`+name+`} = {l}"},{"type":"html","name":"other","html":"x","visibleIf":"{l} <> {`+name+`}"}]}`).Begin(SessionOptions{})
		shown := stateOf(s).Visible
		assert.Equal(t, want, slices.Contains(shown, "same"), name)
		assert.Equal(t, !want, slices.Contains(shown, "other"), name)
	}

	s := parse(t, `{"questionsOnPageMode":"singlePage","elements":[{"type":"text","name":"q","visibleIf":"{v} = 1"}]}`).Begin(SessionOptions{})
	assert.Equal(t, Running, s.State(), "the one page shows while nothing on it does")
	assert.Empty(t, s.Page().Elements)

	s = parse(t, `{"elements":[{"type":"html","name":"h","html":"x"},{"type":"text","name":"q","title":"T {h}"}],
		"triggers":[{"type":"setvalue","expression":"{v} = 1","setToName":"h","setValue":"a"}]}`).Begin(SessionOptions{})
	s.SetVariable("v", 1)
	assert.Equal(t, "T a", stateOf(s).Titles["q"], "a text that only shows may have been given a value")
}
