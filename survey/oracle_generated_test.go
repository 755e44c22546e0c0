package survey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// formMaker makes definitions of everything that a Session runs.
type formMaker struct {
	r     *rand.Rand
	names []string
	at    int // the question that is made
	deep  bool
}

func (m *formMaker) pick(list ...string) string { return list[m.r.IntN(len(list))] }

func (m *formMaker) chance(in int) bool { return m.r.IntN(in) == 0 }

// condition refers to the questions, sometimes to a variable.
func (m *formMaker) condition() string {
	name := m.pick(append(m.names, "v1", "calc1")...)
	one := func() string {
		switch m.r.IntN(8) {
		case 0:
			return "{" + name + "} notempty"
		case 1:
			return "{" + name + "} empty"
		case 2:
			return "{" + name + "} > " + fmt.Sprint(m.r.IntN(5))
		case 3:
			return "{" + name + "} contains '" + m.pick("a", "b", "item1") + "'"
		case 4:
			return "{" + name + "} " + m.pick("=", "<>") + " {" + m.pick(m.names...) + "}"
		case 5:
			return "{" + name + "} anyof ['a', 2, 'yes']"
		default:
			return "{" + name + "} = " + m.pick("'a'", "'b'", "1", "2", "true", "'yes'")
		}
	}
	if m.chance(3) {
		return one() + m.pick(" and ", " or ") + one()
	}
	return one()
}

// formula reads questions before the one that it is for, so that no value depends on itself.
func (m *formMaker) formula() string {
	if m.at == 0 {
		return "5"
	}
	a, b := m.pick(m.names[:m.at]...), m.pick(m.names[:m.at]...)
	return m.pick("{"+a+"} + 1", "iif({"+a+"} notempty, {"+b+"}, 'none')", "{"+a+"}", "sum({"+a+"}, {"+b+"})", "'x' + {"+a+"}", "round({"+a+"} / 3, 1)", "5")
}

// question is one of any type, with rules.
func (m *formMaker) question(name string, deep bool) map[string]any {
	types := []string{"text", "text", "comment", "radiogroup", "checkbox", "dropdown", "boolean", "rating", "tagbox", "expression", "html", "matrix", "multipletext"}
	if deep {
		types = append(types, "paneldynamic", "matrixdynamic", "matrixdropdown", "paneldynamic")
	}
	q := map[string]any{"type": m.pick(types...), "name": name}
	set := func(in int, k string, v func() any) {
		if m.chance(in) {
			q[k] = v()
		}
	}
	cond := func() any { return m.condition() }
	set(3, "visibleIf", cond)
	set(8, "enableIf", cond)
	set(6, "requiredIf", cond)
	set(4, "isRequired", func() any { return true })
	set(12, "readOnly", func() any { return true })
	set(12, "visible", func() any { return false })
	set(8, "title", func() any { return "T {" + m.pick(m.names...) + "} {v1}" })
	set(10, "clearIfInvisible", func() any {
		if m.deep {
			return m.pick("none", "onComplete")
		}
		return m.pick("none", "onHidden", "onComplete", "onHiddenContainer")
	})
	switch q["type"] {
	case "text":
		set(3, "inputType", func() any { return m.pick("number", "date", "email") })
		set(8, "defaultValue", func() any { return m.pick("a", "b", "x") })
		set(8, "defaultValueExpression", func() any { return m.formula() })
		set(8, "setValueExpression", func() any { return m.formula() })
		set(12, "setValueIf", cond)
		set(12, "resetValueIf", cond)
		set(5, "validators", func() any { return []any{m.validator()} })
		if q["inputType"] == "number" {
			delete(q, "defaultValue")
			set(3, "min", func() any { return 2 })
			set(3, "max", func() any { return 60 })
		}
	case "comment":
		set(6, "defaultValue", func() any { return "text" })
		set(6, "setValueExpression", func() any { return m.formula() })
		set(5, "validators", func() any { return []any{m.validator()} })
	case "radiogroup", "checkbox", "dropdown", "tagbox":
		q["choices"] = m.choices()
		set(4, "showOtherItem", func() any { return true })
		set(5, "showNoneItem", func() any { return true })
		set(8, "choicesVisibleIf", func() any { return m.pick("{item} <> {"+m.pick(m.names...)+"}", "{item} = 'a' or "+m.condition()) })
		set(10, "hideIfChoicesEmpty", func() any { return true })
		set(10, "choicesOrder", func() any { return m.pick("asc", "desc") })
		if q["type"] == "checkbox" || q["type"] == "tagbox" {
			set(6, "defaultValue", func() any { return []any{"a"} })
			set(8, "minSelectedChoices", func() any { return 2 })
		} else {
			set(6, "defaultValue", func() any { return "b" })
		}
	case "boolean":
		set(4, "defaultValue", func() any { return true })
		if m.chance(4) {
			q["valueTrue"], q["valueFalse"] = "yes", "no"
			delete(q, "defaultValue")
		}
	case "rating":
		set(4, "defaultValue", func() any { return 3 })
	case "expression":
		q["expression"] = m.formula()
		delete(q, "isRequired")
		delete(q, "requiredIf")
		delete(q, "readOnly")
	case "html":
		for _, k := range []string{"isRequired", "requiredIf", "readOnly", "enableIf", "title", "clearIfInvisible"} {
			delete(q, k)
		}
		q["html"] = "<p>{" + m.pick(m.names...) + "}</p>"
	case "matrix":
		q["columns"], q["rows"] = []any{"c1", "c2", 3}, []any{"r1", "r2"}
		set(4, "eachRowRequired", func() any { return true })
		set(6, "rowsVisibleIf", func() any { return "{item} = 'r1' or " + m.condition() })
	case "multipletext":
		q["items"] = []any{map[string]any{"name": "i1", "isRequired": m.chance(3)}, map[string]any{"name": "i2"}}
	case "paneldynamic":
		delete(q, "readOnly")
		set(2, "panelCount", func() any { return m.r.IntN(3) })
		q["templateElements"] = []any{m.inside("t1", "panel", "t2"), m.inside("t2", "panel", "t1")}
	case "matrixdynamic":
		delete(q, "readOnly")
		set(2, "rowCount", func() any { return m.r.IntN(3) })
		q["columns"] = []any{m.cell("k1", "row", "k2"), m.cell("k2", "row", "k1")}
		set(8, "detailElements", func() any { return []any{m.inside("d1", "row", "k1")} }) // without a mode they never show
	case "matrixdropdown":
		delete(q, "readOnly")
		q["rows"] = []any{"r1", "r2"}
		set(6, "rowsVisibleIf", func() any { return "{item} = 'r1' or " + m.condition() })
		q["columns"] = []any{m.cell("k1", "row", "k2"), m.cell("k2", "row", "k1")}
	}
	return q
}

