package survey

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(everyType), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	d := Satisfaction()
	r := Response{Answers: map[string]any{"satisfaction": "4", "comment": "Çok memnun kaldım, teşekkürler."}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Check(r); err != nil {
			b.Fatal(err)
		}
	}
}

// twentyOne is a survey of 21 questions of several types with conditions, and its answers.
func twentyOne(tb testing.TB) (*Definition, map[string]any) {
	tb.Helper()
	var elements []string
	answers := map[string]any{}
	add := func(name, src string, v any) {
		elements = append(elements, fmt.Sprintf(`{"name":%q,%s}`, name, src))
		answers[name] = v
	}
	for i := range 7 {
		add(fmt.Sprint("rating", i), `"type":"rating","rateMin":0,"rateMax":10,"isRequired":true`, float64(i+3))
	}
	for i := range 4 {
		add(fmt.Sprint("why", i), fmt.Sprintf(`"type":"comment","visibleIf":"{rating%d} notempty and {rating%d} <= 9"`, i, i), "Kasada çok bekledik.")
	}
	for i := range 3 {
		add(fmt.Sprint("pick", i), `"type":"radiogroup","choices":["a","b","c","d"],"showOtherItem":true`, "b")
	}
	for i := range 3 {
		add(fmt.Sprint("many", i), `"type":"checkbox","choices":["a","b","c","d","e"]`, []any{"a", "d"})
	}
	add("mail", `"type":"text","inputType":"email"`, "a@b.example")
	add("age", `"type":"text","inputType":"number","min":18,"max":120`, 44.0)
	add("call", `"type":"boolean","requiredIf":"{rating0} < 5"`, true)
	add("phone", `"type":"text","visibleIf":"{call} = true","validators":[{"type":"regex","regex":"^05[0-9]{9}$"}]`, "05321234567")
	d, err := Parse([]byte(`{"elements":[`+strings.Join(elements, ",")+`]}`), Limits{})
	if err != nil || d.Err() != nil || len(d.questions) != 21 {
		tb.Fatal(err, d.Err())
	}
	return d, answers
}

// BenchmarkCheckTwentyOne validates the answers to 21 questions.
func BenchmarkCheckTwentyOne(b *testing.B) {
	d, answers := twentyOne(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Check(Response{Answers: answers}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheckDemo validates the answers to the 21 questions of SurveyJS's own demo.
func BenchmarkCheckDemo(b *testing.B) {
	root := os.Getenv("VEFA_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	data, err := os.ReadFile(filepath.Join(root, "survey", "surveyjs", "surveyjs-demo-customer-satisfaction.json"))
	if err != nil {
		b.Skip(err)
	}
	d, err := Parse(data, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	answers := map[string]any{}
	for q := range d.Questions() {
		if len(q.Choices) > 0 && !q.Multiple {
			answers[q.Name] = q.Choices[0].Value
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = d.Check(Response{Answers: answers})
	}
}

func BenchmarkExpr(b *testing.B) {
	for _, src := range []string{
		"{nps} notempty and {nps} <= 6", "{call} = true", "{why} contains 'price' or {nps} > 8",
		"iif({nps} >= 9, 'promoter', iif({nps} >= 7, 'passive', 'detractor'))",
	} {
		b.Run(src, func(b *testing.B) {
			x, err := compileExpr(src, Limits{}.withDefaults().Expression)
			if err != nil {
				b.Fatal(err)
			}
			e := &evaluation{env: Env{Answers: map[string]any{"nps": 5.0, "call": true, "why": []any{"staff", "price"}}}}
			b.ReportAllocs()
			for b.Loop() {
				x.root.eval(e)
			}
		})
	}
}

func BenchmarkResult(b *testing.B) {
	for _, m := range []Metric{NPS, CSAT, CES} {
		b.Run(string(m), func(b *testing.B) {
			t := tally(b, m, 5, 4, 3, 5, 2, 5, 5, 4)
			b.ReportAllocs()
			for b.Loop() {
				t.Result()
			}
		})
	}
}
