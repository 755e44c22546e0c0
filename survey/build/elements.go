package build

import "github.com/vefacrm/vefa/survey"

// question makes an element of a type.
func question(typ, name string) *Element { return &Element{members{"type": typ, "name": name}} }

// Page makes a page. An empty name is left to SurveyJS.
func Page(name string, elements ...*Element) *Element {
	e := &Element{members{"elements": elements}}
	if name != "" {
		e.members["name"] = name
	}
	return e
}

// Panel makes a group of questions.
func Panel(name string, elements ...*Element) *Element {
	return question("panel", name).Set("elements", elements)
}

// Text makes a line of text; Input says which.
func Text(name string) *Element { return question("text", name) }

// Comment makes a field for a longer text.
func Comment(name string) *Element { return question("comment", name) }

// Boolean makes a question for yes or no.
func Boolean(name string) *Element { return question("boolean", name) }

// Rating makes a scale of whole numbers, both ends among them.
func Rating(name string, from, to int) *Element {
	return question("rating", name).Set("rateMin", from).Set("rateMax", to)
}

// Radio makes a choice of one. A choice is a text, a number or what Choice makes.
func Radio(name string, choices ...any) *Element {
	return question("radiogroup", name).Set("choices", choices)
}

// Dropdown makes a choice of one from a list that opens.
func Dropdown(name string, choices ...any) *Element {
	return question("dropdown", name).Set("choices", choices)
}

// Checkbox makes a choice of any number.
func Checkbox(name string, choices ...any) *Element {
	return question("checkbox", name).Set("choices", choices)
}

// Ranking makes a list that the respondent puts into order.
func Ranking(name string, choices ...any) *Element {
	return question("ranking", name).Set("choices", choices)
}

// Matrix makes a table in whose rows one column is chosen.
func Matrix(name string, rows, columns []any) *Element {
	return question("matrix", name).Set("rows", rows).Set("columns", columns)
}

// Table makes a table with rows of the author's and a question in each cell. Columns are
// questions, such as Text and Radio make them.
func Table(name string, rows []any, columns ...*Element) *Element {
	return question("matrixdropdown", name).Set("rows", rows).Set("columns", cells(columns))
}

// Rows makes a table to which the respondent adds rows.
func Rows(name string, columns ...*Element) *Element {
	return question("matrixdynamic", name).Set("columns", cells(columns))
}

// cells makes columns of questions: the type of one is the type of its cells.
func cells(columns []*Element) []*Element {
	out := make([]*Element, len(columns))
	for i, c := range columns {
		if c == nil {
			continue
		}
		out[i] = &Element{members{}}
		for k, v := range c.members {
			if k == "type" {
				k = "cellType"
			}
			out[i].members[k] = v
		}
	}
	return out
}

// Repeat makes a group of questions that is there as often as the respondent wants. Inside it
// expressions read {panel.name}.
func Repeat(name string, elements ...*Element) *Element {
	return question("paneldynamic", name).Set("templateElements", elements)
}

// HTML makes a piece of markup between questions. It is cleaned when it is shown.
func HTML(name, markup string) *Element { return question("html", name).Set("html", markup) }

// Expression makes a value that is calculated and shown.
func Expression(name, expression string) *Element {
	return question("expression", name).Set("expression", expression)
}

// Choice makes a choice, row or column with a text of its own; In translates it.
func Choice(value any, text string) *Element {
	return &Element{members{"value": value, "text": text}}
}

// Title is what a page, panel or question asks; In adds it in another language.
func (e *Element) Title(text string) *Element { e.say(e.heading(), "", text); return e }

// In is the title, or the text of a choice, in a language such as "tr".
func (e *Element) In(language, text string) *Element { e.say(e.heading(), language, text); return e }

// heading is the property that Title and In give.
func (e *Element) heading() string {
	if _, is := e.members["value"]; is {
		return "text"
	}
	return "title"
}

// Help is the description below the title, in a language; "" is for all others.
func (e *Element) Help(language, text string) *Element {
	e.say("description", language, text)
	return e
}

// Required asks for an answer; of a page or panel, for one to any of its questions.
func (e *Element) Required() *Element { return e.Set("isRequired", true) }

// Measures says what the question measures, which its name does not: survey.NPS of a Rating from 0 to 10,
// survey.CSAT from 1 to 5, survey.CES from 1 to 7. Scores, bad answers and results are of such
// questions alone.
func (e *Element) Measures(m survey.Metric) *Element { return e.own("metric", string(m)) }

// VisibleIf shows the element where an expression holds.
func (e *Element) VisibleIf(expression string) *Element { return e.Set("visibleIf", expression) }

// EnableIf lets the element be answered where an expression holds.
func (e *Element) EnableIf(expression string) *Element { return e.Set("enableIf", expression) }

// RequiredIf asks for an answer where an expression holds.
func (e *Element) RequiredIf(expression string) *Element { return e.Set("requiredIf", expression) }

// Default is the answer that a question has at first.
func (e *Element) Default(v any) *Element { return e.Set("defaultValue", v) }

// Input is the kind of a line of text as HTML names it: email, tel, number, date and others.
func (e *Element) Input(kind string) *Element { return e.Set("inputType", kind) }

// Other adds a choice beside which its text is written.
func (e *Element) Other() *Element { return e.Set("showOtherItem", true) }

// None adds the choice of none of the others.
func (e *Element) None() *Element { return e.Set("showNoneItem", true) }

// Validate adds a validator of a type, such as "text" with minLength and maxLength.
func (e *Element) Validate(kind string, properties map[string]any) *Element {
	v := map[string]any{"type": kind}
	for k, p := range properties {
		v[k] = p
	}
	list, _ := e.members["validators"].([]any)
	return e.Set("validators", append(list, v))
}
