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
	name       string
	version    string
	title      Text
	about      Text
	thanks     Text
	complete   Text
	next       Text
	locale     string
	languages  []string
	pages      []Page
	questions  []Question
	byName     map[string]int
	containers []container
	keepHidden bool // clearInvisibleValues "none"
	findings   []Finding
	limits     Limits
}

// Page is a page of a survey.
type Page struct {
	Name        string // as in the file; may be empty
	Title       Text   // empty: none is shown
	Description Text   // empty: none is shown
}

// Type is the type of a question, as SurveyJS names it.
type Type string

// The types of questions that this version asks.
const (
	Rating     Type = "rating"
	Radiogroup Type = "radiogroup"
	Comment    Type = "comment"
	Input      Type = "text" // a single line
	Boolean    Type = "boolean"
)

// Question is one question of a Definition. It is a copy; its Choices are
// shared and not to be changed.
type Question struct {
	Name         string // unique; the key of its answer
	Type         Type
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

	InputType    string // of Input: text, email, tel, number, url, date, …; "text" when not said
	Min, Max     string // of Input: bounds as written, for numbers and dates; empty when none
	Step         string // of Input: as written, for numbers; empty: any
	MaxLength    int    // of Input and Comment, in UTF-16 units as HTML counts; 0 when none
	Rows         int    // of Comment; 0 when not said
	Placeholder  Text   // in the empty field; empty: none
	Autocomplete string // of Input: what a browser may fill in, as HTML names it; empty: not said

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

// Name is the name in the definition's x-retail object, or empty. It is how
// hosts tell surveys apart; SurveyJS itself has no such member.
func (d *Definition) Name() string { return d.name }

// Version is the version in the definition's x-retail object, or empty.
func (d *Definition) Version() string { return d.version }

// Title is the survey's title.
func (d *Definition) Title() Text { return d.title }

// Description is the survey's introduction.
func (d *Definition) Description() Text { return d.about }

// Thanks is the text shown after completion: completedHtml without markup.
// Empty when the definition has none.
func (d *Definition) Thanks() Text { return d.thanks }

// CompleteText labels the button that sends the answers; empty when the
// definition does not say.
func (d *Definition) CompleteText() Text { return d.complete }

// NextText labels the button that leads to further questions; empty when the
// definition does not say.
func (d *Definition) NextText() Text { return d.next }

// Language is the definition's own locale, or empty.
func (d *Definition) Language() string { return d.locale }

// Languages lists the languages that any text of the definition is translated
// into, sorted.
func (d *Definition) Languages() []string { return slices.Clone(d.languages) }

// Pages lists the pages in order.
func (d *Definition) Pages() []Page { return slices.Clone(d.pages) }

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
		if len(visible.Choices) == 0 && (q.Type == Rating || q.Type == Radiogroup) {
			continue // nothing is left to choose from
		}
		out = append(out, visible)
	}
	return out
}

func (d *Definition) shownContainers(env Env) []bool {
	shown := make([]bool, len(d.containers))
	for i, c := range d.containers { // parents come first
		shown[i] = (c.parent < 0 || shown[c.parent]) && holds(c.static, c.visibleIf, env)
	}
	return shown
}

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
