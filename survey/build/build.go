// Package build makes survey definitions in Go. What it makes is the SurveyJS JSON that a file
// would hold: a Survey marshals to it, and Definition reads it as Parse reads a file, with every
// fault at its path.
//
//	def, err := build.New(
//		build.Page("visit",
//			build.Rating("nps", 0, 10).Title("How likely are you to recommend us?").In("tr", "Bizi önerir misiniz?").Required().Measures(survey.NPS),
//			build.Comment("why").Title("Why?").VisibleIf("{nps} <= 6"),
//		),
//	).Name("store").Definition()
//
// What has no method of its own is given by Set, under the name that SurveyJS has for it. The language of Title
// and of texts without a language is English, unless Set("locale", "tr") says otherwise.
package build

import (
	"encoding/json"
	"errors"

	"github.com/vefacrm/vefa/survey"
)

// Survey is a definition in the making. Its methods change it and give it back.
type Survey struct{ members }

// Element is a page, panel, question or column of a table. Its methods change it and give it back:
// an element that is added twice is the same one in both places.
type Element struct{ members }

// members are those of a JSON object.
type members map[string]any

// New makes a survey of pages. What is no page, a panel or a question, stands on a page of its own.
func New(pages ...*Element) *Survey {
	list := make([]*Element, len(pages))
	for i, p := range pages {
		if list[i] = p; p != nil && p.members["type"] != nil {
			list[i] = Page("", p)
		}
	}
	return &Survey{members{"pages": list}}
}

// Set gives a property by the name that SurveyJS has for it. A value is what encoding/json writes;
// nil takes the property away.
func (s *Survey) Set(property string, v any) *Survey { s.members.set(property, v); return s }

// Set gives a property by the name that SurveyJS has for it. A value is what encoding/json writes;
// nil takes the property away.
func (e *Element) Set(property string, v any) *Element { e.members.set(property, v); return e }

func (m members) set(property string, v any) {
	if v == nil {
		delete(m, property)
		return
	}
	m[property] = v
}

// say gives a text in a language; "" and "default" are the one for all others.
func (m members) say(property, language, text string) {
	if language == "" {
		language = "default"
	}
	texts, ok := m[property].(map[string]string)
	if !ok {
		texts = map[string]string{}
		if s, is := m[property].(string); is {
			texts["default"] = s
		}
		if len(texts) == 0 && language == "default" {
			m[property] = text
			return
		}
		m[property] = texts
	}
	texts[language] = text
}

// Name is that by which a host tells surveys apart, survey.Head.Name.
func (s *Survey) Name(name string) *Survey { return s.own("name", name) }

// Version is that of the wording, survey.Head.Version.
func (s *Survey) Version(version string) *Survey { return s.own("version", version) }

func (s *Survey) own(k string, v any) *Survey { s.members.own(k, v); return s }

func (e *Element) own(k string, v any) *Element { e.members.own(k, v); return e }

// own gives a property of the "x-retail" object.
func (m members) own(k string, v any) {
	x, ok := m["x-retail"].(map[string]any)
	if !ok {
		x = map[string]any{}
		m["x-retail"] = x
	}
	x[k] = v
}

// Title is the heading; In adds it in another language.
func (s *Survey) Title(text string) *Survey { s.say("title", "", text); return s }

// In is the title in a language, such as "tr".
func (s *Survey) In(language, title string) *Survey { s.say("title", language, title); return s }

// Thanks is what is shown after completion, as markup, in a language; "" is for all others.
func (s *Survey) Thanks(language, html string) *Survey {
	s.say("completedHtml", language, html)
	return s
}

// Calculate adds a value that follows from answers, which expressions read by its name.
func (s *Survey) Calculate(name, expression string) *Survey {
	list, _ := s.members["calculatedValues"].([]any)
	return s.Set("calculatedValues", append(list, map[string]any{"name": name, "expression": expression}))
}

// Trigger adds one of a kind, such as "setvalue", with its further properties.
func (s *Survey) Trigger(kind, expression string, properties map[string]any) *Survey {
	t := map[string]any{"type": kind, "expression": expression}
	for k, v := range properties {
		t[k] = v
	}
	list, _ := s.members["triggers"].([]any)
	return s.Set("triggers", append(list, t))
}

// MarshalJSON writes the definition, its members in alphabetical order.
func (s *Survey) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any(s.members)) }

// MarshalJSON writes the element, its members in alphabetical order.
func (e *Element) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any(e.members)) }

// Definition is the survey as the package survey runs it. The error joins what is wrong: each a
// survey.Finding of severity "failure", or of a property that SurveyJS does not have, with its
// Path; or a survey.ParseError. Of a definition without Go there would only be a warning for such
// a property; here it is a misspelling. What is only doubtful, such as a condition on a question that is
// not there, is no error: see survey.Definition.Findings.
func (s *Survey) Definition() (*survey.Definition, error) {
	data, err := s.MarshalJSON()
	if err != nil {
		return nil, err
	}
	d, err := survey.Parse(data, survey.Limits{})
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, f := range d.Findings() {
		if f.Severity == "failure" || f.Kind == "unknown-property" {
			errs = append(errs, f)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return d, nil
}
