package web

import (
	"errors"
	"net/url"
	"slices"

	"github.com/vefacrm/vefa/survey"
)

// The names of form fields. A question's field is the prefix and its name, so
// that no question can take the name of a field of ours.
const (
	fieldPrefix = "q."
	keyField    = "_key"  // idempotency key of the render
	onPrefix    = "_on."  // and a name: asked on this page
	wasPrefix   = "_was." // and a name: asked on an earlier page
)

// step is what a request leads to: questions to ask, or a finished response.
type step struct {
	ask      []survey.Question       // the questions of the page; none: finished
	was      []string                // asked on earlier pages
	faults   map[string]survey.Fault // by question
	raw      map[string]string       // what was typed, by question
	response survey.Response         // normal form of what is in order
}

// firstStep asks what shows before anything is answered.
func firstStep(v visit) step {
	return following(v, step{response: survey.Response{Language: v.lang, Variables: v.variables()}})
}

// nextStep reads a form: with faults it asks the same page again, else it asks
// what has not been asked yet.
func nextStep(v visit, form url.Values) step {
	d := v.inv.Definition
	s := step{raw: map[string]string{}, faults: map[string]survey.Fault{}}
	answers := map[string]any{}
	for q := range d.Questions() {
		if form.Has(fieldPrefix + q.Name) {
			s.raw[q.Name] = form.Get(fieldPrefix + q.Name)
			answers[q.Name] = s.raw[q.Name]
		}
	}
	checked, err := d.Check(survey.Response{Language: v.lang, Answers: answers, Variables: v.variables()})
	s.response = checked
	on := func(name string) bool { return form.Has(onPrefix + name) }
	was := func(name string) bool { return form.Has(wasPrefix + name) }
	var faults survey.Faults
	errors.As(err, &faults)
	for _, f := range faults {
		if on(f.Question) || was(f.Question) {
			s.faults[f.Question] = f
		}
	}
	visible := d.Visible(survey.Env{Answers: checked.Answers, Variables: checked.Variables})
	if len(s.faults) > 0 {
		for _, q := range visible {
			if _, faulty := s.faults[q.Name]; faulty || on(q.Name) {
				s.ask = append(s.ask, q)
			} else if was(q.Name) {
				s.was = append(s.was, q.Name)
			}
		}
		return s
	}
	for _, q := range visible {
		if on(q.Name) || was(q.Name) {
			s.was = append(s.was, q.Name)
		}
	}
	return following(v, s)
}

// following asks the visible questions of the first page that has any not
// asked yet.
func following(v visit, s step) step {
	visible := v.inv.Definition.Visible(survey.Env{Answers: s.response.Answers, Variables: s.response.Variables})
	for _, q := range visible {
		if slices.Contains(s.was, q.Name) || len(s.ask) > 0 && s.ask[0].Page != q.Page {
			continue
		}
		s.ask = append(s.ask, q)
	}
	return s
}

// variables are the host's values with the place among them.
func (v *visit) variables() map[string]any {
	out := make(map[string]any, len(v.inv.Variables)+1)
	for k, val := range v.inv.Variables {
		out[k] = val
	}
	if v.inv.Place != "" {
		out["place"] = v.inv.Place
	}
	return out
}
