package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

// TestLintWhatIsNotKnown finds rules that compile and miss whom they mean: birthdays
// that are congratulated once, and != of what may be null. Cases B6, D5.
func TestLintWhatIsNotKnown(t *testing.T) {
	type line struct {
		Brand rules.Maybe[string]
		N     int
	}
	type subject struct {
		City       rules.Maybe[string]
		Name       string
		ToBirthday rules.Maybe[int] `rule:",days=yearly"`
		Lines      []line
	}
	schema, err := rules.NewSchema[subject](rules.Options{})
	require.NoError(t, err)
	for text, want := range map[string]string{
		`when: 'ToBirthday == 0'`:                                           `once ever: ToBirthday comes round every year, and the rule fires once for each customer: write once: year`,
		`when: 'ToBirthday <= 3 and Name == "x"'`:                           "once ever",
		`when: 'ToBirthday == 0', once: year`:                               "",
		`when: 'City != "x"'`:                                               `not known: City != "x" leaves out those of whom it is not known: write City != "x" or City == nil, or City ?? "" in its place`,
		`when: 'Name == "x" or Name == "y" and City != "x"'`:                "not known",
		`when: 'any(Lines, .Brand != "x")'`:                                 "",
		`when: 'City != "x" and City != nil'`:                               "",
		`when: 'City != "x" or City == nil'`:                                "",
		`when: '(City ?? "") != "x"'`:                                       "",
		`when: 'Name != "x" and any(Lines, .N != 2) and not (City == "x")'`: "",
	} {
		book, err := rules.ReadYAML("r.yaml", []byte("rules: [{name: r, "+text+", then: [{tag: t}]}]"))
		require.NoError(t, err)
		set, err := schema.Compile(book)
		require.NoError(t, err, text)
		found := set.Lint(nil)
		if want == "" {
			require.Empty(t, found, text)
			continue
		}
		require.Len(t, found, 1, text)
		require.Contains(t, found[0].String(), want)
	}
}
