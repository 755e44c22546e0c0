package survey

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const scenarioForm = `{"pages":[{"name":"p1","elements":[{"type":"rating","name":"nps","rateMin":0,"rateMax":10,"isRequired":true},
 {"type":"checkbox","name":"why","choices":["price","staff"],"showOtherItem":true,"visibleIf":"{nps} < 7 and {nps} notempty"},
 {"type":"matrixdynamic","name":"items","rowCount":1,"columns":[{"name":"what","cellType":"text","isRequired":true}]}]},
 {"name":"p2","visibleIf":"{nps} < 7 and {nps} notempty","elements":[{"type":"comment","name":"more","title":"About {why}"}]},
 {"name":"p3","elements":[{"type":"paneldynamic","name":"people","templateElements":[{"type":"text","name":"who"}]}]}],
 "calculatedValues":[{"name":"bad","expression":"iif({nps} < 7, 'yes', 'no')"}]}`

const scenarioSuiteText = `{"name":"s","variables":{"v":1},"tests":[
 {"name":"required","steps":[{"nextPage":{"survey":true}},{"expect":{"survey":{"currentPage":"p1","state":"running"},"nps":{"hasErrors":true,"errorCount":1,"required":true},"why":{"visible":false}}}]},
 {"name":"low","steps":[{"set":{"nps":3}},{"expect":{"why":{"visible":true,"choices":["staff","price","other"]},"bad":{"value":"yes"},"p2":{"visible":true},"survey":{"pages":["p1","p2","p3"],"values":{"nps":3},"noValues":["more"]}}},
  {"set":{"why":["staff"],"items":[{"what":"x"}]}},{"nextPage":{"survey":true}},{"expect":{"survey":{"currentPage":"p2"},"more":{"title":"About staff","page":"p2","type":"comment"}}},
  {"prevPage":{"survey":true}},{"addRow":{"items":1}},{"expect":{"items":{"rowCount":2}}}]},
 {"name":"wrong","steps":[{"set":{"nps":9}},{"expect":{"why":{"visible":true},"bad":{"value":"yes"},"nps":{"value":"9"},"survey":{"currentPage":"p9"}}}]},
 {"name":"hidden","steps":[{"set":{"more":"x"}},{"expect":{"nps":{"empty":true}}}]},
 {"name":"no choice","steps":[{"set":{"nps":11}}]}]}`

// What a scenario finds, by test.
func TestScenarios(t *testing.T) {
	d := parse(t, scenarioForm)
	require.NoError(t, d.Err())
	got, err := d.Scenarios([]byte(scenarioSuiteText), ScenarioOptions{})
	require.NoError(t, err)
	var status []string
	for _, r := range got {
		status = append(status, r.Status)
	}
	assert.Equal(t, []string{"passed", "passed", "failed", "error", "error"}, status, "%+v", got)
	_, err = d.Scenarios([]byte(`{`), ScenarioOptions{})
	require.Error(t, err)
}

// The same suites have the same verdict, check by check, in survey-core/tester.
func TestScenariosLikeSurveyJS(t *testing.T) {
	o := startOracle(t)
	type pair struct {
		name      string
		def, test []byte
	}
	pairs := []pair{{"own", []byte(scenarioForm), []byte(scenarioSuiteText)}}
	for _, f := range dataFiles(t, "surveyjs") {
		suite, err := os.ReadFile(strings.TrimSuffix(f, ".json") + ".tests.json")
		if err != nil {
			continue
		}
		def, err := os.ReadFile(f)
		require.NoError(t, err)
		pairs = append(pairs, pair{f, def, suite})
		// The same with every expectation of visibility turned round: they must fail in both.
		turned := strings.NewReplacer(`"visible":true`, `"visible":false`, `"visible":false`, `"visible":true`, `"visible": true`, `"visible": false`, `"visible": false`, `"visible": true`).Replace(string(suite))
		pairs = append(pairs, pair{f + " turned", def, []byte(turned)})
	}
	var cases []oracleAsk
	for _, p := range pairs {
		cases = append(cases, oracleAsk{Scenario: &oracleScenario{p.def, p.test}})
	}
	compared := 0
	o.ask(cases, func(ask oracleAsk, got oracleTold) {
		p := pairs[ask.ID]
		d, err := Parse(p.def, Limits{})
		require.NoError(t, err)
		here, err := d.Scenarios(p.test, ScenarioOptions{Now: oracleNow})
		require.NoError(t, err)
		require.Empty(t, got.Error)
		require.Len(t, here, len(got.Scenario), p.name)
		for i, there := range got.Scenario {
			assert.Equal(t, there.Status, here[i].Status, "%s: %s %+v", p.name, there.Name, here[i])
			for j, st := range there.Steps {
				if j >= len(here[i].Steps) {
					break
				}
				a, b := map[string]bool{}, map[string]bool{}
				for _, c := range st.Checks {
					a[c.Target+" "+c.Check+c.Key] = c.Passed
				}
				for _, c := range here[i].Steps[j].Checks {
					b[c.Target+" "+c.Check] = c.Passed || b[c.Target+" "+c.Check]
				}
				for k, passed := range a {
					compared++
					assert.Equal(t, passed, b[k], "%s: %s: step %d: %s", p.name, there.Name, j, k)
				}
			}
		}
	})
	t.Log(fmt.Sprint(compared, " checks of ", len(pairs), " suites compared"))
	assert.Greater(t, compared, 15)
}

// oracleScenario is a definition and its suite.
type oracleScenario struct {
	Def   json.RawMessage `json:"def"`
	Suite json.RawMessage `json:"suite"`
}
