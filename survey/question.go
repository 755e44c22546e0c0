package survey

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// question reads a question of a type that is asked. One without a name, or with a name that is
// taken, is left out: its answer could not be told from another's.
func (p *parser) question(n *node, path string, typ string, name string, parent int, panelTitle Text, panel string) {
	d := p.d
	if name == "" {
		p.find(missingName, failure, path, "", "a question without a name cannot be answered")
		return
	}
	if _, dup := d.byName[name]; dup {
		p.find(duplicateName, failure, path, name, "a second question of this name is not asked")
		return
	}
	q := Question{
		Name: name, Type: typ, Page: len(d.head.Pages) - 1, Panel: panel, PanelTitle: panelTitle,
		index: len(d.questions), parent: parent, static: true,
	}
	loc := func(dst *Text) func(*node, string) {
		return func(v *node, at string) { *dst = p.localized(v, at, name) }
	}
	str := func(dst *string) func(*node, string) {
		return func(v *node, at string) { p.text(v, at, name, dst) }
	}
	num := func(dst *int) func(*node, string) {
		return func(v *node, at string) { p.integer(v, at, name, dst) }
	}
	read := properties{
		"type":              func(*node, string) {},
		"name":              func(*node, string) {},
		"title":             loc(&q.Title),
		"description":       loc(&q.Description),
		"requiredErrorText": loc(&q.RequiredText),
		"isRequired":        func(v *node, at string) { p.truth(v, at, name, &q.Required) },
		"requiredIf":        func(v *node, at string) { q.requiredIf = p.condition(v, at, name) },
		"visible":           func(v *node, at string) { p.truth(v, at, name, &q.static) },
		"visibleIf":         func(v *node, at string) { q.visibleIf = p.condition(v, at, name) },
		extensionName:       func(v *node, at string) { q.Extension = p.extension(v, at, name) },
	}
	var finish func()
	switch typ {
	case rating:
		finish = p.rating(&q, path, read, loc)
	case radiogroup:
		read["choices"] = func(v *node, at string) { q.Choices = p.choices(v, at, name) }
	case boolean:
		finish = p.boolean(&q, path, read, loc)
	case comment:
		read["maxLength"], read["rows"] = num(&q.MaxLength), num(&q.Rows)
		read["placeholder"] = loc(&q.Placeholder)
	case input:
		q.InputType = "text"
		read["inputType"] = func(v *node, at string) { p.inputType(v, at, name, &q.InputType) }
		read["maxLength"] = num(&q.MaxLength)
		read["placeholder"] = loc(&q.Placeholder)
		read["autocomplete"] = str(&q.Autocomplete)
		for prop, dst := range map[string]*string{"min": &q.Min, "max": &q.Max, "step": &q.Step} {
			read[prop] = func(v *node, at string) { p.bound(v, at, name, dst) }
		}
	}
	p.members(n, path, name, read, questionVocabulary[typ])
	if finish != nil {
		finish()
	}
	if q.Title.IsZero() {
		q.Title = plainText(name)
	}
	if (typ == radiogroup || typ == rating) && len(q.Choices) == 0 {
		p.find(badValue, failure, path, name, "there is nothing to choose from")
	}
	p.checkMetric(&q, path)
	d.byName[name] = q.index
	d.questions = append(d.questions, q)
}

// rating reads the steps: rateValues when given, else rateMin to rateMax by
// rateStep (1 to 5 by 1 when not said), where a rateCount moves the end that
// is not given.
func (p *parser) rating(q *Question, path string, read properties, loc func(*Text) func(*node, string)) func() {
	lo, hi, step, count := 1.0, 5.0, 1.0, 0
	var haveLo, haveHi, listed bool
	read["minRateDescription"], read["maxRateDescription"] = loc(&q.MinLabel), loc(&q.MaxLabel)
	read["rateMin"] = func(v *node, at string) { haveLo = p.number(v, at, q.Name, &lo) }
	read["rateMax"] = func(v *node, at string) { haveHi = p.number(v, at, q.Name, &hi) }
	read["rateStep"] = func(v *node, at string) { p.number(v, at, q.Name, &step) }
	read["rateCount"] = func(v *node, at string) { p.integer(v, at, q.Name, &count) }
	read["rateValues"] = func(v *node, at string) {
		q.Choices = p.choices(v, at, q.Name)
		listed = len(q.Choices) > 0
	}
	return func() {
		if listed {
			return
		}
		if count > 0 {
			switch span := float64(count-1) * step; {
			case !haveHi:
				hi = lo + span
			case !haveLo:
				lo = hi - span
			}
		}
		if step <= 0 || hi < lo || (hi-lo)/step > float64(p.d.limits.Choices) {
			p.find(badValue, failure, path, q.Name, fmt.Sprintf("no scale from %g to %g by %g", lo, hi, step))
			return
		}
		for i := 0; lo+float64(i)*step <= hi+1e-9; i++ {
			v := lo + float64(i)*step
			q.Choices = append(q.Choices, Choice{Value: v, Text: plainText(formatNumber(v))})
		}
	}
}

