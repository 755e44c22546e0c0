package survey

import (
	"fmt"
	"slices"
	"strings"
)

// selection reads a question with choices and those that SurveyJS adds to them.
func (p *parser) selection(r *reader) {
	q, ru := r.q, r.q.rules
	r.add(properties{
		"choices": func(v *node, at string) {
			q.Choices = p.choices(v, at, q.Name, "choiceitem", "checkboxitem", "imageitemvalue", "buttongroupitemvalue")
		},
		"choicesOrder":             r.str(&ru.order),
		"choicesVisibleIf":         r.when(&ru.choicesVisibleIf),
		"choicesEnableIf":          r.when(&ru.choicesEnableIf),
		"choicesFromQuestion":      r.str(&ru.from),
		"choicesFromQuestionMode":  r.str(&ru.fromMode),
		"choiceValuesFromQuestion": r.str(&ru.fromValues),
		"choiceTextsFromQuestion":  r.str(&ru.fromTexts),
		"hideIfChoicesEmpty":       r.yes(&ru.hideIfEmpty),
		"separateSpecialChoices":   r.yes(&ru.separateSpecial),
		"storeOthersAsComment":     func(v *node, _ string) { ru.otherAsComment = toText(v.value()) },
		"otherPlaceholder":         r.loc(&q.CommentPlaceholder),
		"otherErrorText":           r.loc(&q.OtherError),
		"placeholder":              r.loc(&q.Placeholder),
		"autocomplete":             r.str(&q.Autocomplete),
		"allowCustomChoices":       r.yes(&ru.custom),
		"valuePropertyName":        r.str(&ru.valueProperty),
		"selectToRankEnabled":      r.yes(&ru.selectToRank),
		"minSelectedChoices":       r.num(&q.MinSelected),
		"maxSelectedChoices":       r.num(&q.MaxSelected),
	})
	if q.Type == "dropdown" {
		p.generated(r)
	}
	special := map[string]*specialChoice{}
	for _, s := range specialChoices {
		c := &specialChoice{Choice: Choice{Value: s.value, Special: s.special, Exclusive: s.special != OtherItem && s.special != SelectAllItem, Comment: s.special == OtherItem}}
		special[s.special] = c
		r.read[s.show] = r.yes(&c.shown)
		r.read[s.text] = func(v *node, at string) {
			c.Text = p.localized(v, at, q.Name)
		}
	}
	r.read["#special"] = func(*node, string) { p.addSpecial(q, special) }
}

// specialChoice is one that SurveyJS adds when it is asked to.
type specialChoice struct {
	Choice
	shown bool
}

// specialChoices are the properties that ask for them, in the order in which they stand.
var specialChoices = []struct{ special, value, show, text string }{
	{SelectAllItem, "all", "showSelectAllItem", "selectAllText"},
	{RefuseItem, "refused", "showRefuseItem", "refuseText"},
	{DontKnowItem, "dontknow", "showDontKnowItem", "dontKnowText"},
	{NoneItem, "none", "showNoneItem", "noneText"},
	{OtherItem, "other", "showOtherItem", "otherText"},
}

// addSpecial appends the special choices; the one for all goes first. A ranking has none.
func (p *parser) addSpecial(q *Question, special map[string]*specialChoice) {
	if q.Type == "ranking" {
		return
	}
	for _, s := range specialChoices {
		c := special[s.special]
		if !c.shown || s.special == SelectAllItem && !q.Multiple {
			continue
		}
		if s.special == SelectAllItem {
			q.Choices = append([]Choice{c.Choice}, q.Choices...)
			continue
		}
		q.Choices = append(q.Choices, c.Choice)
	}
}

// generated reads the numbers that a dropdown makes choices of.
func (p *parser) generated(r *reader) {
	var lo, hi float64
	step := 1.0
	var haveLo, haveHi bool
	r.add(properties{
		"choicesMin":  func(v *node, at string) { haveLo = p.number(v, at, r.q.Name, &lo) },
		"choicesMax":  func(v *node, at string) { haveHi = p.number(v, at, r.q.Name, &hi) },
		"choicesStep": func(v *node, at string) { p.number(v, at, r.q.Name, &step) },
		"#generated": func(*node, string) {
			if !haveHi || !haveLo && hi <= 0 || step <= 0 || (hi-lo)/step > float64(p.d.limits.Choices) {
				return
			}
			for v := lo; v <= hi; v += step {
				r.q.Choices = append(r.q.Choices, Choice{Value: v, Text: plainText(formatNumber(v))})
			}
		},
	})
}

// choicesOrElse finishes a question with choices: there must be something to choose from, or a
// question that they are taken from.
func (p *parser) choicesOrElse(r *reader, path string) func() {
	return func() {
		if fn := r.read["#generated"]; fn != nil {
			fn(nil, "")
		}
		r.read["#special"](nil, "")
		q := r.q
		if len(q.Choices) == 0 && q.rules.from == "" && !q.rules.custom && !p.found(path+".choicesByUrl") && !p.inherited {
			severity := failure
			if q.Comment && !q.rules.required {
				severity = warning // the field for a remark can still be used
			}
			p.find(badValue, severity, path, q.Name, "there is nothing to choose from")
		}
	}
}

