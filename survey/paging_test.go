package survey

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const threePages = `"pages":[
	{"name":"hello","elements":[{"type":"html","name":"h","html":"x"}]},
	{"name":"first","title":"First","elements":[{"type":"text","name":"a","isRequired":true},
		{"type":"panel","name":"box","visibleIf":"{a} = 'x'","elements":[{"type":"text","name":"b"},{"type":"text","name":"c"}]}]},
	{"name":"second","visibleIf":"{a} notempty","elements":[{"type":"text","name":"d"}]}]`

// Pages follow questionsOnPageMode.
func TestQuestionsOnPageMode(t *testing.T) {
	for _, c := range []struct {
		mode  string
		start bool
		want  []string // of pages, by their questions
	}{
		{"standard", false, []string{"h", "abc", "d"}},
		{"singlePage", false, []string{"habcd"}},
		{"singlePage", true, []string{"h", "abcd"}},
		{"questionPerPage", false, []string{"h", "a", "bc", "d"}},
		{"questionPerPage", true, []string{"h", "a", "bc", "d"}},
		{"inputPerPage", false, []string{"h", "a", "b", "c", "d"}},
	} {
		src := `{"questionsOnPageMode":"` + c.mode + `",` + threePages
		if c.start {
			src += `,"firstPageIsStartPage":true`
		}
		d, err := Parse([]byte(src+"}"), Limits{})
		require.NoError(t, err)
		require.NoError(t, d.Err())
		got := make([]string, len(d.Head().Pages))
		for q := range d.Questions() {
			got[q.Page] += q.Name
		}
		assert.Equal(t, c.want, got, c.mode)
		assert.Equal(t, len(d.pages), len(got))

		s := d.Begin(SessionOptions{})
		s.Start()
		for range 2 * len(c.want) { // walks to the end by the pages that show
			for _, q := range s.Page().Elements {
				if q.Question != nil && q.Question.Name == "a" {
					require.Empty(t, s.Answer("a", "y"))
				}
			}
			if s.IsLast() {
				break
			}
			require.Empty(t, s.Next(), c.mode)
		}
		if c.mode == "singlePage" {
			require.Empty(t, s.Answer("a", "y"))
		}
		assert.True(t, s.IsLast(), c.mode)
		assert.False(t, s.root.named("b").inSight(), "a panel that does not show")
		assert.True(t, s.root.named("d").inSight(), "a page whose condition holds")
		require.Empty(t, s.Answer("a", "x"))
		assert.True(t, s.root.named("c").inSight())
	}
}
