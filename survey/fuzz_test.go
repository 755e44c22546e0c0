package survey

import (
	"encoding/json"
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"elements":[{"type":"rating","name":"r","rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}}]}`,
		everyType, `{"pages":[{"elements":[{"type":"panel","elements":[{"type":"comment","name":"a","visibleIf":"{b} = [1,'x']"}]}]}]}`,
		`{"title":{"tr":"İ","default":1},"elements":[{"type":"radiogroup","name":"","choices":[null,{},"a"]}]}`,
		`{"elements":[{"type":"rating","name":"r","rateMax":1e308,"rateStep":1e-308}]}`, "\uFEFF{}", `{"a":` + "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, Limits{Bytes: 1 << 16})
		if err != nil {
			if pe := (*ParseError)(nil); !errors.As(err, &pe) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out, Limits{Bytes: 1 << 18}) // escaping may lengthen
		if err != nil {
			t.Fatalf("written definition is refused: %v", err)
		}
		if len(again.Findings()) != len(d.Findings()) {
			t.Fatalf("findings %v became %v", d.Findings(), again.Findings())
		}
		_ = d.Err()
		answers := map[string]any{}
		for q := range d.Questions() {
			answers[q.Name] = "1"
		}
		r, _ := d.Check(Response{Answers: answers})
		_ = d.Scores(r, ScoreOptions{})
		_ = d.Written(r)
	})
}

func FuzzExpr(f *testing.F) {
	for _, s := range []string{
		"{a} notempty and {a} <= 6", "!({a} = 'x') or {b} contains ['y', 2]", "{a.b[0].length} > 0x10", "[[null],{}]",
		"((((", "'\\'", "{a} *= \"ı\" || negate -1.5 empty", "iif({a}, 1, 2)", "2 power 3", "{#a} anyof {a}",
	} {
		f.Add(s, `{"a":1,"b":["y",{"c":null}]}`)
	}
	f.Fuzz(func(t *testing.T, src, values string) {
		x, err := compileExpr(src, Limits{}.withDefaults().Expression)
		if err != nil {
			if ee := (*expressionError)(nil); !errors.As(err, &ee) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		var v map[string]any
		_ = json.Unmarshal([]byte(values), &v)
		env := Env{Answers: v}
		once := x.holds(env)
		if once != x.holds(env) {
			t.Fatalf("%q is true and false", src)
		}
	})
}
