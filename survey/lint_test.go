package survey

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lintCases has a definition for each rule that is kept, with the path of its finding.
var lintCases = []struct{ rule, src, path string }{
	{"expression/syntax", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","visibleIf":"{a} = "}`), "elements[1].visibleIf"},
	{"reference/unknown", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","visibleIf":"{nobody} = 1"}`), "elements[1].visibleIf"},
	{"reference/self", elementOf(`{"type":"text","name":"a","visibleIf":"{a} = 1"}`), "elements[0].visibleIf"},
	{"name/duplicate", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"a"}`), "elements[1]"},
	{"name/shadowing", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","valueName":"a"}`), "elements[1].valueName"},
	{"name/reserved", elementOf(`{"type":"text","name":"constructor"}`), "elements[0].name"},
	{"variable/collision", `{"elements":[{"type":"text","name":"a"}],"calculatedValues":[{"name":"a","expression":"1 + 1"}]}`, "calculatedValues[0]"},
	{"variable/preset", elementOf(`{"type":"text","name":"pageno"}`), "elements[0].name"},
	{"element/unknown-type", elementOf(`{"type":"text","name":"a"},{"type":"hologram","name":"b"}`), "elements[1].type"},
	{"property/unknown", elementOf(`{"type":"text","name":"a","isRequried":true}`), "elements[0].isRequried"},
	{"property/dead", elementOf(`{"type":"text","name":"a","min":1}`), "elements[0].min"},
	{"property/invalid-value", elementOf(`{"type":"text","name":"a","inputType":"colour"}`), "elements[0].inputType"},
	{"property/not-an-array", `{"pages":{"elements":[]}}`, "pages"},
	{"property/required", elementOf(`{"type":"text"}`), "elements[0]"},
	{"expression/unknown-function", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","visibleIf":"nothing({a}) = 1"}`), "elements[1].visibleIf"},
	{"cycle/calculated-value", `{"elements":[{"type":"text","name":"a"}],"calculatedValues":[{"name":"x","expression":"{y} + 1"},{"name":"y","expression":"{x} + 1"}]}`, "calculatedValues[0]"},
	{"cycle/trigger", `{"elements":[{"type":"text","name":"a"},{"type":"text","name":"b"}],"triggers":[{"type":"setvalue","expression":"{a} = 1","setToName":"b","setValue":2},{"type":"setvalue","expression":"{b} = 2","setToName":"a","setValue":1}]}`, "triggers[1]"},
	{"cycle/value-write", elementOf(`{"type":"text","name":"a","setValueExpression":"{b} + 1"},{"type":"text","name":"b","setValueExpression":"{a} + 1"}`), "elements[0]"},
	{"expression/unknown-choice", elementOf(`{"type":"radiogroup","name":"a","choices":["x","y"]},{"type":"text","name":"b","visibleIf":"{a} = 'z'"}`), "elements[1].visibleIf"},
	{"expression/type-mismatch", elementOf(`{"type":"text","inputType":"number","name":"a"},{"type":"text","name":"b","visibleIf":"{a} = 'z'"}`), "elements[1].visibleIf"},
	{"expression/contradiction", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","visibleIf":"{a} = 'x' and {a} = 'y'"}`), "elements[1].visibleIf"},
	{"expression/meaningless-condition", elementOf(`{"type":"text","name":"a"},{"type":"text","name":"b","visibleIf":"1 = 1"}`), "elements[1].visibleIf"},
	{"choices/dead-source", elementOf(`{"type":"text","name":"a"},{"type":"checkbox","name":"b","choicesFromQuestion":"a"}`), "elements[1].choicesFromQuestion"},
	{"choices/duplicate", elementOf(`{"type":"radiogroup","name":"a","choices":["x","x"]}`), "elements[0].choices[1]"},
	{"trigger/unknown-target", `{"elements":[{"type":"text","name":"a"}],"triggers":[{"type":"skip","expression":"{a} = 1","gotoName":"nobody"}]}`, "triggers[0].gotoName"},
	{"trigger/unknown-type", `{"elements":[{"type":"text","name":"a"}],"triggers":[{"type":"jump","expression":"{a} = 1"}]}`, "triggers[0].type"},
	{"validator/unknown-type", elementOf(`{"type":"text","name":"a","validators":[{"type":"tax"}]}`), "elements[0].validators[0].type"},
	{"validator/dead", elementOf(`{"type":"text","name":"a","validators":[{"type":"answercount","minCount":2}]}`), "elements[0].validators[0]"},
	{"value/not-a-choice", elementOf(`{"type":"radiogroup","name":"a","choices":["x","y"],"defaultValue":"z"}`), "elements[0].defaultValue"},
	{"element/count-contradiction", elementOf(`{"type":"checkbox","name":"a","choices":["x","y"],"minSelectedChoices":3}`), "elements[0].minSelectedChoices"},
	{"element/never-visible", elementOf(`{"type":"text","name":"c"},{"type":"text","name":"a","visible":false},{"type":"text","name":"b","visibleIf":"{a} = 'x'"}`), "elements[2].visibleIf"},
	{"mask/mismatch", elementOf(`{"type":"text","name":"a","inputType":"number","maskType":"pattern","maskSettings":{"pattern":"999"}}`), "elements[0].maskType"},
	{"page/empty", `{"pages":[{"name":"p","elements":[{"type":"text","name":"a"}]},{"name":"q"}]}`, "pages[1]"},
}

// Each of the 33 rules of SurveyJS's linter has a finding, with its path.
func TestLint(t *testing.T) {
	rules := map[string]bool{}
	for _, tc := range lintCases {
		d := parse(t, tc.src)
		i := slices.IndexFunc(d.Findings(), func(f Finding) bool { return f.Rule == tc.rule && f.Path == tc.path })
		assert.GreaterOrEqual(t, i, 0, "%s: %v", tc.rule, d.Findings())
		rules[tc.rule] = true
	}
	assert.Len(t, rules, 33)
}

// What lint finds in a definition in order is nothing.
func TestLintFindsNothing(t *testing.T) {
	d := parse(t, `{"pages":[{"name":"p","elements":[
	 {"type":"rating","name":"nps","rateMin":0,"rateMax":10,"isRequired":true},
	 {"type":"checkbox","name":"why","choices":["price","staff"],"visibleIf":"{nps} <= 6 and {nps} notempty","minSelectedChoices":1},
	 {"type":"text","name":"more","title":"What about {why}?","visibleIf":"{why} contains 'staff' or {why} anyof ['price']"},
	 {"type":"paneldynamic","name":"people","templateElements":[{"type":"text","name":"who"},{"type":"text","name":"what","visibleIf":"{panel.who} notempty"}]}]}],
	 "calculatedValues":[{"name":"bad","expression":"iif({nps} < 7, 'yes', 'no')"}],
	 "triggers":[{"type":"setvalue","expression":"{bad} = 'yes'","setToName":"more","setValue":"x"}]}`)
	assert.Empty(t, d.Findings())
}

// SurveyJS's own linter finds the same in the same definitions, but for two rules that it has for
// the variables of a host, which are no part of a definition.
func TestLintLikeSurveyJS(t *testing.T) {
	o := startOracle(t)
	var cases []oracleAsk
	for _, tc := range lintCases {
		cases = append(cases, oracleAsk{Lint: json.RawMessage(tc.src)})
	}
	same := 0
	o.ask(cases, func(ask oracleAsk, got oracleTold) {
		tc := lintCases[ask.ID]
		for _, f := range got.Lint {
			if f.Rule == tc.rule {
				same++
				return
			}
		}
		t.Logf("%s: SurveyJS finds %v %s", tc.rule, got.Lint, got.Error)
	})
	t.Logf("%d of %d definitions have the finding in both", same, len(lintCases))
	assert.GreaterOrEqual(t, same, 30)
}

// Of what SurveyJS's linter finds in real forms, this one finds most, at the same place.
func TestLintOfRealForms(t *testing.T) {
	o := startOracle(t)
	var cases []oracleAsk
	files := append(dataFiles(t, "forms"), dataFiles(t, "surveyjs")...)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		cases = append(cases, oracleAsk{Lint: data})
	}
	there, here := 0, 0
	o.ask(cases, func(ask oracleAsk, got oracleTold) {
		d, err := Parse(ask.Lint, Limits{})
		require.NoError(t, err)
		for _, f := range got.Lint {
			there++
			if slices.ContainsFunc(d.Findings(), func(g Finding) bool { return g.Rule == f.Rule && g.Path == f.Path }) {
				here++
			} else {
				t.Logf("not found here: %s %s %s", files[ask.ID], f.Rule, f.Path)
			}
		}
	})
	t.Logf("%d of the %d findings of SurveyJS are found here, too", here, there)
	assert.GreaterOrEqual(t, here*10, there*8)
}
