package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	tag := Tag
	for text, want := range map[string]Expr{
		"vip":                           tag("vip"),
		`"two words"`:                   tag("two words"),
		"tag(not)":                      tag("not"),
		"vip and gold":                  All(tag("vip"), tag("gold")),
		"VIP AND gold":                  All(tag("VIP"), tag("gold")),
		"a or b or c":                   Any(tag("a"), tag("b"), tag("c")),
		"a and (b or c)":                All(tag("a"), Any(tag("b"), tag("c"))),
		"(a and b) and c":               All(All(tag("a"), tag("b")), tag("c")),
		"a and b except c except d":     Without(All(tag("a"), tag("b")), tag("c"), tag("d")),
		"(a except b) except c":         Without(Without(tag("a"), tag("b")), tag("c")),
		"(a except b) and c":            All(Without(tag("a"), tag("b")), tag("c")),
		"not not a":                     Not(Not(tag("a"))),
		"at least 2 of (a, b, c)":       AtLeast(2, tag("a"), tag("b"), tag("c")),
		"all(a) or any()":               Any(All(tag("a")), Any()),
		"everyone except segment(x)":    Without(All(), In("x")),
		"leaf(rfm:5-5-5) xor ışık-İyi":  Odd(Leaf("rfm:5-5-5"), tag("ışık-İyi")),
		"a # the first\n and b # other": All(tag("a"), tag("b")),
		"\ufeffa":                       tag("a"),
	} {
		got, err := Parse(text, Limits{})
		require.NoError(t, err, text)
		require.True(t, want.equal(got), "%s: %v", text, got)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "1:1: expected a tag or an expression, found the end",
		"a and\n  b or c":        `2:5: "and" and "or" side by side need parentheses`,
		"a except b and c":       `1:12: "except" and "and" side by side need parentheses`,
		"a b":                    `1:3: expected the end, found "b"`,
		"(a and b":               `1:9: expected ")", found the end`,
		"at least 4 of (a, b)":   "1:10: at least 4 of only 2",
		"at least 0 of (a)":      `1:10: expected a number from 1, found "0"`,
		"at most 2 of (a)":       `1:4: expected "least", found "most"`,
		"segment(\"a":            "1:9: the quoted name does not end or is too long",
		"a and \"\"":             "1:7: the name is empty",
		"a and ?":                "1:7: unexpected '?'",
		"müşteri and and":        `1:13: expected a tag or an expression, found "and"`,
		"a and \xff":             "1:7: unexpected '�'",
		"leaf()":                 `1:6: expected the name of a leaf, found ")"`,
		"all(a b)":               `1:7: expected ",", found "b"`,
		`"a\nb"`:                 "1:1: the name has a control character",
		strings.Repeat("x", 256): "1:1: the name is longer than 255 bytes",
		"a, b":                   `1:2: expected the end, found ","`,
		"not":                    "1:4: expected a tag or an expression, found the end",
		"a and b xor c and d":    `1:9: "and" and "xor" side by side need parentheses`,
		"segment x = a":          `1:9: expected "(", found "x"`,
		"a ignoring red b":       `1:3: expected the end, found "ignoring"`,
		"everyone nobody":        `1:10: expected the end, found "nobody"`,
		"\"\\xff\"":              "1:1: the name is not valid UTF-8",
	} {
		_, err := Parse(text, Limits{})
		var at *ParseError
		require.ErrorAs(t, err, &at, text)
		require.Equal(t, "segment: "+want, err.Error(), text)
	}
}

func TestParseDefinitions(t *testing.T) {
	defs, err := ParseDefinitions(`
# who comes often
segment loyal = at least 2 of (gold, app)
segment "summer sms" = segment(loyal) and newsletter except staff ignoring red service-only, battery
`, Limits{})
	require.NoError(t, err)
	require.Len(t, defs, 2)
	require.Equal(t, "summer sms", defs[1].Name)
	require.Equal(t, []string{"battery", "service-only"}, defs[1].IgnoreRed)
	require.Equal(t, `segment "summer sms" = segment(loyal) and newsletter except staff ignoring red battery, service-only`,
		defs[1].String())
	for text, want := range map[string]string{
		"segment a = x segment a = y": "1:15: segment \"a\" is defined twice",
		"segment a x":                 `1:11: expected "=", found "x"`,
		"x":                           `1:1: expected "segment", found "x"`,
		"segment a = x y":             `1:15: expected an operator, "ignoring red" or the next segment, found "y"`,
		"segment a = x ignoring y":    `1:24: expected "red", found "y"`,
	} {
		_, err := ParseDefinitions(text, Limits{})
		require.EqualError(t, err, "segment: "+want, text)
	}
}

