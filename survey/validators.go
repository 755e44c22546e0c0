package survey

import (
	"slices"
	"strings"
)

// validatorKinds are the checks that SurveyJS has.
var validatorKinds = []string{"numeric", "text", "answercount", "regex", "email", "expression"}

// validators reads the checks of a question.
func (p *parser) validators(v *node, at, question string) []validator {
	var out []validator
	p.items(v, at, question, "validators", func(n *node, at string) {
		var c validator
		if t := n.get("type"); t != nil {
			p.text(t, join(at, "type"), question, &c.kind)
		}
		c.kind = strings.TrimSuffix(c.kind, "validator")
		if !slices.Contains(validatorKinds, c.kind) {
			f := p.ruled("validator/unknown-type", unknownType, failure, join(at, "type"), question, "there is no validator "+quote(c.kind))
			f.Suggestion = nearest(c.kind, slices.Clone(validatorKinds))
			return
		}
		num := func(dst **float64) func(*node, string) {
			return func(v *node, at string) {
				var f float64
				if p.number(v, at, question, &f) {
					*dst = &f
				}
			}
		}
		var source string
		var fold bool
		digits := true
		p.object(n, at, question, properties{
			"text":             func(v *node, at string) { c.message = p.localized(v, at, question) },
			"notificationType": func(v *node, _ string) { c.notice = v.text != "error" && v.text != "" },
			"minValue":         num(&c.min), "maxValue": num(&c.max),
			"minLength": num(&c.min), "maxLength": num(&c.max),
			"minCount": num(&c.min), "maxCount": num(&c.max),
			"allowDigits":     func(v *node, at string) { p.truth(v, at, question, &digits) },
			"regex":           func(v *node, at string) { p.text(v, at, question, &source) },
			"caseInsensitive": func(v *node, at string) { p.truth(v, at, question, &fold) },
			"expression":      func(v *node, at string) { c.expr = p.condition(v, at, question) },
		}, c.kind+"validator")
		c.noDigits = !digits
		switch {
		case c.kind == "regex" && source == "":
			p.ruled("validator/dead", badValue, warning, at, question, "a regex validator without a regex accepts everything")
			return
		case c.kind == "regex":
			var err error
			if c.pattern, err = compilePattern(source, fold); err != nil {
				p.find(badRegex, failure, join(at, "regex"), question, err.Error())
				return
			}
		case c.kind == "expression" && c.expr == nil:
			p.warn("validator/dead", at, question, "an expression validator without an expression accepts everything")
			return
		}
		if c.min != nil && c.max != nil && *c.min > *c.max && *c.max > 0 {
			p.warn("validator/dead", at, question, "no answer is between the least and the greatest value")
		}
		out = append(out, c)
	})
	return out
}