func (m *formMaker) choices() []any {
	out := []any{"a", "b", map[string]any{"value": "item1", "text": "Item one"}, 2}
	if m.chance(3) {
		out[2] = map[string]any{"value": "item1", "text": "Item one", "visibleIf": m.condition()}
	}
	if m.chance(8) {
		out[1] = map[string]any{"value": "b", "enableIf": m.condition()}
	}
	return out
}

// inside is a question of a dynamic panel.
func (m *formMaker) inside(name, word, other string) map[string]any {
	q := map[string]any{"type": m.pick("text", "radiogroup", "text", "boolean"), "name": name}
	if q["type"] == "radiogroup" {
		q["choices"] = []any{"a", "b", 2}
	}
	if m.chance(3) {
		q["visibleIf"] = "{" + word + "." + other + "} = 'a' or " + m.condition()
	}
	if m.chance(4) {
		q["isRequired"] = true
	}
	return q
}

func (m *formMaker) cell(name, word, other string) map[string]any {
	q := m.inside(name, word, other)
	q["cellType"] = q["type"]
	delete(q, "type")
	return q
}

func (m *formMaker) validator() map[string]any {
	switch m.r.IntN(5) {
	case 0:
		return map[string]any{"type": "text", "minLength": 2, "maxLength": 5}
	case 1:
		return map[string]any{"type": "numeric", "minValue": 3}
	case 2:
		return map[string]any{"type": "regex", "regex": "^[a-z ]+$"}
	case 3:
		return map[string]any{"type": "email"}
	default:
		return map[string]any{"type": "expression", "expression": m.condition()}
	}
}

