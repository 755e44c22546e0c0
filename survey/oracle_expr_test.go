package survey

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// exprMaker makes expressions from the grammar, with names that often have a value.
type exprMaker struct{ r *rand.Rand }

func (m exprMaker) pick(list ...string) string { return list[m.r.IntN(len(list))] }

// make writes an expression at most so deep.
func (m exprMaker) make(depth int) string {
	if depth <= 0 {
		return m.atom()
	}
	sp := m.pick(" ", " ", " ", "")
	switch m.r.IntN(14) {
	case 0, 1:
		return m.make(depth-1) + " " + m.pick("and", "or", "&&", "||", "AND", "Or") + " " + m.make(depth-1)
	case 2, 3, 4:
		return m.atomOr(depth) + sp + m.pick("=", "==", "<>", "!=", "<", ">", "<=", ">=", "=>", "=<") + sp + m.atomOr(depth)
	case 5:
		return m.atomOr(depth) + " " + m.pick("equal", "notequal", "less", "greater", "lessorequal", "greaterorequal") + " " + m.atomOr(depth)
	case 6, 7:
		return m.atomOr(depth) + sp + m.pick("+", "-", "*", "/", "%", "^", " power ") + sp + m.atomOr(depth)
	case 8:
		return m.atomOr(depth) + " " + m.pick("contains", "notcontains", "anyof", "allof", "noneof", "*=", "contain", "notcontain") + " " + m.atomOr(depth)
	case 9:
		return m.atom() + " " + m.pick("empty", "notempty")
	case 10:
		return m.pick("!", "negate ", "! ") + m.atomOr(depth)
	case 11:
		return "(" + m.make(depth-1) + ")"
	case 12:
		return m.call(depth)
	default:
		return m.atom()
	}
}

func (m exprMaker) atomOr(depth int) string {
	if m.r.IntN(3) == 0 {
		return "(" + m.make(depth-1) + ")"
	}
	return m.atom()
}

func (m exprMaker) args(depth, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = m.make(depth - 1)
	}
	return strings.Join(parts, m.pick(", ", ","))
}

func (m exprMaker) call(depth int) string {
	switch m.r.IntN(9) {
	case 0:
		return "iif(" + m.args(depth, 2+m.r.IntN(2)) + ")"
	case 1:
		return m.pick("sum", "avg", "min", "max", "count") + "(" + m.args(depth, m.r.IntN(4)) + ")"
	case 2:
		return m.pick("round", "trunc") + "(" + m.args(depth, 1+m.r.IntN(2)) + ")"
	case 3:
		return "substring(" + m.args(depth, 1+m.r.IntN(3)) + ")"
	case 4:
		return m.pick("year", "month", "day", "weekday", "getYear") + "(" + m.pick("{d}", "'2024-02-29'", "'2025-12-31'", "today()") + ")"
	case 5:
		return m.pick("diffDays", "dateDiff") + "(" + m.pick("{d}", "'2024-02-29'", "today()") + ", " + m.pick("{e}", "'2025-12-31'", "today(5)") + ")"
	case 6:
		return "dateDiff(" + m.pick("{d}", "'2024-02-29'") + ", " + m.pick("{e}", "today()") + ", " + m.pick("'days'", "'months'", "'years'", "'hours'") + ")"
	case 7:
		return m.pick("sumInArray", "countInArray", "avgInArray", "minInArray", "maxInArray") + "({rows}, " + m.pick("'n'", "'m'", "n") + m.pick("", "", ", '{n} > 1'", ", {n} > 1", ", 'm'") + ")"
	default:
		return m.pick("today()", "currentYear()", "age({d})", "today(3)", "getDate({d})", "dateAdd({d}, 3, 'days')", "isDisplayMode()", "noSuch(1)")
	}
}

func (m exprMaker) atom() string {
	switch m.r.IntN(12) {
	case 0, 1, 2, 3:
		return m.pick("{a}", "{b}", "{c}", "{s}", "{l}", "{o.x}", "{rows[0].n}", "{rows.length}", "{l[1]}", "{l.length}", "{B}", "{#s}", "{d}", "{e}", "{no}", "{t}", "{rows[-1].m}", "{o}", "{num}", "{x.y}")
	case 4, 5, 6:
		return m.pick("1", "0", "2", "-1", "10", "0.1", "0.2", "1.005", "0x1F", "100", "3.14159", "007", "-0.5", "1.50")
	case 7, 8:
		return m.pick("'a'", "'A'", "\"b\"", "''", "'1'", "'01'", "'true'", "'İstanbul'", "'ı'", "'1,5'", "'it\\'s'", "'undefined'", "'2024-02-29'", "' a '", "'x y'")
	case 9:
		return m.pick("true", "false", "null", "undefined", "yes", "abc", "a1")
	case 10:
		return "[" + m.pick("1, 2", "'a', 'b'", "", "{a}, 1", "'b','a'", "1", "null", "'1', 2") + "]"
	default:
		return m.pick("'abc'", "{s}", "5")
	}
}

