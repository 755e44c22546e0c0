package build_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/build"
)

// A short survey: a score, and why, where it is low.
func Example() {
	def, err := build.New(
		build.Page("visit",
			build.Rating("nps", 0, 10).Title("How likely are you to recommend us?").In("tr", "Bizi önerir misiniz?").Required().Measures(survey.NPS),
			build.Checkbox("why", "price", build.Choice("staff", "The staff").In("tr", "Çalışanlar")).Other().VisibleIf("{nps} <= 6"),
		),
	).Name("store").Definition()
	if err != nil {
		fmt.Println(err)
		return
	}
	s := def.Begin(survey.SessionOptions{Language: "tr"})
	s.Answer("nps", "3")
	for _, el := range s.Page().Elements {
		fmt.Println(el.Question.Label, len(el.Question.Choices))
	}
	// Output:
	// Bizi önerir misiniz? 11
	// why 3
}

// TestMeasures: what a question measures is beside what else is in its x-retail object, and a scale that
// does not fit is a fault with its path.
func TestMeasures(t *testing.T) {
	def, err := build.New(build.Rating("a", 1, 5).Set("x-retail", map[string]any{"bad": 1}).Measures(survey.CSAT), build.Rating("nps", 0, 10)).Definition()
	require.NoError(t, err)
	q, ok := def.Question("a")
	require.True(t, ok)
	require.Equal(t, survey.CSAT, q.Extension.Metric)
	require.Equal(t, 1, *q.Extension.Bad)
	named, _ := def.Question("nps")
	require.Empty(t, named.Extension.Metric, "a name measures nothing")
	_, err = build.New(build.Rating("a", 1, 5).Measures(survey.NPS)).Definition()
	require.ErrorContains(t, err, "pages[0].elements[0].x-retail: bad-value: nps is asked from 0 to 10")
}

// Faults say where they are.
func ExampleSurvey_Definition() {
	_, err := build.New(build.Text("phone").VisibleIf("{call} =").Set("isRequried", true)).Definition()
	fmt.Println(err)
	// Output:
	// pages[0].elements[0].isRequried: unknown-property: "isRequried" (did you mean "isRequired"?)
	// pages[0].elements[0].visibleIf: bad-expression: expression at 8: ends too early
}

// Everything that can be made is read without a finding, and says what was meant.
func TestEverythingIsRead(t *testing.T) {
	rows, columns := []any{"r1", build.Choice("r2", "Second")}, []any{"good", 2}
	s := build.New(
		build.Page("one", build.Panel("box", build.Text("mail").Input("email").Title("E-mail").Help("", "h").Help("tr", "y")).Required(),
			build.Comment("why").EnableIf("{mail} notempty").Validate("text", map[string]any{"minLength": 2}),
			build.Boolean("again").Default(true), build.Rating("nps", 0, 10).RequiredIf("{again} = true")),
		build.Radio("one_of", "a", 2).None(), build.Dropdown("list", "a"), build.Checkbox("many", "a", "b").Other(), build.Ranking("order", "a", "b"),
		build.Page("", build.Matrix("m", rows, columns), build.Table("t", rows, build.Text("k").Required(), build.Radio("l", "x")),
			build.Rows("d", build.Text("k")), build.Repeat("p", build.Text("k")), build.HTML("h", "<p>x</p>"), build.Expression("e", "{nps} + 1")),
	).Name("n").Version("2").Title("T").In("tr", "B").Thanks("", "bye").Calculate("c", "{nps} * 2").
		Trigger("setvalue", "{nps} > 8", map[string]any{"setToName": "why", "setValue": "fine"}).Set("locale", "tr").Set("logo", "x").Set("logo", nil)
	d, err := s.Definition()
	require.NoError(t, err)
	for _, f := range d.Findings() {
		assert.Equal(t, "lint", f.Kind, "%v", f)
	}
	h := d.Head()
	assert.Equal(t, []any{"n", "2", "B", "T"}, []any{h.Name, h.Version, h.Title.In("tr"), h.Title.In("en")})
	assert.Len(t, h.Pages, 6)
	q, ok := d.Question("t")
	require.True(t, ok)
	assert.Equal(t, "radiogroup", q.Matrix.Cells[1].Type)
	assert.Contains(t, d.Begin(survey.SessionOptions{}).Faults(), survey.Fault{Question: "t.r1.k", Code: "required"})
	assert.Equal(t, "Second", q.Matrix.Rows[1].Text.In("en"))

	first, err := json.Marshal(s)
	require.NoError(t, err)
	again, err := json.Marshal(s)
	require.NoError(t, err)
	assert.Equal(t, first, again, "the same text each time")
	read, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, string(first), string(read))
}

// What cannot be a survey is told and does not panic.
func TestFaults(t *testing.T) {
	for _, s := range []*build.Survey{
		build.New(), build.New(nil), build.New(build.Page("p", nil)), build.New(build.Text("")), build.New(build.Text("a"), build.Text("a")),
		build.New(build.Rows("d", nil)), build.New(build.Text("a").Set("title", func() {})), build.New(build.Text("a").Set("sclae", 3)),
	} {
		_, err := s.Definition()
		assert.Error(t, err)
		var f survey.Finding
		if errors.As(err, &f) {
			assert.NotEqual(t, "lint", f.Kind)
		}
	}
}
