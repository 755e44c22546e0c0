package survey

import (
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

func BenchmarkExpr(b *testing.B) {
	x, err := compileExpr("{nps} notempty and {nps} <= 6", Limits{}.withDefaults().Expression)
	if err != nil {
		b.Fatal(err)
	}
	env := Env{Answers: map[string]any{"nps": 5.0}}
	b.ReportAllocs()
	for b.Loop() {
		if !x.holds(env) {
			b.Fatal("false")
		}
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