// boolean makes the two choices; both labels may be missing and are then the page's own words.
func (p *parser) boolean(q *Question, path string, read properties, loc func(*Text) func(*node, string)) func() {
	q.Choices = []Choice{{Value: true}, {Value: false}}
	for i, side := range []string{"True", "False"} {
		c := &q.Choices[i]
		read["label"+side] = loc(&c.Text)
		read["value"+side] = func(v *node, at string) {
			switch v.kind {
			case kindBool, kindNumber, kindString:
				c.Value = v.value()
			default:
				p.find(badValue, failure, at, q.Name, "is "+v.kind.String())
			}
		}
	}
	return func() {
		if equalValues(q.Choices[0].Value, q.Choices[1].Value, true) {
			p.find(badValue, failure, path, q.Name, "yes and no have the same value")
		}
	}
}

// choices reads a list of choices, each value once.
func (p *parser) choices(n *node, path, question string) []Choice {
	if n.kind != kindArray {
		p.find(badValue, failure, path, question, "is "+n.kind.String()+", not an array")
		return nil
	}
	if len(n.items) > p.d.limits.Choices {
		p.err = &ParseError{Path: path, Err: fmt.Errorf("%d choices: %w of %d", len(n.items), ErrLimit, p.d.limits.Choices)}
		return nil
	}
	out := make([]Choice, 0, len(n.items))
	seen := make(map[string]bool, len(n.items))
	for i, it := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		c, ok := p.choice(it, at, question)
		if !ok {
			continue
		}
		if key := choiceKey(c.Value); seen[key] {
			p.find(duplicateName, failure, at, question, "the value "+quote(key)+" is offered twice; the first one counts")
			continue
		} else {
			seen[key] = true
		}
		out = append(out, c)
	}
	return out
}

// choice reads a choice, which is a value or an object with one; a text that is missing is the
// value.
func (p *parser) choice(n *node, path, question string) (Choice, bool) {
	var c Choice
	switch n.kind {
	case kindString, kindNumber, kindBool:
		c.Value = n.value()
	case kindObject:
		p.members(n, path, question, properties{
			"value": func(v *node, at string) {
				switch v.kind {
				case kindString, kindNumber, kindBool:
					c.Value = v.value()
				}
			},
			"text":      func(v *node, at string) { c.Text = p.localized(v, at, question) },
			"visibleIf": func(v *node, at string) { c.visibleIf = p.condition(v, at, question) },
		}, choiceVocabulary)
	}
	if c.Value == nil || choiceKey(c.Value) == "" {
		p.find(badValue, failure, path, question, "a choice without a value")
		return Choice{}, false
	}
	if c.Text.IsZero() {
		c.Text = plainText(choiceKey(c.Value))
	}
	return c, true
}

// choiceKey is the text under which a value travels in a form.
func choiceKey(v any) string { return toText(v) }

// Key is the text under which the choice travels in a form and by which Check
// recognises it: the value as JavaScript writes it.
func (c Choice) Key() string { return choiceKey(c.Value) }

// knownInputs are the input types that a browser checks and fills in; others
// of SurveyJS are asked as plain text.
var knownInputs = []string{"text", "email", "tel", "number", "url", "date"}

// inputType reads the kind of a single line.
func (p *parser) inputType(v *node, at, question string, dst *string) {
	var t string
	p.text(v, at, question, &t)
	if t == "" {
		return
	}
	if !slices.Contains(knownInputs, t) {
		p.find(unsupportedProperty, failure, at, question, "input type "+quote(t)+" is asked as text")
		return
	}
	*dst = t
}

// bound reads min, max or step as written: it may be a number or a date.
func (p *parser) bound(v *node, at, question string, dst *string) {
	switch v.kind {
	case kindString, kindNumber:
		*dst = v.text
	default:
		p.find(badValue, failure, at, question, "is "+v.kind.String()+", neither a number nor a date")
	}
}

// checkMetric reports a metric whose scale differs from the question's: NPS
// asked from 1 to 10 is not NPS.
func (p *parser) checkMetric(q *Question, path string) {
	lo, hi, ok := q.Extension.Metric.scale()
	if !ok {
		return
	}
	err := error(nil)
	switch {
	case q.Type != rating && q.Type != radiogroup:
		err = errors.New("is not asked on a scale")
	default:
		for i, c := range q.Choices {
			if f, isNum := c.Value.(float64); !isNum || f != float64(lo+i) {
				err = errors.New("is asked from " + strconv.Itoa(lo) + " to " + strconv.Itoa(hi) + " by 1")
				break
			}
		}
		if err == nil && len(q.Choices) != hi-lo+1 {
			err = errors.New("is asked from " + strconv.Itoa(lo) + " to " + strconv.Itoa(hi) + " by 1")
		}
	}
	if err != nil {
		p.find(badValue, failure, join(path, extensionName), q.Name, string(q.Extension.Metric)+" "+err.Error())
		q.Extension.Metric = ""
	}
}
