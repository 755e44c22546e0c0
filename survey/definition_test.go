package survey

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t testing.TB, src string) *Definition {
	t.Helper()
	d, err := Parse([]byte(src), Limits{})
	require.NoError(t, err)
	return d
}

func elementOf(src string) string { return `{"elements":[` + src + `]}` }

func TestBuiltins(t *testing.T) {
	for _, tc := range []struct {
		def    *Definition
		name   string
		first  string
		metric Metric
		steps  int
	}{
		{Satisfaction(), "satisfaction", "satisfaction", CSAT, 5},
		{Recommendation(), "recommendation", "nps", NPS, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Empty(t, tc.def.Findings())
			assert.Equal(t, tc.name, tc.def.Head().Name)
			assert.Equal(t, []string{"tr"}, tc.def.Head().Languages)
			q, ok := tc.def.Question(tc.first)
			require.True(t, ok)
			assert.Equal(t, tc.metric, q.Extension.Metric)
			assert.Len(t, q.Choices, tc.steps)
			open, ok := tc.def.Question("comment")
			require.True(t, ok)
			assert.Equal(t, "Is there anything else you want to tell us?", open.Title.In("en"))
			assert.Equal(t, "Bize söylemek istediğiniz başka bir şey var mı?", open.Title.In("tr-TR"))
			assert.False(t, open.Required)
			assert.Len(t, slices.Collect(tc.def.Questions()), 2)
		})
	}
}

