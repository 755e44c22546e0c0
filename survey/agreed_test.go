package survey

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// copied is a trigger that copies what q holds to extra after every change.
const copied = `"triggers":[{"type":"copyvalue","expression":"{none} <> 'a'","fromName":"q","setToName":"extra"}]`

// agreed is what SurveyJS does and one would not guess: each was found by a random walk.
var agreed = []struct {
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
	{
		"what is offered again comes back in the order that the respondent sees",
		`{"elements":[{"type":"tagbox","name":"q","choices":["a","b",2],"choicesOrder":"asc","choicesVisibleIf":"{item} = 'a' or {v} = 1"},{"type":"text","name":"v"}]}`,
		[]oracleStep{{Set: map[string]any{"v": 1.0}}, {Set: map[string]any{"q": []any{"b", 2.0}}}, {Set: map[string]any{"v": nil}}, {Set: map[string]any{"v": 1.0}}},
		map[string]any{"v": 1.0, "q": []any{2.0, "b"}},
	},
	{
		"a trigger that runs an expression empties where it yields null, as a name of nothing does",
		`{"elements":[{"type":"text","name":"w"}],"triggers":[{"type":"runexpression","expression":"{w} notempty","setToName":"extra","runExpression":"{none}"}]}`,
		[]oracleStep{{Set: map[string]any{"extra": "x"}}, {Set: map[string]any{"w": "a"}}},
		map[string]any{"w": "a"},
	},
	{
		"but does nothing where it yields undefined, as a question without an answer does",
		`{"elements":[{"type":"text","name":"w"},{"type":"text","name":"q"}],"triggers":[{"type":"runexpression","expression":"{w} notempty","setToName":"extra","runExpression":"{q}"}]}`,
		[]oracleStep{{Set: map[string]any{"q": "x"}}, {Set: map[string]any{"w": "a"}}, {Set: map[string]any{"q": nil}}, {Set: map[string]any{"w": "b"}}},
		map[string]any{"w": "b", "extra": "x"},
	},
	{
		"a question that goes out of sight because it was calculated to be no number is cleared of that, too",
		`{"elements":[{"type":"checkbox","name":"l","choices":["a"]},{"type":"comment","name":"n","clearIfInvisible":"onHidden","setValueExpression":"{l} / 3","visibleIf":"{n} notempty"},
			{"type":"text","name":"q","setValueExpression":"sum({l}, {n})"}]}`,
		[]oracleStep{{Set: map[string]any{"n": "a"}}, {Set: map[string]any{"l": []any{"a"}}}},
		map[string]any{"l": []any{"a"}, "q": "0a"},
	},
	{
		"a text that follows a list which is emptied is an empty text, and that does not equal the list",
		`{"elements":[{"type":"checkbox","name":"l","choices":["a"]},{"type":"text","name":"q","defaultValueExpression":"{l}"},
			{"type":"expression","name":"e","expression":"iif({l} = {q}, 'equal', 'not')"}]}`,
		[]oracleStep{{Set: map[string]any{"l": []any{"a"}}}, {Set: map[string]any{"l": nil}}},
		map[string]any{"e": "not"},
	},
	{
		"what a trigger stores for a table and the table does not take is nothing to expressions",
		`{"elements":[{"type":"matrixdropdown","name":"m","rows":["r"],"columns":[{"name":"c","cellType":"text"}]},{"type":"text","name":"w"},
			{"type":"expression","name":"e","expression":"iif({m} notempty, 'some', 'none')"}],
			"triggers":[{"type":"setvalue","expression":"{w} notempty","setToName":"m","setValue":"x"}]}`,
		[]oracleStep{{Set: map[string]any{"w": "a"}}},
		map[string]any{"w": "a", "m": "x", "e": "none"},
	},
	{
		"a check box without an answer is an empty list in a panel that is named by its number, too",
		`{"elements":[{"type":"paneldynamic","name":"p","panelCount":1,"templateElements":[{"type":"checkbox","name":"l","choices":["a"]},{"type":"text","name":"t"}]},
			{"type":"expression","name":"e","expression":"iif({p[0].l}, 'list', 'nothing')"},{"type":"expression","name":"f","expression":"iif({p[0].t} = {p[0].l}, 'equal', 'not')"},
			{"type":"expression","name":"g","expression":"iif({p[1].l}, 'list', 'nothing')"}]}`,
		nil,
		map[string]any{"p": []any{map[string]any{}}, "e": "list", "f": "equal", "g": "nothing"},
	},
	{
		"a value that is calculated to be no number from the beginning sets triggers going",
		`{"calculatedValues":[{"name":"c","expression":"{l} / 3"}],"elements":[{"type":"checkbox","name":"l","choices":["a"],"defaultValue":["a"]}],
			"triggers":[{"type":"setvalue","expression":"{c} empty","setToName":"extra","setValue":"x"}]}`,
		nil,
		map[string]any{"l": []any{"a"}, "extra": "x"},
	},
	{
		"what is taken out because it is not offered comes back at once where it is offered for that very reason",
		`{"calculatedValues":[{"name":"c","expression":"sum({n}, {q})"}],
			"elements":[{"type":"text","name":"n"},{"type":"checkbox","name":"q","choices":["a","b"],"choicesVisibleIf":"{item} = 'a' or {c} > 0"}],
			"triggers":[{"type":"complete","expression":"{q} contains 'never'"}]}`,
		[]oracleStep{{Set: map[string]any{"n": 2.0}}, {Set: map[string]any{"q": []any{"b"}}}, {Set: map[string]any{"q": []any{"b"}}}},
		map[string]any{"n": 2.0, "q": []any{"b"}},
	},
}

// What SurveyJS does and one would not guess.
func TestAgreedWithSurveyJS(t *testing.T) {
	for _, c := range agreed {
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

// SurveyJS does so indeed.
func TestAgreedAgainstSurveyJS(t *testing.T) {
	o := startOracle(t)
	cases := make([]oracleAsk, len(agreed))
	for i, c := range agreed {
		cases[i] = oracleAsk{Survey: json.RawMessage(c.src), Steps: c.steps}
	}
	o.ask(cases, func(ask oracleAsk, got oracleTold) {
		_, diff, _ := firstDifference(ask, got)
		assert.Empty(t, got.Error+diff, agreed[ask.ID].name)
	})
}
