package survey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers given together leave a session as they do one by one.
func TestTogetherIsOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	m := formMaker{r: r, deep: true, names: []string{"q1", "q2", "q3", "q4", "q5", "m", "d", "p"}}
	inside := func(word string) []any {
		return []any{
			map[string]any{"name": "a", "cellType": "text", "type": "text", "requiredIf": m.condition()},
			map[string]any{"name": "b", "cellType": "text", "type": "text", "visibleIf": "{" + word + ".a} = 'a' or " + m.condition()},
		}
	}
	quiet := 0
	for i := range 300 {
		var elements []any
		for _, name := range m.names[:5] {
			q := map[string]any{"type": m.pick("text", "boolean", "comment"), "name": name, "requiredIf": m.condition()}
			if m.chance(2) {
				q["visibleIf"] = m.condition()
			}
			if i%5 == 4 && m.chance(2) { // not quiet
				q["enableIf"] = m.condition()
			}
			elements = append(elements, q)
		}
		elements = append(elements,
			map[string]any{"type": "matrixdropdown", "name": "m", "rows": []any{"r1", "r2", "r3"}, "columns": inside("row")},
			map[string]any{"type": "matrixdynamic", "name": "d", "rowCount": 2, "columns": inside("row")},
			map[string]any{"type": "paneldynamic", "name": "p", "panelCount": 2, "templateElements": inside("panel"), "visibleIf": m.condition()})
		src, err := json.Marshal(map[string]any{"elements": elements})
		require.NoError(t, err)
		d, err := Parse(src, Limits{})
		require.NoError(t, err)
		require.NoError(t, d.Err())
		if d.logic.quiet {
			quiet++
		}
		var steps []func(s *Session)
		for range 1 + r.IntN(8) {
			path := m.pick("q1", "q2", "q3", "m.r1.a", "m.r1.b", "m.r3.a", "d[0].a", "d[1].b", "p[0].a", "p[1].b", "p[2].a", "d")
			v := m.pick("a", "b", "3", "yes", "true", "")
			steps = append(steps, func(s *Session) {
				if path == "d" {
					s.Add("p")
					s.Remove("d", 0)
					return
				}
				s.Answer(path, v)
			})
		}
		one, all := d.Begin(SessionOptions{}), d.Begin(SessionOptions{})
		for range 2 {
			for _, step := range steps {
				step(one)
			}
			all.Together(func() {
				for _, step := range steps {
					step(all)
				}
			})
			require.Empty(t, stateOf(one).difference(stateOf(all)), "%s", src)
			require.Equal(t, one.Answers(), all.Answers(), "%s", src)
			require.Equal(t, one.Faults(), all.Faults(), "%s", src)
		}
	}
	assert.Greater(t, quiet, 100, "definitions whose conditions run once")
}

// A table of 990 rows that is answered together settles once.
func TestTogetherSettlesOnce(t *testing.T) {
	rows := make([]string, 990)
	for i := range rows {
		rows[i] = fmt.Sprintf("r%d", i)
	}
	src, err := json.Marshal(map[string]any{"elements": []any{map[string]any{"type": "matrixdropdown", "name": "m", "rows": rows,
		"columns": []any{map[string]any{"name": "a", "cellType": "text"}, map[string]any{"name": "b", "cellType": "text", "visibleIf": "{row.a} notempty"}}}}})
	require.NoError(t, err)
	d, err := Parse(src, Limits{})
	require.NoError(t, err)
	s := d.Begin(SessionOptions{})
	before := s.settling
	s.Together(func() {
		for _, r := range rows {
			require.Empty(t, s.Answer("m."+r+".a", "x"))
		}
	})
	assert.Equal(t, before+1, s.settling)
	assert.Len(t, s.Answers()["m"], 990)
	assert.True(t, s.find("m.r989.b").isVisible())
}

// A session goes on with the page that its options name, if that shows.
func TestSessionGoesOnWithItsPage(t *testing.T) {
	d, err := Parse([]byte(`{"pages":[{"elements":[{"type":"text","name":"a"}]},{"elements":[{"type":"text","name":"b"}]},
		{"elements":[{"type":"text","name":"c"}],"visibleIf":"{a} = 'x'"}]}`), Limits{})
	require.NoError(t, err)
	for _, c := range []struct {
		page, want int
		a          string
	}{{0, 0, ""}, {1, 1, ""}, {2, 0, ""}, {2, 2, "x"}, {7, 0, "x"}, {-1, 0, ""}} {
		assert.Equal(t, c.want, d.Begin(SessionOptions{Page: c.page, Answers: map[string]any{"a": c.a}}).PageIndex(), "%+v", c)
	}
}
