package survey

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const everyType = `{"x-retail":{"name":"every","version":3},"pages":[{"elements":[
 {"type":"rating","name":"nps","isRequired":true,"rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}},
 {"type":"comment","name":"why","visibleIf":"{nps} <= 6","isRequired":true,"maxLength":10},
 {"type":"radiogroup","name":"pick","choices":["a",2,{"value":"c","visibleIf":"{nps} > 8"}]},
 {"type":"boolean","name":"call"},
 {"type":"boolean","name":"custom","valueTrue":"Yes","valueFalse":"No"},
 {"type":"text","name":"phone","inputType":"tel","requiredIf":"{call} = true","x-retail":{"pii":"contact"}},
 {"type":"text","name":"mail","inputType":"email"},
 {"type":"text","name":"age","inputType":"number","min":18,"max":"120"},
 {"type":"text","name":"day","inputType":"date","min":"2026-01-01","max":"2026-12-31"},
 {"type":"text","name":"site","inputType":"url"},
 {"type":"text","name":"line"}]}]}`

func TestCheckNormalises(t *testing.T) {
	d := parse(t, everyType)
	require.NoError(t, d.Err())
	for _, tc := range []struct {
		name  string
		value any
		want  any // nil: cleared
	}{
		{"nps", 9, 9.0},
		{"nps", "9", 9.0},
		{"nps", " 10 ", 10.0},
		{"nps", json.Number("8"), 8.0},
		{"nps", int64(7), 7.0},
		{"nps", 7.0, 7.0},
		{"pick", "2", 2.0},
		{"pick", 2, 2.0},
		{"pick", "a", "a"},
		{"pick", "", nil},
		{"call", "false", false},
		{"call", false, false},
		{"custom", "Yes", "Yes"},
		{"line", "  Işıl\tIşık \r\n x\x00\x7f", "Işıl\tIşık   x"},
		{"line", 5, "5"},
		{"line", " \t", nil},
		{"line", "a\xffb", "a\uFFFDb"},
		{"why", "a\r\nb\rc", nil}, // hidden for a nine
		{"age", "18", 18.0},
		{"age", 120, 120.0},
		{"day", "2026-12-31", "2026-12-31"},
		{"mail", "a.b@c.com.tr", "a.b@c.com.tr"},
		{"site", "https://ör.nek/x", "https://ör.nek/x"},
	} {
		in := map[string]any{"nps": 9, tc.name: tc.value}
		got, err := d.Check(Response{Answers: in})
		require.NoError(t, err, "%s %v", tc.name, tc.value)
		v, ok := got.Answers[tc.name]
		assert.Equal(t, tc.want != nil, ok, "%s %v", tc.name, tc.value)
		assert.Equal(t, tc.want, v, "%s %v", tc.name, tc.value)
		assert.Equal(t, tc.value, in[tc.name], "the input is not changed")
		assert.Equal(t, "every", got.Survey)
		assert.Equal(t, "3", got.Version)
	}
}

