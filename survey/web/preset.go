package web

import (
	"net/url"
	"strconv"

	"github.com/vefacrm/vefa/survey"
)

// presetQuery is the parameter of a page's address that holds an answer to the first question, such as of
// a message that shows the scale as links: /s/TOKEN?a=9.
const presetQuery = "a"

// preset is the first page with the answer of the address chosen, where its first question is a rating
// that offers it; else ok is false. It stores nothing: who opens a link has not answered yet, and some
// links are opened by programs.
func preset(v visit, query url.Values) (s step, ok bool) {
	answer := query.Get(presetQuery)
	if _, err := strconv.Atoi(answer); err != nil || len(answer) > 4 {
		return s, false
	}
	first := firstStep(v)
	asked := views(first.view.Elements, nil)
	if len(asked) == 0 || asked[0].Type != "rating" || asked[0].ReadOnly {
		return s, false
	}
	f := form{Values: url.Values{pageField: {strconv.Itoa(first.view.Index)}, fieldPrefix + asked[0].Path: {answer}, onPrefix + asked[0].Path: {"1"}}}
	s = nextStep(v, &f, true)
	if s.session.State() == survey.Completed || s.view.Index != first.view.Index || len(s.faults)+len(s.raw) > 0 {
		return s, false
	}
	s.carry = false // nothing was sent yet
	return s, true
}
