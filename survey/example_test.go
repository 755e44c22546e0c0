package survey_test

import (
	"fmt"

	"github.com/vefacrm/vefa/survey"
)

// A customer answers the built-in survey.
func Example() {
	def := survey.Satisfaction()
	resp, err := def.Check(survey.Response{Answers: map[string]any{
		"satisfaction": "2", // as a form sends it
		"comment":      "Kordon takılırken kutu kayboldu.",
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	score, _ := def.Score(resp, survey.ScoreOptions{})
	fmt.Println(score.Metric, score.Value, score.Class, score.Bad)
	for _, w := range def.Written(resp) {
		fmt.Println(w.Text)
	}
	// Output:
	// csat 2 dissatisfied true
	// Kordon takılırken kutu kayboldu.
}

// A definition with mistakes is read, reported, and kept as it is.
func ExampleParse() {
	def, err := survey.Parse([]byte(`{"elements":[
	  {"type": "rating", "name": "nps", "rateMin": 0, "rateMax": 10, "isRequried": true},
	  {"type": "imagemap", "name": "detail"},
	  {"type": "comment", "name": "why", "visibleIf": "{nps} <= 6 and"}
	]}`), survey.Limits{})
	fmt.Println(err)
	for _, f := range def.Findings() {
		fmt.Println(f)
	}
	// Output:
	// <nil>
	// elements[0].isRequried: unknown-property: "isRequried" (did you mean "isRequired"?)
	// elements[1].type: unsupported-type: "imagemap"
	// elements[2].visibleIf: bad-expression: expression at 14: ends too early
}

// Every fault is reported, by question and without the answer.
func ExampleDefinition_Check() {
	def := survey.Recommendation()
	_, err := def.Check(survey.Response{Answers: map[string]any{"nps": 11, "colour": "red"}})
	fmt.Println(err)
	// Output:
	// question "nps": not-offered
	// question "colour": not-asked
}

// Scores add up by store, and stores by region.
func ExampleGroups() {
	var stores survey.Groups[string]
	for store, answers := range map[string][]int{
		"34-nisantasi": {10, 9, 10, 8, 9, 10, 7, 9},
		"34-kadikoy":   {10, 2, 6, 9, 7, 8},
		"06-kizilay":   {10, 10},
	} {
		for _, v := range answers {
			score := survey.Score{Metric: survey.NPS, Answered: true, Value: v}
			if err := stores.Add(store, score); err != nil {
				fmt.Println(err)
			}
		}
	}
	for _, g := range stores.Results(0) {
		if g.Suppressed {
			fmt.Println(g.Key, "too few answers to show")
			continue
		}
		r := g.Result
		fmt.Printf("%s NPS %.0f [%.0f, %.0f] n=%d\n", g.Key, r.Value, r.Interval.Low, r.Interval.High, r.N)
	}
	cities := survey.RollUp(&stores, func(store string) string { return store[:2] })
	for city, t := range cities.All() {
		fmt.Println(city, t.N())
	}
	// Output:
	// 06-kizilay too few answers to show
	// 34-kadikoy too few answers to show
	// 34-nisantasi NPS 75 [18, 91] n=8
	// 06 2
	// 34 14
}
