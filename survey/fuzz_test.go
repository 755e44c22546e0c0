package survey

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"elements":[{"type":"rating","name":"r","rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}}]}`,
		everyType, scenarioForm, `{"pages":[{"elements":[{"type":"panel","elements":[{"type":"comment","name":"a","visibleIf":"{b} = [1,'x']"}]}]}]}`,
		`{"title":{"tr":"İ","default":1},"elements":[{"type":"radiogroup","name":"","choices":[null,{},"a"]}]}`,
		`{"elements":[{"type":"rating","name":"r","rateMax":1e308,"rateStep":1e-308}]}`, "\uFEFF{}", `{"a":` + "\x00",
		`{"elements":[{"type":"paneldynamic","name":"p","panelCount":2,"templateElements":[{"type":"checkbox","name":"c","choices":[1,"a|b"],"showOtherItem":true,"choicesVisibleIf":"{panel.t} = {item}"}]},{"type":"matrix","name":"m","columns":[1],"rows":["r"],"eachRowUnique":true}],"triggers":[{"type":"copyvalue","fromName":"p","setToName":"z"}]}`,
		`{"elements":[{"type":"matrixdropdown","name":"m","columns":["a",{"name":"b","cellType":"file"}],"rows":[1,2]},{"type":"multipletext","name":"t","items":["x"]},{"type":"slider","name":"s","sliderType":"range"},{"type":"text","name":"n","maskType":"numeric"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 16, Choices: 100}
		d, err := Parse(data, limits)
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
		limits.Bytes = 1 << 18 // escaping may lengthen
		again, err := Parse(out, limits)
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
		walkAround(d)
	})
}

// walkAround answers what shows until the survey ends.
func walkAround(d *Definition) {
	s := d.Begin(SessionOptions{})
	for range 6 {
		var answer func(list []ElementView)
		budget := 200
		answer = func(list []ElementView) {
			for _, el := range list {
				if budget--; budget < 0 {
					return
				}
				if el.Panel != nil {
					answer(el.Panel.Elements)
					continue
				}
				s.Answer(el.Question.Path, "1")
				s.Add(el.Question.Path)
				for _, p := range el.Question.Panels {
					answer(p.Elements)
				}
				for _, r := range el.Question.Rows {
					for _, c := range r.Cells {
						s.Answer(c.Path, "1")
					}
				}
			}
		}
		answer(s.Page().Elements)
		s.Next()
	}
	s.Complete()
	_ = s.Thanks()
	_ = s.Answers()
}

func FuzzExpr(f *testing.F) {
	for _, s := range []string{
		"{a} notempty and {a} <= 6", "!({a} = 'x') or {b} contains ['y', 2]", "{a.b[0].length} > 0x10", "[[null],{}]",
		"((((", "'\\'", "{a} *= \"ı\" || negate -1.5 empty", "iif({a}, 1, 2)", "2 power 3", "{#a} anyof {a}",
		"sumInArray({b}, 'c', '{c} > 1')", "dateAdd('2024-02-29', 1, 'years')", "round(trunc({a}, 2) % 3 ^ 4, 1)", "substring('abc', {a})",
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
		env := Env{Answers: v, Now: oracleNow}
		once := x.holds(env)
		if once != x.holds(env) {
			t.Fatalf("%q is true and false", src)
		}
	})
}

func FuzzSafeHTML(f *testing.F) {
	for _, s := range []string{"<p>x</p>", "<script>", "<a href='javascript:x'>", "<img src=x onerror=y>", "<!--", "<svg><p>", "</p></p>", "a&lt;b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		out := SafeHTML(src)
		lower := strings.ToLower(out)
		for _, bad := range []string{"<script", "<svg", "<iframe", "<form", "<style", "\"javascript:"} {
			if strings.Contains(lower, bad) {
				t.Fatalf("%q became %q", src, out)
			}
		}
		if again := SafeHTML(out); again != out {
			t.Fatalf("%q became %q and then %q", src, out, again)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{`^(?=.*a)b{2,}$`, `[^]`, `\u00e7`, `(?<n>x)`, `a{`, `\`} {
		f.Add(s, "text")
	}
	f.Fuzz(func(t *testing.T, re, text string) {
		p, err := compilePattern(re, true)
		if err == nil {
			p.match(text)
		}
	})
}

// Answers of any shape are refused or taken, and never break anything.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"nps":3,"why":["staff","all"],"items":[{"what":"x"}],"people":[{"who":1}]}`)
	f.Add(`{"items":{"0":1},"people":[[],null,{"who":{"a":[]}}],"why":{"value":"price"},"why-Comment":"x"}`)
	d, err := Parse([]byte(scenarioForm), Limits{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answers string) {
		var in map[string]any
		if json.Unmarshal([]byte(answers), &in) != nil {
			return
		}
		out, err := d.Check(Response{Answers: in})
		var faults Faults
		if err != nil && !errors.As(err, &faults) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil {
			if again, err := d.Check(out); err != nil {
				t.Fatalf("%v became %v, refused: %v", in, again, err)
			}
		}
		s := d.Begin(SessionOptions{Answers: in})
		_ = s.Page()
		s.Next()
	})
}
