package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Response is what one respondent answered.
type Response struct {
	// Survey is the Name of the definition that was asked.
	Survey string `json:"survey,omitempty"`
	// Version is the Version of the definition that was asked; scores of
	// different versions are not to be mixed unseen.
	Version string `json:"version,omitempty"`
	// Language is the language the questions were read in, such as "tr".
	Language string `json:"language,omitempty"`
	// Answers by question name. Check turns each into the form in which JSON
	// gives it back: float64, string or bool.
	Answers map[string]any `json:"answers"`
	// Begun is when the first page was shown, by what the form says: anybody can change
	// that. Zero: not known.
	Begun time.Time `json:"begun,omitzero"`
	// Variables are the host's values that expressions and texts refer to,
	// such as the name of the shop. They are not answers and are not stored.
	Variables map[string]any `json:"-"`
	// Key is the idempotency key of the page on which the answers were given;
	// empty when there was no page.
	Key string `json:"key,omitempty"`
}

// The codes of faults.
const (
	required     = "required"
	oneRequired  = "one-required"  // of a panel: one of its questions is to be answered
	otherMissing = "other-missing" // "other" was chosen without saying what
	rowRequired  = "row-required"  // every row of a matrix is to be answered
	wrongType    = "wrong-type"
	notOffered   = "not-offered"
	outOfRange   = "out-of-range"
	offScale     = "off-step" // no multiple of the step
	tooLong      = "too-long"
	tooShort     = "too-short"
	tooFew       = "too-few"
	tooMany      = "too-many"
	tooLarge     = "too-large" // a file
	notUnique    = "not-unique"
	badFormat    = "bad-format"
	rejected     = "rejected" // by an expression of the author's
	notAsked     = "not-asked"
)

// Fault is one thing wrong with a response. It names the question and never
// quotes the answer, which may be personal.
type Fault struct {
	// Question is its name, or of one inside another its path, such as orders[0].quantity,
	// matrix.row.column or address.street.
	Question string
	Code     string
	Limit    string // the bound that was passed, for codes that have one
	Message  Text   // the author's own words; zero: there are none
}

func (f Fault) Error() string {
	if f.Limit != "" {
		return fmt.Sprintf("question %q: %s (%s)", f.Question, f.Code, f.Limit)
	}
	return fmt.Sprintf("question %q: %s", f.Question, f.Code)
}

// Faults are all faults of a response, in the order of the questions.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each Fault to errors.As.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// Check validates a response and returns it in normal form: values converted
// to what the question asks, texts trimmed, empty answers and answers to
// hidden questions removed. The given response is not changed. The error is
// Faults, with every fault; the response returned beside it holds the answers
// that are in order.
//
// Check is stricter than SurveyJS, which accepts any value that a program
// sets: an answer must be one of those offered, and its question must exist.
// It takes answers by question name or by ValueName. It gives no default
// values: a question that is left empty was left empty. What depends on the
// date, such as today(), has no value here; CheckAt has.
func (d *Definition) Check(r Response) (Response, error) { return d.CheckAt(r, time.Time{}) }

// CheckAt is Check at a moment.
func (d *Definition) CheckAt(r Response, now time.Time) (Response, error) {
	answers, bad, faults := d.normalised(r.Answers)
	s := d.Begin(SessionOptions{Language: r.Language, Variables: r.Variables, Answers: maps.Clone(answers), Now: now, Resumed: true, owned: true})
	var inOrder Faults
	for _, p := range d.pages {
		inOrder = append(inOrder, s.check(s.root.node(p), answers, bad)...)
	}
	s.complete()
	r.Answers = s.root.values // they were made here
	s.addCalculated(r.Answers)
	for _, f := range inOrder {
		if q := d.named(f.Question); q != nil {
			delete(r.Answers, q.Key())
		}
	}
	r.Survey, r.Version = d.head.Name, d.head.Version
	if faults = append(inOrder, faults...); len(faults) > 0 {
		return r, faults
	}
	return r, nil
}

// named finds the question of a path, which may be inside another.
func (d *Definition) named(path string) *Question {
	if q := d.names[path]; q != nil {
		return q
	}
	for i, c := range path {
		if c == '.' || c == '[' {
			if q := d.names[path[:i]]; q != nil {
				return q
			}
		}
	}
	return nil
}

// normalised converts answers to what their questions ask for. bad has the faults of those that
// could not be, by question; faults those of names that nothing asks for.
func (d *Definition) normalised(in map[string]any) (answers map[string]any, bad map[string]Faults, faults Faults) {
	answers = make(map[string]any, len(in))
	for name, v := range in {
		q := d.keyed(name)
		if q == nil {
			if base, cut := strings.CutSuffix(name, commentSuffix); cut {
				if q := d.keyed(base); q != nil && q.remarks() {
					d.remark(answers, &bad, q, name, v)
					continue
				}
			}
			if d.calculates(name) {
				continue
			}
			faults = append(faults, Fault{Question: name, Code: notAsked})
			continue
		}
		v, fs := q.normal(v, d.limits)
		switch {
		case len(fs) > 0:
			if bad == nil {
				bad = map[string]Faults{}
			}
			bad[q.Name] = fs
		case !isEmpty(v):
			answers[q.Key()] = v
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Question, b.Question) })
	return answers, bad, faults
}