func TestJSON(t *testing.T) {
	e, err := Parse("at least 2 of (vip, leaf(f), segment(s)) and not (a xor b) except (c or d)", Limits{})
	require.NoError(t, err)
	data, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"except":[{"all":[{"atLeast":{"k":2,"of":["vip",{"leaf":"f"},{"segment":"s"}]}},
		{"not":{"xor":["a","b"]}}]},{"any":["c","d"]}]}`, string(data))
	var back Expr
	require.NoError(t, json.Unmarshal(data, &back))
	require.True(t, e.equal(back))
	_, err = json.Marshal(Expr{})
	require.Error(t, err)

	d := Definition{Name: "x", Expr: Tag("a"), IgnoreRed: []string{"z", "b", "z"}}
	data, err = json.Marshal(d)
	require.NoError(t, err)
	require.Equal(t, `{"name":"x","members":"a","ignoreRed":["b","z"]}`, string(data))
	var got Definition
	require.NoError(t, json.Unmarshal(data, &got))
	require.Equal(t, []string{"b", "z"}, got.IgnoreRed)
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                 "1:1: JSON: unexpected end",
		`1`:                                "1:2: expected a tag or an object, found 1",
		`{"all":["a"`:                      "1:12: JSON: unexpected end",
		`{"nope":1}`:                       "1:8: unknown operation nope",
		"{\n\"not\":\"a\",\"all\":[]}":     "2:10: an expression has one field only",
		`{"xor":["a"]}`:                    "1:13: segment: xor: needs two operands or more",
		`{"atLeast":{"k":3,"of":["a"]}}`:   "1:30: segment: at least: the number must be from 1 to the number of operands",
		`{"atLeast":{"k":1.5,"of":["a"]}}`: "1:20: k must be a whole number from 1",
		`{"atLeast":{"k":1,"k":1}}`:        "1:22: field \"k\" is repeated",
		`"a" "b"`:                          "1:8: text after the end of the document",
		`""`:                               "1:3: the name is empty",
		`{"tag":["a"]}`:                    "1:7: unknown operation tag",
		`{}`:                               "1:3: unknown operation }",
		`["a"]`:                            "1:2: expected a tag or an object, found [",
	} {
		_, err := parseJSON([]byte(text), Limits{})
		var at *ParseError
		require.ErrorAs(t, err, &at, text)
		require.Equal(t, "segment: "+want, err.Error(), text)
	}
	var d Definition
	require.Error(t, d.UnmarshalJSON([]byte(`{"name":"x"}`)))
	require.Error(t, d.UnmarshalJSON([]byte(`{"name":"x","members":"a","more":1}`)))
}

// A file of definitions is the same in text and in JSON.
func TestDefinitionsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var defs []Definition
		for i := range rapid.IntRange(0, 4).Draw(t, "n") {
			d := Definition{Name: fmt.Sprint("s ", i), Expr: genExpr(3, []string{"s", "not"}).Draw(t, "expr")}
			if rapid.Bool().Draw(t, "careless") {
				d.IgnoreRed = []string{"a", "red"}
			}
			defs = append(defs, d)
		}
		text := ""
		for _, d := range defs {
			text += d.String() + "\n"
		}
		fromText, err := ParseDefinitions(text, Limits{})
		require.NoError(t, err)
		data, err := json.Marshal(append([]Definition{}, defs...))
		require.NoError(t, err)
		fromJSON, err := ParseDefinitionsJSON(data, Limits{})
		require.NoError(t, err)
		require.True(t, slices.EqualFunc(fromText, fromJSON, Definition.equal))
	})
	for text, want := range map[string]string{
		"{}":                   "1:2: expected [, found {",
		"[\n{\"name\":\"a\"}]": "2:13: a definition needs name and members",
		`[{"name":"a","members":"x"},{"name":"a","members":"y"}]`: `1:55: segment "a" is defined twice`,
		`[{"name":"a","members":"x"}] 1`:                          "1:31: text after the end of the document",
		`[{"name":"a","members":{"no":1}}]`:                       "1:29: unknown operation no",
		`[`:                                                       "1:2: JSON: unexpected end",
	} {
		_, err := ParseDefinitionsJSON([]byte(text), Limits{})
		require.EqualError(t, err, "segment: "+want, text)
	}
	for name, limits := range map[string]Limits{"bytes": {Bytes: 20}, "nodes": {Nodes: 3}, "segments": {Segments: 1}, "depth": {Depth: 1}} {
		_, err := ParseDefinitionsJSON([]byte(`[{"name":"a","members":{"all":["x","y"]}},{"name":"b","members":"x"}]`), limits)
		var limit *LimitError
		require.ErrorAs(t, err, &limit, name)
		require.Equal(t, name, limit.What)
	}
}

func TestHostileDefinitions(t *testing.T) {
	deep := func(open, middle, end string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, text := range map[string]string{
		"parentheses": deep("(", "a", ")", 10_000),
		"not":         deep("not ", "a", "", 10_000),
		"all":         deep("all(", "a", ")", 10_000),
		"at least":    deep("at least 1 of (", "a", ")", 10_000),
		"right":       deep("a and (", "a", ")", 10_000),
		"10 MB":       strings.Repeat("a or ", 2<<20) + "a",
		"wide":        strings.Repeat("a or ", 20_000) + "a",
		"open":        strings.Repeat("(", 1<<20),
	} {
		_, err := Parse(text, Limits{})
		var limit *LimitError
		require.ErrorAs(t, err, &limit, name)
	}
	for name, text := range map[string]string{
		"not":   deep(`{"not":`, `"a"`, `}`, 10_000),
		"all":   deep(`{"all":[`, `"a"`, `]}`, 9_000),
		"10 MB": `{"all":["` + strings.Repeat("a", 10<<20) + `"]}`,
		"wide":  `{"all":["a"` + strings.Repeat(`,"a"`, 20_000) + `]}`,
	} {
		var e Expr
		_, err := parseJSON([]byte(text), Limits{})
		var limit *LimitError
		require.ErrorAs(t, err, &limit, name)
		require.Error(t, json.Unmarshal([]byte(text), &e), name)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(512<<20), "the work grows with the text, not with its nesting")
	e := Tag("a")
	for range 10_000 {
		e = Not(e)
	}
	var limit *LimitError
	require.ErrorAs(t, e.validate(Limits{}), &limit)
}

// genExpr draws a valid expression over few names.
func genExpr(depth int, segments []string) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		tags := []string{"a", "b", "c", "d", "and", "two words", "ışık"}
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		args := func(low int) []Expr {
			return rapid.SliceOfN(genExpr(depth-1, segments), low, 4).Draw(t, "args")
		}
		switch kind {
		case 2:
			return Leaf(rapid.SampledFrom([]string{"set", "pred"}).Draw(t, "leaf"))
		case 3:
			if len(segments) > 0 {
				return In(rapid.SampledFrom(segments).Draw(t, "segment"))
			}
		case 4:
			return All(args(0)...)
		case 5:
			return Any(args(0)...)
		case 6:
			a := args(1)
			return AtLeast(rapid.IntRange(1, len(a)).Draw(t, "k"), a...)
		case 7:
			a := args(2)
			return Without(a[0], a[1:]...)
		case 8:
			return Odd(args(2)...)
		case 9:
			return Not(args(1)[0])
		}
		return Tag(rapid.SampledFrom(tags).Draw(t, "tag"))
	})
}

func TestTextAndJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genExpr(4, []string{"s", "not"}).Draw(t, "expr")
		text := e.String()
		back, err := Parse(text, Limits{})
		require.NoError(t, err, text)
		require.True(t, e.equal(back), text)
		require.Equal(t, text, back.String())
		data, err := json.Marshal(e)
		require.NoError(t, err)
		var fromJSON Expr
		require.NoError(t, json.Unmarshal(data, &fromJSON))
		require.True(t, e.equal(fromJSON))
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"a", "a and b except c", "at least 2 of (a, segment(b))", `"q" xor leaf(x)`,
		"segment s = a or b ignoring red c", "not (everyone)", "((((", "a # c", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := Parse(text, Limits{}); err == nil {
			back, err := Parse(e.String(), Limits{})
			if err != nil || !back.equal(e) {
				t.Fatalf("%q -> %q: %v", text, e, err)
			}
		} else {
			requireTyped(t, err)
		}
		if defs, err := ParseDefinitions(text, Limits{}); err == nil {
			for _, d := range defs {
				back, err := ParseDefinitions(d.String(), Limits{})
				if err != nil || len(back) != 1 || !back[0].equal(d) {
					t.Fatalf("%q: %v", d, err)
				}
			}
		} else {
			requireTyped(t, err)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, text := range []string{`"a"`, `{"all":["a",{"not":"b"}]}`, `{"atLeast":{"k":1,"of":["a"]}}`,
		`{"name":"x","members":{"leaf":"l"},"ignoreRed":["r"]}`, `{"all":[`, `{"xor":["a","b"]} x`, `nul`,
		`[{"name":"x","members":"a"},{"name":"y","members":{"segment":"x"}}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := parseJSON(data, Limits{}); err == nil {
			out, err := e.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			back, err := parseJSON(out, Limits{})
			if err != nil || !back.equal(e) {
				t.Fatalf("%s -> %s: %v", data, out, err)
			}
		} else {
			requireTyped(t, err)
		}
		if defs, err := ParseDefinitionsJSON(data, Limits{}); err == nil {
			out, err := json.Marshal(defs)
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParseDefinitionsJSON(out, Limits{})
			if err != nil && len(defs) > 0 || !slices.EqualFunc(defs, back, Definition.equal) {
				t.Fatalf("%s -> %s: %v", data, out, err)
			}
		} else {
			requireTyped(t, err)
		}
		var d Definition
		if err := d.UnmarshalJSON(data); err == nil {
			out, err := d.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var back Definition
			if err := back.UnmarshalJSON(out); err != nil || !back.equal(d) {
				t.Fatalf("%s -> %s: %v", data, out, err)
			}
		}
	})
}

func requireTyped(t *testing.T, err error) {
	var parse *ParseError
	var limit *LimitError
	var invalid *InvalidError
	if !errors.As(err, &parse) && !errors.As(err, &limit) && !errors.As(err, &invalid) {
		t.Fatalf("untyped error %v", err)
	}
}
