package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// Variables are the host's values that expressions and texts refer to,
	// such as the name of the shop. They are not answers and are not stored.
	Variables map[string]any `json:"-"`
	// Key is the idempotency key of the page on which the answers were given;
	// empty when there was no page.
	Key string `json:"key,omitempty"`
}

// The codes of faults.
const (
	required   = "required"
	wrongType  = "wrong-type"
	notOffered = "not-offered"
	outOfRange = "out-of-range"
	tooLong    = "too-long"
	badFormat  = "bad-format"
	notAsked   = "not-asked"
)

// Fault is one thing wrong with a response. It names the question and never
// quotes the answer, which may be personal.
type Fault struct {
	Question string
	Code     string
	Limit    string // the bound that was passed, for OutOfRange and tooLong
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
func (d *Definition) Check(r Response) (Response, error) {
	answers := make(map[string]any, len(r.Answers))
	bad := map[string]Fault{}
	var faults Faults
	for name, v := range r.Answers {
		i, ok := d.byName[name]
		if !ok {
			faults = append(faults, Fault{Question: name, Code: notAsked})
			continue
		}
		v, fault := d.questions[i].normal(v, d.limits.AnswerRunes)
		switch {
		case fault != nil:
			bad[name] = *fault
		case !isEmpty(v):
			answers[name] = v
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Question, b.Question) })

	visible := d.Visible(Env{Answers: answers, Variables: r.Variables})
	var inOrder Faults
	shown := make(map[string]bool, len(visible))
	for _, q := range visible {
		shown[q.Name] = true
		v, answered := answers[q.Name]
		if f, is := bad[q.Name]; is {
			inOrder = append(inOrder, f)
		} else if !answered && q.Required {
			inOrder = append(inOrder, Fault{Question: q.Name, Code: required})
		} else if answered && len(q.Choices) > 0 && !q.offers(v) {
			inOrder = append(inOrder, Fault{Question: q.Name, Code: notOffered})
			delete(answers, q.Name)
		}
	}
	if !d.keepHidden {
		maps.DeleteFunc(answers, func(name string, _ any) bool { return !shown[name] })
	}
	r.Answers = answers
	r.Survey, r.Version = d.head.Name, d.head.Version
	if faults = append(inOrder, faults...); len(faults) > 0 {
		return r, faults
	}
	return r, nil
}

// offers reports whether a value is one of the choices that show.
func (q *Question) offers(v any) bool {
	return slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Value == v })
}

// Written is an open answer.
type Written struct {
	Question string
	// Text is what was typed, cleaned of control characters and outer blanks.
	Text string
}

// Written lists the open answers of a response: its comments and the texts
// that are not personal data by their PII class, in order.
func (d *Definition) Written(r Response) []Written {
	var out []Written
	for _, q := range d.questions {
		if q.Type != comment && (q.Type != input || q.InputType != "text" || q.Extension.PII != "") {
			continue
		}
		if s, ok := r.Answers[q.Name].(string); ok && s != "" {
			out = append(out, Written{q.Name, s})
		}
	}
	return out
}