// values are answers for the names that atoms use; each may be missing.
func (m exprMaker) values() map[string]any {
	all := map[string][]any{
		"a":   {1.0, 0.0, "1", "a", true, 2.5, ""},
		"b":   {2.0, "b", "B", false, "true", nil, "6", "0x10"},
		"c":   {"İSTANBUL", "istanbul", "ISPARTA", 3.0, "1,5", "01"},
		"s":   {"abc", "ABC", "5", " a ", "", "x y", "0.1"},
		"t":   {"false", "12345678901234567890", "-3", "1e3", "Infinity", "+5", "3-1"},
		"l":   {[]any{"a", "b"}, []any{1.0, 2.0}, []any{}, []any{"b", "a"}, []any{1.0, "2", 3.0}},
		"o":   {map[string]any{"x": 1.0}, map[string]any{"x": "a", "y": map[string]any{}}, map[string]any{}},
		"x":   {map[string]any{"y": "z"}, "plain"},
		"d":   {"2000-05-17", "2024-02-29", "2025-06-30T10:30:00"},
		"e":   {"2025-12-31", "1999-01-01", "2024-03-31"},
		"num": {0.1, 1e21, 1e-7, 1234567.891, -2.5, 0.5},
		"rows": {
			[]any{map[string]any{"n": 1.0, "m": "x"}, map[string]any{"n": 2.5, "m": "y"}},
			[]any{map[string]any{"n": "3", "m": 4.0}, map[string]any{}, map[string]any{"n": 0.1}}, []any{},
		},
	}
	out := map[string]any{}
	for _, k := range keys(all) {
		if m.r.IntN(4) > 0 {
			out[k] = all[k][m.r.IntN(len(all[k]))]
		}
	}
	return out
}

// near tells whether a power differs in its last digit alone.
func near(expr string, here, there any) bool {
	a, ok := here.(float64)
	b, also := there.(float64)
	return ok && also && (strings.Contains(expr, "^") || strings.Contains(expr, "power")) && math.Abs(a-b) <= 1e-14*math.Abs(b)
}

// Expressions made from the grammar have the values that SurveyJS gives. VEFA_ORACLE_CASES and
// VEFA_ORACLE_SEED make other and more of them.
func TestExpressionsAgainstSurveyJS(t *testing.T) {
	o := startOracle(t)
	n := caseCount(t, 3_000)
	m := exprMaker{rand.New(rand.NewPCG(oracleSeed(t), 1))}
	const perCase = 50
	wrong, done := 0, 0
	for more := oracleTime(t); done < n && more(); done += 20_000 {
		var cases []oracleAsk
		for i := done; i < min(done+20_000, n); i += perCase {
			ask := oracleAsk{}
			for range perCase {
				ask.Expr = append(ask.Expr, oracleExpr{m.make(m.r.IntN(4)), m.values()})
			}
			cases = append(cases, ask)
		}
		threw := 0
		o.ask(cases, func(ask oracleAsk, got oracleTold) {
			for i, c := range ask.Expr {
				r := got.Expr[i]
				x, err := compileExpr(c.E, 4096)
				switch {
				case r.Err != "":
					threw++ // SurveyJS threw; we only must not
					if err == nil {
						x.value(Env{Answers: c.V, Now: oracleNow})
					}
				case r.Parse != (err != nil):
					t.Errorf("%s: refused by SurveyJS %v, here %v", c.E, r.Parse, err)
					wrong++
				case err == nil:
					env := Env{Answers: c.V, Now: oracleNow}
					v := x.value(env)
					if near(c.E, v, r.R) {
						continue
					}
					if here, there := fmt.Sprint(tidy(finite(v))), fmt.Sprint(r.R); here != there || (v == true) != r.T {
						t.Errorf("%s with %v: SurveyJS %s, here %s", c.E, c.V, there, here)
						wrong++
					}
				}
				if wrong >= maxUnexplained {
					t.Fatalf("%d expressions compared, %d unexplained differences or more", done, wrong)
				}
			}
		})
		assert.Less(t, threw*10, min(n, 20_000), "SurveyJS threw at too many")
	}
	t.Logf("%d expressions compared, %d unexplained differences", min(n, done), wrong)
}
