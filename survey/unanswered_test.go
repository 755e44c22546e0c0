package survey

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An unanswered question of several choices is an empty list to an expression, as npm survey-core 3.1.1
// has it, and not nothing: it holds by itself, is 0 beside a number, and a default value does not
// stand in for it. The values are those that SurveyJS gave.
func TestUnansweredLists(t *testing.T) {
	d, err := Parse([]byte(`{"calculatedValues":[{"name":"if","expression":"iif({q1},1,2)"},{"name":"less","expression":"{Q1}<1"},{"name":"it","expression":"{q1}","includeIntoResult":true},
		{"name":"range","expression":"{s}<1"},{"name":"dotted","expression":"{a.b}<1"},{"name":"one","expression":"iif({r},1,2)"},{"name":"file","expression":"iif({f},1,2)"}],"elements":[
		{"type":"checkbox","name":"q1","choices":["a","b",{"value":"c","visibleIf":"{q2} contains 'b'"}]},
		{"type":"text","name":"q2","defaultValue":"b","defaultValueExpression":"{q1}"},
		{"type":"slider","name":"s","sliderType":"range"},{"type":"tagbox","name":"x","valueName":"a.b","choices":[1]},
		{"type":"radiogroup","name":"r","choices":[1]},{"type":"file","name":"f","allowMultiple":true},
		{"type":"matrixdynamic","name":"m","rowCount":1,"columns":[{"name":"c","cellType":"checkbox","choices":["a"]},{"name":"e","cellType":"text","defaultValueExpression":"iif({row.c}<1,1,2)"}]},
		{"type":"paneldynamic","name":"p","panelCount":1,"templateElements":[{"type":"checkbox","name":"c","choices":["a"]},{"type":"text","name":"e","defaultValueExpression":"iif({panel.c}<1,1,2)"}]}]}`), Limits{})
	require.NoError(t, err)
	s := d.Begin(SessionOptions{Now: oracleNow})
	inside := []any{map[string]any{"e": 1.0}}
	require.Equal(t, map[string]any{"m": inside, "p": inside}, s.Answers())
	calc := stateOf(s).Calc
	require.Equal(t, map[string]any{"if": 1.0, "less": true, "it": nil, "range": true, "dotted": true, "one": 2.0, "file": 2.0}, calc)
	require.Len(t, stateOf(s).Choices["q1"], 2)
	require.Empty(t, s.Answer("q1", []any{"b"}))
	require.Equal(t, "b", s.Answers()["q2"])
	require.Empty(t, s.Answer("q1", nil))
	require.Equal(t, map[string]any{"m": inside, "p": inside, "it": []any{}}, s.Answers())
}
