package survey

import "strings"

// Carried converts answers that were kept elsewhere and came back, perhaps changed by whoever
// kept them, to what the questions ask for, so that SessionOptions.Answers can hold them. What
// nothing asks for, no trigger sets, or cannot be read is left out.
func (d *Definition) Carried(answers map[string]any) map[string]any {
	out, _, _ := d.normalised(answers)
	for _, t := range d.logic.triggers {
		if v, ok := answers[t.setTo]; ok && t.setTo != "" && !t.variable && d.keyed(t.setTo) == nil {
			out[t.setTo] = normalValue(v, 0)
		}
	}
	return out
}

// TriggerVariables are the variables that the triggers of the survey have set. Given back as
// SessionOptions.Variables they let a survey go on.
func (s *Session) TriggerVariables() map[string]any {
	var out map[string]any
	for _, t := range s.d.logic.triggers {
		if !t.variable || t.setTo == "" {
			continue
		}
		if v, ok := s.vars[strings.ToLower(t.setTo)]; ok && !isEmpty(v) {
			if out == nil {
				out = map[string]any{}
			}
			out[t.setTo] = answerOf(v)
		}
	}
	return out
}

// Text is a text of the definition as the session shows it: in its language, with the {names} in
// it replaced.
func (s *Session) Text(t Text) string { return s.pipe(s.say(t), nil) }

// Pass goes on from the page as Next does, and also where a skip trigger leads whose expression
// reads answers of this page. Such a trigger acts when its answer is given: a Session that was
// resumed with the answers needs to be told to go there again.
func (s *Session) Pass() Faults {
	if s.state != Running || s.page < 0 {
		return s.Next()
	}
	s.work = 0
	here := map[string]change{}
	for _, el := range s.d.pages[s.page].below {
		key := el.question.Key()
		here[key] = change{now: s.root.values[key]}
	}
	was := s.page
	for i := range s.d.logic.triggers {
		t := &s.d.logic.triggers[i]
		if t.kind != "skip" || t.when == nil || !s.uses(t.when, here) || s.eval(t.when, s.root) != true {
			continue
		}
		if s.goTo(t.goTo); s.page != was {
			return nil
		}
	}
	return s.Next()
}