func (m *formMaker) trigger() map[string]any {
	t := map[string]any{"expression": m.condition()}
	switch m.r.IntN(5) {
	case 0, 3: // a skip waits in SurveyJS until a page is drawn
		t["type"] = "complete"
	case 1:
		t["type"], t["setToName"], t["setValue"] = "setvalue", m.pick(append(m.names, "extra")...), m.pick("a", "b", "x")
		if m.chance(3) {
			t["setToName"], t["isVariable"] = "v1", true
		}
	case 2:
		t["type"], t["fromName"], t["setToName"] = "copyvalue", m.pick(m.names...), m.pick("extra", "extra2")
	default:
		t["type"], t["setToName"], t["runExpression"] = "runexpression", "extra", m.formula()
	}
	return t
}

// form is a definition of up to three pages.
func (m *formMaker) form() json.RawMessage {
	n := 3 + m.r.IntN(6)
	// Panels and tables, or answers that are cleared at once: SurveyJS makes the panels of a page
	// when it is first drawn, and what is cleared inside them before depends on that.
	m.deep = m.chance(2)
	m.names = nil
	for i := range n {
		m.names = append(m.names, fmt.Sprintf("q%d", i+1))
	}
	var pages []any
	var elements []any
	for i, name := range m.names {
		m.at = i
		q := m.question(name, m.deep)
		if m.chance(6) {
			p := map[string]any{"type": "panel", "name": "panel" + fmt.Sprint(i), "elements": []any{q}}
			if m.chance(2) {
				p["visibleIf"] = m.condition()
			}
			if m.chance(5) {
				p["isRequired"] = true
			}
			q = p
		}
		elements = append(elements, q)
		if m.chance(3) || i == n-1 {
			page := map[string]any{"name": fmt.Sprintf("page%d", len(pages)+1), "elements": elements}
			if m.chance(5) {
				page["visibleIf"] = m.condition()
			}
			pages = append(pages, page)
			elements = nil
		}
	}
	m.at = n
	d := map[string]any{"pages": pages}
	if m.chance(2) {
		d["clearInvisibleValues"] = m.pick("none", "onComplete")
		if !m.deep {
			d["clearInvisibleValues"] = m.pick("none", "onHidden", "onHiddenContainer", "onComplete")
		}
	}
	if m.chance(3) {
		d["triggers"] = []any{m.trigger()}
	}
	if m.chance(3) {
		d["calculatedValues"] = []any{map[string]any{"name": "calc1", "expression": m.formula(), "includeIntoResult": m.chance(2)}}
	}
	if m.chance(8) {
		d["checkErrorsMode"] = "onComplete"
	}
	if m.chance(8) {
		d["questionsOnPageMode"] = "singlePage"
	}
	out, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return out
}

// What fast.js spares SurveyJS changes nothing that it tells of walks.
func TestFastOracle(t *testing.T) {
	w := walker{r: rand.New(rand.NewPCG(oracleSeed(t), 4))}
	m := formMaker{r: w.r}
	cases := make([]oracleAsk, caseCount(t, 30))
	for i := range cases {
		src := m.form()
		d, err := Parse(src, Limits{})
		require.NoError(t, err)
		cases[i] = oracleAsk{Survey: src, Steps: w.steps(d, 3+w.r.IntN(12))}
	}
	var plain []oracleTold
	startOracle(t, "PLAIN=1").ask(cases, func(_ oracleAsk, got oracleTold) { plain = append(plain, got) })
	startOracle(t).ask(cases, func(ask oracleAsk, got oracleTold) {
		require.Equal(t, plain[ask.ID], got, "%s", ask.Survey)
	})
}

// Random walks over generated definitions do what SurveyJS does. VEFA_ORACLE_CASES and
// VEFA_ORACLE_SEED make more and others.
func TestGeneratedWalksAgainstSurveyJS(t *testing.T) {
	o := startOracle(t)
	w := walker{r: rand.New(rand.NewPCG(oracleSeed(t), 3))}
	m := formMaker{r: w.r}
	var told walksTold
	var cases []oracleAsk
	var names []string
	more := oracleTime(t)
	for n := caseCount(t, 60); told.walks < n && told.unexplained < maxUnexplained && more(); cases, names = nil, nil {
		for i := range min(n-told.walks, 250) {
			src := m.form()
			d, err := Parse(src, Limits{})
			require.NoError(t, err)
			require.NoError(t, d.Err(), "%s", src)
			cases = append(cases, oracleAsk{Survey: src, Steps: w.steps(d, 3+w.r.IntN(12))})
			names = append(names, fmt.Sprintf("form %d", told.walks+i))
		}
		compareWalks(o, cases, names, &told)
	}
	t.Log(told)
}
