package survey_test

import (
	"testing"

	"github.com/vefacrm/vefa/survey"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := survey.Parse([]byte(everyType), survey.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	d := survey.Satisfaction()
	r := survey.Response{Answers: map[string]any{"satisfaction": "4", "comment": "Çok memnun kaldım, teşekkürler."}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Check(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExpr(b *testing.B) {
	x, err := survey.CompileExpr("{nps} notempty and {nps} <= 6")
	if err != nil {
		b.Fatal(err)
	}
	env := survey.Env{Answers: map[string]any{"nps": 5.0}}
	b.ReportAllocs()
	for b.Loop() {
		if !x.True(env) {
			b.Fatal("false")
		}
	}
}

func BenchmarkResult(b *testing.B) {
	for _, m := range []survey.Metric{survey.NPS, survey.CSAT, survey.CES} {
		b.Run(string(m), func(b *testing.B) {
			t := tally(b, m, 5, 4, 3, 5, 2, 5, 5, 4)
			b.ReportAllocs()
			for b.Loop() {
				t.Result()
			}
		})
	}
}