// keyed finds the question of an answer, by the name of the answer or of the question.
func (d *Definition) keyed(name string) *Question {
	if qs := d.logic.byKey[name]; len(qs) > 0 {
		return qs[0]
	}
	if q := d.names[name]; q != nil && q.asks() {
		return q
	}
	return nil
}

// remarks tells whether a text can stand beside the answer.
func (q *Question) remarks() bool {
	return q.Comment || slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Comment })
}

// calculates tells the names of values that are calculated into the answers.
func (d *Definition) calculates(name string) bool {
	return slices.ContainsFunc(d.logic.calculated, func(c calculated) bool { return c.include && c.name == name })
}

// remark takes the text beside an answer.
func (d *Definition) remark(answers map[string]any, bad *map[string]Faults, q *Question, name string, v any) {
	text, f := remarkText(q, v, d.limits)
	if f != nil {
		if *bad == nil {
			*bad = map[string]Faults{}
		}
		(*bad)[q.Name] = append((*bad)[q.Name], *f)
		return
	}
	if text != "" {
		answers[name] = text
	}
}

// check is what is wrong with the answers below a page or panel. The faults of what could not
// be read stand for the question; otherwise it is checked as it is.
func (s *Session) check(n *live, answers map[string]any, bad map[string]Faults) Faults {
	if n.q == nil {
		if !n.isVisible() {
			return nil
		}
		var out Faults
		for _, el := range n.el.children {
			out = append(out, s.check(n.sc.node(el), answers, bad)...)
		}
		if n.required && len(out) == 0 {
			out = append(out, s.panelFault(n)...)
		}
		return out
	}
	if !n.isVisible() || s.nothingToChoose(n) {
		return nil
	}
	if fs := bad[n.q.Name]; len(fs) > 0 {
		return fs
	}
	if v, ok := answers[n.q.Key()]; ok && !s.accepts(n, v) {
		return Faults{{Question: n.q.Name, Code: notOffered}}
	}
	return s.faultsOf(n)
}

// accepts tells whether every chosen value is one of those that show and can be chosen.
func (s *Session) accepts(n *live, v any) bool {
	if !n.q.takesChoices() || n.q.rules.custom || s.ownWords(n) || n.choices == nil && n.q.rules.from == "" {
		return true
	}
	offered := slices.DeleteFunc(slices.Clone(s.offered(n)), func(c Choice) bool { return c.Disabled })
	if list, ok := v.([]any); ok {
		return !slices.ContainsFunc(list, func(it any) bool { return !offers(offered, choiceValue(it, n.q)) })
	}
	return offers(offered, v)
}

// Visible lists the questions that show for these answers, in order, each
// with the choices that show. Answers are taken as they are; no default value
// is given. A question all of whose choices are hidden is left out: nobody
// could answer it. (A Session shows it, as SurveyJS does.)
func (d *Definition) Visible(env Env) []Question {
	s := d.Begin(SessionOptions{Variables: env.Variables, Answers: env.Answers, Now: env.Now, Resumed: true})
	out := make([]Question, 0, len(d.questions))
	for _, q := range d.questions {
		if n := s.root.node(q.self); n.inSight() && !s.nothingToChoose(n) {
			out = append(out, s.shown(n))
		}
	}
	return out
}

// nothingToChoose tells a question all of whose choices are hidden.
func (s *Session) nothingToChoose(n *live) bool {
	return (n.choices != nil || n.q.rules.from != "") && len(s.offered(n)) == 0
}

// shown is the question as these answers make it.
func (s *Session) shown(n *live) Question {
	q := *n.q
	q.Required, q.ReadOnly = n.required, n.isReadOnly() || q.Type == "expression"
	if q.takesChoices() {
		q.Choices = s.shownChoices(n)
	}
	return q
}

// Written is an open answer.
type Written struct {
	Question string
	// Text is what was typed, cleaned of control characters and outer blanks.
	Text string
}

// Written lists the open answers of a response, in order: its comments, the texts that are
// not personal data by their PII class, and what was typed beside a choice or below a
// question, under the question's name and "-Comment".
func (d *Definition) Written(r Response) []Written {
	var out []Written
	for _, q := range d.questions {
		if q.Type != "comment" && (q.Type != "text" || q.InputType != "text" || q.Extension.PII != "") {
			if s, ok := r.Answers[q.Key()+"-Comment"].(string); ok && s != "" && q.Extension.PII == "" {
				out = append(out, Written{q.Name + "-Comment", s})
			}
			continue
		}
		if s, ok := r.Answers[q.Key()].(string); ok && s != "" {
			out = append(out, Written{q.Name, s})
		}
	}
	return out
}