// found tells whether something was found at a path already.
func (p *parser) found(path string) bool {
	return slices.ContainsFunc(p.d.findings, func(f Finding) bool { return f.Path == path })
}

// choices reads a list of choices, each value once.
func (p *parser) choices(n *node, path, question string, classes ...string) []Choice {
	if n.kind != kindArray {
		if n.kind != kindNull {
			p.ruled("property/not-an-array", badValue, failure, path, question, "is "+n.kind.String()+", not an array")
		}
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
		c, ok := p.choice(it, at, question, classes)
		if !ok {
			continue
		}
		key := choiceKey(c.Value)
		if seen[key] {
			p.ruled("choices/duplicate", duplicateName, failure, at, question, "the value "+quote(key)+" is offered twice; the first one counts")
			continue
		}
		seen[key] = true
		out = append(out, c)
	}
	return out
}

// choice reads a choice, which is a value, "value|text", or an object; a text that is missing is
// the value.
func (p *parser) choice(n *node, path, question string, classes []string) (Choice, bool) {
	var c Choice
	switch n.kind {
	case kindString:
		value, text, cut := strings.Cut(n.text, "|")
		c.Value = value
		if cut {
			c.Text = plainText(text)
		}
	case kindNumber, kindBool:
		c.Value = n.value()
	case kindObject:
		p.object(n, path, question, properties{
			"value": func(v *node, at string) {
				switch v.kind {
				case kindString, kindNumber, kindBool:
					c.Value = v.value()
				}
			},
			"text":              func(v *node, at string) { c.Text = p.localized(v, at, question) },
			"visibleIf":         func(v *node, at string) { c.visibleIf = p.condition(v, at, question) },
			"enableIf":          func(v *node, at string) { c.enableIf = p.condition(v, at, question) },
			"imageLink":         func(v *node, at string) { c.Image = p.localized(v, at, question) },
			"isExclusive":       func(v *node, at string) { p.truth(v, at, question, &c.Exclusive) },
			"showCommentArea":   func(v *node, at string) { p.truth(v, at, question, &c.Comment) },
			"isCommentRequired": func(v *node, at string) { p.truth(v, at, question, &c.mustSay) },
		}, classes...)
		for _, m := range n.members { // {$item.color} reads what an author added
			switch m.value.kind {
			case kindString, kindNumber, kindBool:
				if c.extra == nil {
					c.extra = map[string]any{}
				}
				c.extra[m.name] = m.value.value()
			}
		}
		if s, isText := c.Value.(string); isText { // SurveyJS splits it here, too
			if value, text, cut := strings.Cut(s, "|"); cut {
				c.Value = value
				if c.Text.IsZero() {
					c.Text = plainText(text)
				}
			}
		}
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

// rating reads the steps: rateValues when given, else rateMin to rateMax by
// rateStep (1 to 5 by 1 when not said), where a rateCount moves the end that
// is not given.
func (p *parser) rating(r *reader, path string) func() {
	q := r.q
	lo, hi, step, count := 1.0, 5.0, 1.0, 0
	var haveLo, haveHi, listed bool
	q.RateType = "labels"
	r.add(properties{
		"minRateDescription": r.loc(&q.MinLabel),
		"maxRateDescription": r.loc(&q.MaxLabel),
		"rateType": func(v *node, at string) {
			if p.text(v, at, q.Name, &q.RateType); q.RateType == "numbers" || q.RateType == "" {
				q.RateType = "labels"
			}
		},
		"rateMin":   func(v *node, at string) { haveLo = p.number(v, at, q.Name, &lo) },
		"rateMax":   func(v *node, at string) { haveHi = p.number(v, at, q.Name, &hi) },
		"rateStep":  func(v *node, at string) { p.number(v, at, q.Name, &step) },
		"rateCount": func(v *node, at string) { p.integer(v, at, q.Name, &count) },
		"rateValues": func(v *node, at string) {
			q.Choices = p.choices(v, at, q.Name, "ratingitem")
			listed = len(q.Choices) > 0
		},
		"autoGenerate": func(*node, string) {},
	})
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
func (p *parser) boolean(r *reader, path string) func() {
	q := r.q
	q.Choices = []Choice{{Value: true}, {Value: false}}
	for i, side := range []string{"True", "False"} {
		c := &q.Choices[i]
		r.read["label"+side] = r.loc(&c.Text)
		r.read["value"+side] = func(v *node, at string) {
			switch v.kind {
			case kindBool, kindNumber, kindString:
				c.Value = v.value()
			default:
				p.find(badValue, failure, at, q.Name, "is "+v.kind.String())
			}
		}
	}
	var label Text
	r.read["label"] = r.loc(&label)
	return func() {
		if q.Title.IsZero() {
			q.Title = label
		}
		if equalValues(q.Choices[0].Value, q.Choices[1].Value, true) {
			p.find(badValue, failure, path, q.Name, "yes and no have the same value")
		}
	}
}
