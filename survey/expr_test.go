package survey

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oracleCase is an expression with what survey-core 3.1.1 made of it.
type oracleCase struct {
	Expr   string         `json:"e"`
	Values map[string]any `json:"v"`
	Parse  bool           `json:"parse"` // refused
	Err    string         `json:"err"`   // threw
	Truth  bool           `json:"t"`     // holds as a condition
	Result any            `json:"r"`
}

// TestExpressionsLikeSurveyJS replays expressions that survey-core 3.1.1
// evaluated: hand-written ones and some drawn from the grammar. VEFA_EXPR
// names a further file of the same form.
func TestExpressionsLikeSurveyJS(t *testing.T) {
	files := []string{filepath.Join("testdata", "expressions.jsonl")}
	if more := os.Getenv("VEFA_EXPR"); more != "" {
		files = append(files, more)
	}
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		ran, wrong := 0, 0
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			var c oracleCase
			require.NoError(t, json.Unmarshal(sc.Bytes(), &c))
			x, err := compileExpr(c.Expr, Limits{}.withDefaults().Expression)
			ran++
			switch {
			case c.Err != "":
				continue // survey-core threw; we only must not
			case c.Parse != (err != nil):
				t.Errorf("%s: refused %v, here %v", c.Expr, c.Parse, err)
				wrong++
			case err == nil:
				env := Env{Answers: c.Values, Now: oracleNow}
				if got := x.value(env); x.holds(env) != c.Truth || !sameValue(got, c.Result) {
					t.Errorf("%s with %v: %v, here %v", c.Expr, c.Values, c.Result, got)
					wrong++
				}
			}
			if wrong > 20 {
				t.FailNow()
			}
		}
		require.NoError(t, sc.Err())
		t.Logf("%s: %d expressions", name, ran)
		assert.Greater(t, ran, 100)
	}
}

func sameValue(a, b any) bool {
	if f, ok := a.(float64); ok && math.IsNaN(f) {
		return b == nil
	}
	return reflect.DeepEqual(a, b)
}

// A condition holds for true alone: the name of an answered question by itself
// does not show anything, as in SurveyJS.
func TestConditionIsStrict(t *testing.T) {
	d := parse(t, elementOf(`{"type":"comment","name":"a"},{"type":"comment","name":"b","visibleIf":"{a}"},
	 {"type":"radiogroup","name":"c","choices":["x",{"value":"y","visibleIf":"{a}"},{"value":"z","visibleIf":"{a} notempty"}],"isRequired":true,"requiredIf":"{a} = 'must'"}`))
	require.NoError(t, d.Err())
	got, err := d.Check(Response{Answers: map[string]any{"a": "1", "b": "hidden", "c": "y"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": "1", "c": "y"}, got.Answers)
	_, err = d.Check(Response{Answers: map[string]any{"a": "2", "c": "y"}})
	require.Error(t, err, "2 is not true")
	_, err = d.Check(Response{Answers: map[string]any{"a": "must"}})
	require.ErrorContains(t, err, "required")
	_, err = d.Check(Response{})
	require.NoError(t, err, "requiredIf goes before isRequired")
}

// A condition is evaluated without allocating, whatever it compares.
func TestExpressionsDoNotAllocate(t *testing.T) {
	e := &evaluation{env: Env{Answers: map[string]any{"nps": 5.0, "call": true, "name": "Ada", "why": []any{"price", "staff"}}}}
	for _, src := range []string{
		"{nps} notempty and {nps} <= 6", "{call} = true", "{why} contains 'price' or {nps} > 8", "{name} = 'ADA'", "{missing} empty",
		"iif({nps} >= 9, 'promoter', iif({nps} >= 7, 'passive', 'detractor'))", "{why} anyof ['x', 'staff']", "!({nps} <> 5)",
	} {
		x, err := compileExpr(src, 4096)
		require.NoError(t, err)
		assert.Zero(t, testing.AllocsPerRun(100, func() { x.root.eval(e) }), src)
	}
}