func TestFindings(t *testing.T) {
	for _, tc := range []struct {
		name, src string
		kind      string
		sev       string
		path      string
		suggest   string
	}{
		{"misspelt property", elementOf(`{"type":"comment","name":"a","isRequried":true}`), unknownProperty, failure, "elements[0].isRequried", "isRequired"},
		{"unknown property", elementOf(`{"type":"comment","name":"a","colour":"red"}`), unknownProperty, warning, "elements[0].colour", ""},
		{"unknown survey property", `{"elements":[{"type":"comment","name":"a"}],"fancy":1}`, unknownProperty, warning, "fancy", ""},
		{"foreign extension", elementOf(`{"type":"comment","name":"a","x-other":{}}`), unknownProperty, warning, "elements[0].x-other", ""},
		{"misspelt type", elementOf(`{"type":"coment","name":"a"}`), unknownType, failure, "elements[0].type", "comment"},
		{"later type", elementOf(`{"type":"imagemap","name":"a"}`), unsupportedType, failure, "elements[0].type", ""},
		{"details of rows", elementOf(`{"type":"matrixdynamic","name":"a","columns":[{"name":"c"}],"detailPanelMode":"underRow","detailElements":[{"type":"text","name":"d"}]}`), unsupportedProperty, failure, "elements[0].detailElements", ""},
		{"details that never show", elementOf(`{"type":"matrixdynamic","name":"a","columns":[{"name":"c"}],"detailPanelMode":"none","detailElements":[{"type":"text","name":"d"}]}`), lintKind, warning, "elements[0].detailElements", ""},
		{"no type", elementOf(`{"name":"a"}`), unknownType, failure, "elements[0]", ""},
		{"choices of another server", elementOf(`{"type":"dropdown","name":"a","choicesByUrl":{"url":"https://a.example"}}`), unsupportedProperty, failure, "elements[0].choicesByUrl", ""},
		{"no such trigger", `{"elements":[{"type":"comment","name":"a"}],"triggers":[{"type":"setvalu"}]}`, unknownType, failure, "triggers[0].type", "setvalue"},
		{"no such validator", elementOf(`{"type":"text","name":"a","validators":[{"type":"emial"}]}`), unknownType, failure, "elements[0].validators[0].type", "email"},
		{"look-behind", elementOf(`{"type":"text","name":"a","validators":[{"type":"regex","regex":"(?<=a)b"}]}`), badRegex, failure, "elements[0].validators[0].regex", ""},
		{"bad expression", elementOf(`{"type":"comment","name":"a","visibleIf":"{b} = "}`), badExpression, failure, "elements[0].visibleIf", ""},
		{"no such function", elementOf(`{"type":"comment","name":"a","visibleIf":"ages({b}) > 1"}`), unknownFunction, failure, "elements[0].visibleIf", ""},
		{"long expression", elementOf(`{"type":"comment","name":"a","visibleIf":"` + strings.Repeat("!", 5000) + `1"}`), overLimit, failure, "elements[0].visibleIf", ""},
		{"no name", elementOf(`{"type":"comment"}`), missingName, failure, "elements[0]", ""},
		{"two of a name", elementOf(`{"type":"comment","name":"a"},{"type":"text","name":"a"}`), duplicateName, failure, "elements[1]", ""},
		{"repeated member", elementOf(`{"type":"comment","name":"a","rows":1,"rows":2}`), duplicateName, failure, "elements[0].rows", ""},
		{"wrong value", elementOf(`{"type":"comment","name":"a","isRequired":"yes"}`), badValue, failure, "elements[0].isRequired", ""},
		{"empty scale", elementOf(`{"type":"rating","name":"a","rateMin":5,"rateMax":1}`), badValue, failure, "elements[0]", ""},
		{"endless scale", elementOf(`{"type":"rating","name":"a","rateMax":10,"rateStep":0.0001}`), badValue, failure, "elements[0]", ""},
		{"nothing to choose", elementOf(`{"type":"radiogroup","name":"a"}`), badValue, failure, "elements[0]", ""},
		{"choice twice", elementOf(`{"type":"radiogroup","name":"a","choices":[1,"1"]}`), duplicateName, failure, "elements[0].choices[1]", ""},
		{"NPS from 1", elementOf(`{"type":"rating","name":"a","rateMax":10,"x-retail":{"metric":"nps"}}`), badValue, failure, "elements[0].x-retail", ""},
		{"no such metric", elementOf(`{"type":"rating","name":"a","x-retail":{"metric":"nsp"}}`), badValue, failure, "elements[0].x-retail.metric", ""},
		{"misspelt in extension", elementOf(`{"type":"rating","name":"a","x-retail":{"retentoin":"P1Y"}}`), unknownProperty, failure, "elements[0].x-retail.retentoin", "retention"},
		{"empty", `{}`, noQuestion, failure, "", ""},
		{"pages no array", `{"pages":{}}`, badValue, failure, "pages", ""},
		{"text no text", elementOf(`{"type":"comment","name":"a","title":{"tr":[5]}}`), badValue, failure, "elements[0].title.tr", ""},
		{"input type", elementOf(`{"type":"text","name":"a","inputType":"colour"}`), badValue, warning, "elements[0].inputType", "color"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := parse(t, tc.src)
			i := slices.IndexFunc(d.Findings(), func(f Finding) bool { return f.Kind == tc.kind && f.Path == tc.path })
			require.GreaterOrEqual(t, i, 0, "%v", d.Findings())
			f := d.Findings()[i]
			assert.Equal(t, tc.sev, f.Severity)
			assert.Equal(t, tc.suggest, f.Suggestion)
			var got Finding
			if tc.sev == failure {
				require.ErrorAs(t, d.Err(), &got)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)
	many := `{"elements":[` + strings.Repeat(`{"type":"comment","name":"a"},`, 1000) + `{"type":"panel"}]}`
	for _, tc := range []struct {
		name, src string
		limit     bool
		line, col int
	}{
		{"empty", "", false, 1, 1},
		{"cut off", "{\n \"title\": \"x\"", false, 2, 14},
		{"no JSON", "{\n  title: 1}", false, 2, 4},
		{"array", "[]", false, 0, 0},
		{"trailing", "{} {}", false, 1, 5},
		{"not UTF-8", "{\"title\":\"\xff\"}", false, 0, 0},
		{"too deep", deep, true, 1, 201},
		{"too large", `{"title":"` + strings.Repeat("x", 1<<20) + `"}`, true, 0, 0},
		{"too many values", `{"a":[` + strings.Repeat("1,", 100_000) + `1]}`, true, 1, 200_003},
		{"too many elements", many, true, 0, 0},
		{"too many choices", elementOf(`{"type":"radiogroup","name":"a","choices":[` + strings.Repeat("1,", 1000) + `1]}`), true, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse([]byte(tc.src), Limits{})
			var pe *ParseError
			require.ErrorAs(t, err, &pe)
			assert.Equal(t, tc.limit, errors.Is(err, ErrLimit), "%v", err)
			if tc.line > 0 {
				assert.Equal(t, tc.line, pe.Line, "%v", err)
				assert.InDelta(t, tc.col, pe.Column, 3, "%v", err)
			}
			assert.Less(t, len(err.Error()), 300)
		})
	}
}

// What is not understood is written back, with the spelling of its numbers.
func TestLosslessRoundTrip(t *testing.T) {
	const src = `{"z":1.50,"title":{"tr":"Ş\u0131k","default":"x"},"elements":[{"type":"hologram","name":"h","beam":[1e3,null,{}]},{"name":"a","type":"comment","isRequried":true}],"x-own":{"k":"</script>"}}`
	d := parse(t, "\uFEFF "+src+"\n")
	got, err := json.Marshal(d)
	require.NoError(t, err)
	var want, have any
	require.NoError(t, json.Unmarshal([]byte(src), &want))
	require.NoError(t, json.Unmarshal(got, &have))
	assert.Equal(t, want, have)
	assert.Contains(t, string(got), `1.50`)
	again := parse(t, string(got))
	assert.Equal(t, d.Findings(), again.Findings())

	var into Definition
	require.NoError(t, json.Unmarshal(got, &into))
	assert.Equal(t, d.Head().Title, into.Head().Title)
	require.Error(t, json.Unmarshal([]byte(`[]`), &into))
}

func TestRatingScales(t *testing.T) {
	// The values are survey-core's visibleRateValues for the same members.
	for src, want := range map[string]string{
		``:                                       "1 2 3 4 5",
		`,"rateCount":11,"rateMin":0`:            "0 1 2 3 4 5 6 7 8 9 10",
		`,"rateMin":0,"rateMax":10,"rateStep":2`: "0 2 4 6 8 10",
		`,"rateValues":[1,{"value":2,"text":"two"}]`: "1 two",
		`,"rateMax":3`:                             "1 2 3",
		`,"rateCount":3,"rateMax":10`:              "8 9 10",
		`,"rateMin":0,"rateMax":1,"rateStep":0.25`: "0 0.25 0.5 0.75 1",
	} {
		q, ok := parse(t, elementOf(`{"type":"rating","name":"r"`+src+`}`)).Question("r")
		require.True(t, ok)
		var got []string
		for _, c := range q.Choices {
			got = append(got, c.Text.In("tr"))
		}
		assert.Equal(t, want, strings.Join(got, " "), src)
	}
}

func TestVisible(t *testing.T) {
	d := parse(t, `{"pages":[
	 {"elements":[{"type":"rating","name":"nps","rateMin":0,"rateMax":10},
	  {"type":"panel","name":"p","visibleIf":"{nps} <= 6","title":"Ne oldu?","elements":[
	   {"type":"comment","name":"why"},
	   {"type":"panel","name":"inner","visibleIf":"{shop} = 'kapalı'","elements":[{"type":"comment","name":"deep"}]}]}]},
	 {"visibleIf":"{nps} notempty","elements":[
	  {"type":"comment","name":"off","visible":false},
	  {"type":"comment","name":"on","visible":false,"visibleIf":"{nps} >= 0"},
	  {"type":"radiogroup","name":"none","choices":[{"value":"b","visibleIf":"{nps} > 20"}],"isRequired":true},
  {"type":"radiogroup","name":"pick","choices":["a",{"value":"b","visibleIf":"{nps} > 8"}]}]}]}`)
	require.NoError(t, d.Err())
	for _, tc := range []struct {
		answers, vars map[string]any
		want          string
	}{
		{nil, nil, "nps"},
		{map[string]any{"nps": 9}, nil, "nps on pick2"},
		{map[string]any{"nps": 3}, nil, "nps why on pick1"},
		{map[string]any{"nps": 3}, map[string]any{"shop": "KAPALI"}, "nps why on pick1"}, // I is not ı
		{map[string]any{"nps": 3}, map[string]any{"shop": "Kapalı"}, "nps why deep on pick1"},
		{map[string]any{"nps": 9}, map[string]any{"shop": "kapalı"}, "nps on pick2"}, // inside a hidden panel
	} {
		var got []string
		for _, q := range d.Visible(Env{Answers: tc.answers, Variables: tc.vars}) {
			name := q.Name
			if q.Type == "radiogroup" {
				name += fmt.Sprint(len(q.Choices))
			}
			got = append(got, name)
		}
		assert.Equal(t, tc.want, strings.Join(got, " "))
	}
}

func TestText(t *testing.T) {
	q, _ := parse(t, elementOf(`{"type":"comment","name":"a","title":{"de":"D","tr":"T","default":"X"},"description":{"de":"d","fr":"f"}}`)).Question("a")
	assert.Equal(t, "T", q.Title.In("tr-TR"))
	assert.Equal(t, "X", q.Title.In("ar"))
	assert.Equal(t, "d", q.Description.In("tr"), "no default, no English: the first")
	assert.Equal(t, []string{"de", "tr"}, q.Title.languages())
	assert.Empty(t, Text{}.In("tr"))
	assert.Equal(t, "a", plainText("a").In("xx"))
	lookup := func(n string) (string, bool) { return "<" + n + ">", n == "x" }
	assert.Equal(t, "<x> {y} <x>{", Pipe("{x} {y} { x }{", lookup))
}

// The public corpus parses; what this version does not do is a finding; and
// each file is written back as it was read.
func TestCorpus(t *testing.T) {
	root := os.Getenv("VEFA_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(root, "survey", "surveyjs", "*.json"))
	if len(files) == 0 {
		t.Skip("no survey corpus under " + root + "; set VEFA_DATA")
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".tests.json") {
			continue
		}
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		d, err := Parse(data, Limits{})
		require.NoError(t, err, name)
		out, err := json.Marshal(d)
		require.NoError(t, err)
		assert.JSONEq(t, string(data), string(out), name)
		for _, f := range d.Findings() {
			t.Log(filepath.Base(name), f)
			if f.Kind == unknownProperty {
				assert.Contains(t, "isRequried templateElements", f.Detail[1:len(f.Detail)-1], name)
			}
			assert.NotEqual(t, badExpression, f.Kind)
			assert.NotEqual(t, unknownType, f.Kind)
		}
	}
}

// languages lists the languages the text is translated into, sorted. The
// default text does not say which language it is in and is not listed.
func (t Text) languages() []string {
	out := make([]string, 0, len(t.langs))
	for _, l := range t.langs {
		out = append(out, l.lang)
	}
	return out
}
