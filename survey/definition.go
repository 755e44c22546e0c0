package survey

import (
	"encoding/json"
	"iter"
	"slices"
)

// Definition is a survey in the SurveyJS JSON format. It is immutable and safe
// for concurrent use; Parse makes one.
type Definition struct {
	raw        json.RawMessage // compact, as read
	head       Head
	questions  []Question
	byName     map[string]int
	containers []container
	keepHidden bool // clearInvisibleValues "none"
	findings   []Finding
	limits     Limits
}

// Head is what a definition says about itself besides its questions.
type Head struct {
	// Name and Version are those of its x-retail object, or empty. Name is how hosts tell
	// surveys apart; SurveyJS itself has no such members.
	Name, Version string
	Title         Text
	Description   Text
	Thanks        Text     // shown after completion: completedHtml without markup; may be empty
	CompleteText  Text     // of the button that sends the answers; may be empty
	NextText      Text     // of the button that leads to further questions; may be empty
	Language      string   // its own locale, or empty
	Languages     []string // into which any text is translated, sorted
	Pages         []Page   // in order; at least one where there is a question
}

// Page is a page of a survey.
type Page struct {
	Name        string // as in the file; may be empty
	Title       Text   // empty: none is shown
	Description Text   // empty: none is shown
}

// The types of questions that this version asks, as SurveyJS names them.
const (
	rating     = "rating"
	radiogroup = "radiogroup"
	comment    = "comment"
	input      = "text" // a single line
	boolean    = "boolean"
)

// Question is one question of a Definition. It is a copy; its Choices are
// shared and not to be changed.
type Question struct {
	Name         string // unique; the key of its answer
	Type         string // as SurveyJS names it: "rating", "radiogroup", "comment", "text" or "boolean"
	Title        Text   // never empty: the name when the file has no title
	Description  Text   // below the title; empty: none
	Page         int    // index of its page, from 0
	Panel        string // name of the innermost panel; empty: it stands on the page
	PanelTitle   Text   // title of the innermost panel, if any
	Required     bool   // isRequired; from Visible: as these answers make it
	RequiredText Text   // the author's message for a missing answer

	// Choices of a radiogroup, steps of a rating, and the two values of a
	// boolean (yes first). Values are float64, string or bool.
	Choices  []Choice
	MinLabel Text // what the lowest step of a rating means
	MaxLabel Text // and the highest one; empty: not said

	InputType    string // of text: text, email, tel, number, url, date, …; "text" when not said
	Min, Max     string // of text: bounds as written, for numbers and dates; empty when none
	Step         string // of text: as written, for numbers; empty: any
	MaxLength    int    // of text and comment, in UTF-16 units as HTML counts; 0 when none
	Rows         int    // of comment; 0 when not said
	Placeholder  Text   // in the empty field; empty: none
	Autocomplete string // of text: what a browser may fill in, as HTML names it; empty: not said

	Extension Extension // "x-retail"; zero: an ordinary question

	index      int
	parent     int  // index of its innermost container
	static     bool // visible without a condition
	visibleIf  *expression
	requiredIf *expression
}

// Choice is a value that can be chosen.
type Choice struct {
	Value     any  // float64, string or bool
	Text      Text // what the respondent reads; the value when the file has none
	visibleIf *expression
}

// container is a page or panel: what decides with a question whether it shows.
type container struct {
	parent    int // -1 for a page
	static    bool
	visibleIf *expression
}

// Head returns what the definition says about itself. Its slices are shared and not to be
// changed.
func (d *Definition) Head() Head { return d.head }

// Questions goes through the questions in the order they are asked, hidden
// ones included.
func (d *Definition) Questions() iter.Seq[Question] {
	return func(yield func(Question) bool) {
		for _, q := range d.questions {
			if !yield(q) {
				return
			}
		}
	}
}

// Question finds a question by its name.
func (d *Definition) Question(name string) (Question, bool) {
	i, ok := d.byName[name]
	if !ok {
		return Question{}, false
	}
	return d.questions[i], true
}

// MarshalJSON writes the definition as it was read, unknown members and the
// spelling of numbers included, without insignificant space.
func (d *Definition) MarshalJSON() ([]byte, error) { return slices.Clone(d.raw), nil }

// UnmarshalJSON is Parse with default Limits.
func (d *Definition) UnmarshalJSON(data []byte) error {
	p, err := Parse(data, Limits{})
	if err != nil {
		return err
	}
	*d = *p
	return nil
}

// Visible lists the questions that show for these answers, in order, each
// with the choices that show.
func (d *Definition) Visible(env Env) []Question {
	shown := d.shownContainers(env)
	out := make([]Question, 0, len(d.questions))
	for i := range d.questions {
		q := &d.questions[i]
		if !shown[q.parent] || !holds(q.static, q.visibleIf, env) {
			continue
		}
		visible := q.shown(env)
		if len(visible.Choices) == 0 && (q.Type == rating || q.Type == radiogroup) {
			continue // nothing is left to choose from
		}
		out = append(out, visible)
	}
	return out
}

// shownContainers says of each page and panel whether it shows. A panel of a hidden one is
// hidden whatever its own condition says.
func (d *Definition) shownContainers(env Env) []bool {
	shown := make([]bool, len(d.containers))
	for i, c := range d.containers { // parents come first
		shown[i] = (c.parent < 0 || shown[c.parent]) && holds(c.static, c.visibleIf, env)
	}
	return shown
}

// holds says whether something shows: by its condition if it has one, which then overrides
// "visible", as in SurveyJS.
func holds(static bool, cond *expression, env Env) bool {
	if cond == nil {
		return static
	}
	return cond.holds(env)
}

// shown is the question without the choices that are hidden, and with Required
// as these answers make it.
func (q *Question) shown(env Env) Question {
	out := *q
	if q.requiredIf != nil {
		out.Required = q.requiredIf.holds(env) // instead of isRequired, as in SurveyJS
	}
	if !slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.visibleIf != nil }) {
		return out
	}
	out.Choices = nil
	for _, c := range q.Choices {
		if c.visibleIf == nil || c.visibleIf.loosely(env) {
			out.Choices = append(out.Choices, c)
		}
	}
	return out
}
