package survey_test

import (
	"fmt"

	"github.com/vefacrm/vefa/survey"
)

// A survey is filled in page by page; the server keeps the answers between requests.
func ExampleDefinition_Begin() {
	def, err := survey.Parse([]byte(`{"pages":[
	 {"elements":[{"type":"rating","name":"nps","rateMin":0,"rateMax":10,"isRequired":true,"title":"Would you recommend us?"}]},
	 {"visibleIf":"{nps} < 7","elements":[{"type":"checkbox","name":"why","choices":["price","staff"],"title":"Why {nps}?"}]},
	 {"elements":[{"type":"paneldynamic","name":"people","templateElements":[{"type":"text","name":"who"}]}]}],
	 "completedHtml":"<p>Thanks for {nps}</p><script>alert(1)</script>"}`), survey.Limits{})
	if err != nil {
		panic(err)
	}
	s := def.Begin(survey.SessionOptions{})
	fmt.Println(s.Next()) // nothing is answered
	s.Answer("nps", "3")
	s.Next()
	page := s.Page()
	fmt.Println(page.Number, "of", page.Of, page.Elements[0].Question.Label)
	s.Answer("why", []any{"staff"})

	// The next request goes on with what was kept.
	s = def.Begin(survey.SessionOptions{Answers: s.Answers(), Page: s.PageIndex(), Resumed: true})
	s.Next()
	s.Add("people")
	s.Answer("people[0].who", "Ada")
	fmt.Println(s.Complete(), s.State(), s.Answers())
	fmt.Println(s.Thanks())
	// Output:
	// question "nps": required
	// 2 of 3 Why 3?
	//  completed map[nps:3 people:[map[who:Ada]] why:[staff]]
	// <p>Thanks for 3</p>
}

// Scenarios are tests of a definition, in the format of SurveyJS.
func ExampleDefinition_Scenarios() {
	def, err := survey.Parse([]byte(`{"elements":[{"type":"boolean","name":"call"},{"type":"text","name":"phone","visibleIf":"{call} = true"}]}`), survey.Limits{})
	if err != nil {
		panic(err)
	}
	results, err := def.Scenarios([]byte(`{"tests":[{"name":"a call needs a phone","steps":[
	 {"expect":{"phone":{"visible":false}}},{"set":{"call":true}},{"expect":{"phone":{"visible":true}}}]}]}`), survey.ScenarioOptions{})
	fmt.Println(results[0].Name+":", results[0].Status, err)
	// Output: a call needs a phone: passed <nil>
}