func TestCheckFaults(t *testing.T) {
	d := parse(t, everyType)
	for _, tc := range []struct {
		name  string
		value any
		code  string
		limit string
	}{
		{"nps", 11, notOffered, ""},
		{"nps", -1, notOffered, ""},
		{"nps", 6.5, notOffered, ""},
		{"nps", "nine", notOffered, ""},
		{"nps", math.NaN(), notOffered, ""},
		{"nps", true, notOffered, ""},
		{"nps", []any{9}, wrongType, ""},
		{"nps", nil, required, ""},
		{"pick", "z", notOffered, ""},
		{"pick", "c", notOffered, ""}, // its condition does not hold
		{"call", "maybe", notOffered, ""},
		{"custom", true, notOffered, ""},
		{"line", map[string]any{"a": 1}, wrongType, ""},
		{"line", false, wrongType, ""},
		{"line", strings.Repeat("x", 10_001), tooLong, "10000"},
		{"line", strings.Repeat("x", 1<<20), tooLong, "10000"},
		{"age", 17, outOfRange, "18"},
		{"age", "121", outOfRange, "120"},
		{"age", "Infinity", badFormat, ""},
		{"age", "1_0", badFormat, ""},
		{"age", math.Inf(1), badFormat, ""},
		{"day", "2026-02-30", badFormat, ""},
		{"day", "2025-12-31", outOfRange, "2026-01-01"},
		{"mail", "a@b", badFormat, ""},
		{"mail", "a b@c.d", badFormat, ""},
		{"site", "örnek", badFormat, ""},
		{"nobody", 1, notAsked, ""},
	} {
		_, err := d.Check(Response{Answers: map[string]any{"nps": 8, tc.name: tc.value}})
		var f Fault
		require.ErrorAs(t, err, &f, "%s %v", tc.name, tc.value)
		assert.Equal(t, Fault{Question: tc.name, Code: tc.code, Limit: tc.limit}, f)
		assert.NotContains(t, err.Error(), "xxx", "the answer is not in the error")
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	d := parse(t, everyType)
	got, err := d.Check(Response{Answers: map[string]any{
		"nps": 2, "why": strings.Repeat("ş", 11), "call": true, "age": 3, "zz": 1, "aa": 1, "line": "ok",
	}})
	var fs Faults
	require.True(t, errors.As(err, &fs))
	assert.Equal(t, Faults{
		{Question: "why", Code: tooLong, Limit: "10"}, {Question: "phone", Code: required}, {Question: "age", Code: outOfRange, Limit: "18"},
		{Question: "aa", Code: notAsked}, {Question: "zz", Code: notAsked},
	}, fs)
	assert.Equal(t, map[string]any{"nps": 2.0, "call": true, "line": "ok"}, got.Answers)
	assert.Contains(t, err.Error(), "question \"why\": too-long (10)\nquestion \"phone\": required")
}

func TestHiddenAnswersAreCleared(t *testing.T) {
	d := parse(t, everyType)
	got, err := d.Check(Response{Answers: map[string]any{"nps": 10, "why": strings.Repeat("far too long", 9)}})
	require.NoError(t, err, "what is hidden is not judged")
	assert.Equal(t, map[string]any{"nps": 10.0}, got.Answers)

	keep := parse(t, `{"clearInvisibleValues":"none","elements":[{"type":"comment","name":"a","visible":false}]}`)
	got, err = keep.Check(Response{Answers: map[string]any{"a": "x"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": "x"}, got.Answers)
}

// Check is idempotent, also through JSON, and never panics.
func TestCheckIsIdempotent(t *testing.T) {
	d := parse(t, everyType)
	names := []string{"nps", "why", "pick", "call", "custom", "phone", "mail", "age", "day", "site", "line", "nobody"}
	value := rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.IntRange(-2, 12), func(i int) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]string{"a", "2", "Yes", "true", "5", "2026-05-05", "a@b.c", "ığüşöç", " x "}), func(s string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.String()), func(s []string) any { return s }),
	)
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.MapOf(rapid.SampledFrom(names), value).Draw(t, "answers")
		once, err := d.Check(Response{Answers: in})
		var fs Faults
		if err != nil && !errors.As(err, &fs) {
			t.Fatalf("untyped %v", err)
		}
		if err != nil {
			return
		}
		data, jsonErr := json.Marshal(once)
		require.NoError(t, jsonErr)
		var back Response
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, once, back)
		twice, err := d.Check(back)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

func TestWritten(t *testing.T) {
	d := parse(t, everyType)
	got, err := d.Check(Response{Answers: map[string]any{"nps": 0, "why": "Kötü", "phone": "0532", "mail": "a@b.co", "line": "sıra"}})
	require.NoError(t, err)
	assert.Equal(t, []Written{{"why", "Kötü"}, {"line", "sıra"}}, d.Written(got))

	d = parse(t, `{"elements":[{"type":"checkbox","name":"q","choices":["a"],"showOtherItem":true},{"type":"rating","name":"r","showCommentArea":true},
	 {"type":"rating","name":"p","showCommentArea":true,"x-retail":{"pii":"contact"}}]}`)
	got, err = d.Check(Response{Answers: map[string]any{"q": []any{"other"}, "q-Comment": "the queue", "r": 3.0, "r-Comment": "slow", "p": 1.0, "p-Comment": "0532"}})
	require.NoError(t, err)
	assert.Equal(t, []Written{{"q-Comment", "the queue"}, {"r-Comment", "slow"}}, d.Written(got))
}
