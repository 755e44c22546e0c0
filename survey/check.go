package survey

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Faults is what is wrong with all pages that show.
func (s *Session) Faults() Faults {
	var out Faults
	for i, p := range s.d.pages {
		if n := s.root.node(p); n.isVisible() || i == 0 && s.d.head.StartPage {
			out = append(out, s.faultsOn(n)...)
		}
	}
	return out
}

// pageFaults is what is wrong with the page that shows.
func (s *Session) pageFaults() Faults {
	if s.page < 0 {
		return nil
	}
	s.moving = true
	defer func() { s.moving = false }()
	return s.faultsOn(s.root.node(s.d.pages[s.page]))
}

// faultsOn is what is wrong with a page or panel.
func (s *Session) faultsOn(n *live) Faults {
	var out Faults
	for _, el := range n.el.children {
		c := n.sc.node(el)
		switch {
		case !c.isVisible():
		case c.q != nil:
			out = append(out, s.faultsOf(c)...)
		default:
			out = append(out, s.faultsOn(c)...)
		}
	}
	return append(out, s.panelFault(n)...)
}

// panelFault says that a required panel or page has no answer at all.
func (s *Session) panelFault(n *live) Faults {
	if !n.required || n.isReadOnly() {
		return nil
	}
	var first *live
	for _, el := range n.el.below {
		q := n.sc.node(el)
		if !q.inSight() {
			continue
		}
		if !q.empty() {
			return nil
		}
		if first == nil {
			first = q
		}
	}
	if first == nil {
		return nil
	}
	return Faults{{Question: first.path(), Code: oneRequired, Message: n.el.errorText}}
}

// path is the name of a question, or how it is found inside another: orders[0].quantity.
func (n *live) path() string {
	o := n.sc.owner
	if o == nil {
		return n.q.Name
	}
	switch {
	case o.q.rules.fields != nil:
		return o.path() + "." + n.q.Name
	case o.q.fixedRows():
		return o.path() + "." + n.sc.row.Key() + "." + n.q.Name
	}
	return o.path() + "[" + strconv.Itoa(n.sc.index) + "]." + n.q.Name
}

// empty tells whether a question has no answer; panels without answers are none.
func (n *live) empty() bool {
	v := n.value()
	if list, ok := v.([]any); ok && n.q.Repeat != nil {
		return !slices.ContainsFunc(list, func(it any) bool { return !isEmpty(plain(it)) })
	}
	return isEmpty(v)
}

// faultsOf is what is wrong with a question that shows.
func (s *Session) faultsOf(n *live) Faults {
	var out Faults
	if s.moving && n.q.takesChoices() && s.clearMode(n) != "none" {
		s.dropUnoffered(n) // SurveyJS does it while it checks
	}
	if n.isVisible() && (!n.isReadOnly() || n.q.Type == "expression") {
		if n.required && n.empty() && n.q.Type != "expression" {
			out = append(out, n.fault(required, "", n.q.RequiredText))
		}
		out = append(out, s.typeFaults(n)...)
		if len(out) == 0 {
			out = s.validatorFaults(n)
		}
	}
	for _, k := range n.kids {
		if k.hidden {
			continue
		}
		for _, el := range k.tree.elements {
			if el.parent == nil {
				out = append(out, s.faultsOn(k.node(el))...)
			}
		}
	}
	if n.q.repeats() {
		out = append(out, s.repeated(n)...)
	}
	return out
}

// fault makes a fault of a question.
func (n *live) fault(code, limit string, message Text) Fault {
	return Fault{Question: n.path(), Code: code, Limit: limit, Message: message}
}

// typeFaults are the checks that a type brings.
func (s *Session) typeFaults(n *live) Faults {
	var out Faults
	q := n.q
	if q.takesChoices() {
		if f, is := s.otherFault(n); is {
			out = append(out, f)
		}
	}
	switch q.Type {
	case "text":
		out = append(out, n.lineFaults()...)
	case "checkbox", "tagbox", "ranking":
		chosen, _ := n.value().([]any)
		if q.MinSelected > 0 && len(chosen) < q.MinSelected && !(len(chosen) == 1 && n.exclusive(chosen[0])) {
			out = append(out, n.fault(tooFew, strconv.Itoa(q.MinSelected), Text{}))
		}
	case "matrix":
		out = append(out, n.matrixFaults()...)
	case "matrixdynamic":
		if least := q.Matrix.MinRows; least > 0 && n.required {
			filled := 0
			for _, k := range n.kids {
				if !isEmpty(k.values) {
					filled++
				}
			}
			if filled < least {
				out = append(out, n.fault(tooFew, strconv.Itoa(least), Text{}))
			}
		}
	}
	return out
}

// exclusive tells whether a value is that of a choice that stands alone, such as "none".
func (n *live) exclusive(v any) bool {
	return slices.ContainsFunc(n.q.Choices, func(c Choice) bool { return c.Exclusive && equalValues(c.Value, v, false) })
}

// otherFault says that a choice was taken that asks for a text, without the text.
func (s *Session) otherFault(n *live) (Fault, bool) {
	if n.comment() != "" || !slices.ContainsFunc(n.q.Choices, func(c Choice) bool { return c.Special == OtherItem || c.mustSay }) {
		return Fault{}, false
	}
	for _, c := range n.q.Choices {
		if c.Special != OtherItem && !c.mustSay {
			continue
		}
		chosen := equalValues(n.value(), c.Value, false)
		if list, ok := n.value().([]any); ok {
			chosen = slices.ContainsFunc(list, func(v any) bool { return equalValues(choiceValue(v, n.q), c.Value, false) })
		}
		if chosen && !isEmpty(n.value()) {
			return n.fault(otherMissing, "", n.q.OtherError), true
		}
	}
	return Fault{}, false
}

// lineFaults checks the bounds of a single line.
func (n *live) lineFaults() Faults {
	var out Faults
	q, v := n.q, n.value()
	if isEmpty(v) {
		return nil
	}
	if q.bounded() {
		lo, hi := n.bound(q.Min, n.min), n.bound(q.Max, n.max)
		if !isEmpty(lo) && lessIn(q.InputType, v, lo) {
			out = append(out, n.fault(outOfRange, toText(lo), q.MinErrorText))
		}
		if !isEmpty(hi) && lessIn(q.InputType, hi, v) {
			out = append(out, n.fault(outOfRange, toText(hi), q.MaxErrorText))
		}
	}
	if q.InputType == "number" && offStep(getNumber(v), getNumber(q.Step)) {
		out = append(out, n.fault(offScale, q.Step, Text{}))
	}
	if q.InputType == "email" && truthy(v) && !slices.ContainsFunc(q.rules.validators, func(c validator) bool { return c.kind == "email" }) && !mail(v) {
		out = append(out, n.fault(badFormat, "", Text{}))
	}
	return out
}

// outOfBounds tells a value below the least or above the greatest.
func (n *live) outOfBounds(v any) bool {
	lo, hi := n.bound(n.q.Min, n.min), n.bound(n.q.Max, n.max)
	return !isEmpty(lo) && lessIn(n.q.InputType, v, lo) || !isEmpty(hi) && lessIn(n.q.InputType, hi, v)
}

// bounded tells the input types that have a least and greatest value.
func (q *Question) bounded() bool {
	switch q.InputType {
	case "number", "range", "date", "datetime-local", "month", "time", "week":
		return true
	}
	return false
}

// bound is a bound as written, or as its expression gives it.
func (n *live) bound(written string, calculated any) any {
	if !isEmpty(calculated) {
		return calculated
	}
	if written == "" {
		return nil
	}
	if f, ok := numberText(written); ok && (n.q.InputType == "number" || n.q.InputType == "range") {
		return f
	}
	return written
}

// lessIn compares values of an input type: days and moments by the calendar, others as
// JavaScript does.
func lessIn(inputType string, a, b any) bool {
	if inputType == "date" || inputType == "datetime-local" {
		x, y := dateOf(a, time.UTC), dateOf(b, time.UTC)
		return x.valid() && y.valid() && x.t.Before(y.t)
	}
	return lessPlain(a, b)
}

// offStep tells whether a number is no multiple of a step, by the digits that both have.
func offStep(v, step float64) bool {
	if math.IsNaN(v) || math.IsNaN(step) {
		return false
	}
	pw := 1.0
	for (roundJS(step*pw)/pw != step || roundJS(v*pw)/pw != v) && pw < 1e6 {
		pw *= 10
	}
	v, step = roundJS(v*pw), roundJS(step*pw)
	return step > 0 && math.Mod(v, step) != 0
}

// matrixFaults checks that every row is answered, and no answer is given twice.
func (n *live) matrixFaults() Faults {
	m := n.q.Matrix
	if !m.EachRequired && !m.EachUnique {
		return nil
	}
	given, _ := n.value().(map[string]any)
	shown := n.visibleRows()
	seen := map[string]bool{}
	missing, twice := "", false
	for i, row := range m.Rows {
		if !shown[i] {
			continue
		}
		v := given[row.Key()]
		key := toText(plain(v))
		if isEmpty(v) {
			if m.EachRequired && missing == "" {
				missing = row.Key()
			}
			if m.EachRequired {
				continue
			}
		} else if m.EachUnique && seen[key] {
			twice = true
		}
		seen[key] = true
	}
	var out Faults
	if missing != "" {
		out = append(out, n.fault(rowRequired, "", Text{}))
	}
	if twice {
		out = append(out, n.fault(notUnique, "", Text{}))
	}
	return out
}

// repeated checks that keys of panels and rows differ.
func (s *Session) repeated(n *live) Faults {
	names := map[string]bool{}
	var message Text
	switch {
	case n.q.Repeat != nil:
		message = n.q.Repeat.KeyText
		if n.q.Repeat.Key != "" {
			names[n.q.Repeat.Key] = true
		}
	case n.q.Matrix != nil:
		message = n.q.Matrix.KeyText
		if n.q.Matrix.Key != "" {
			names[n.q.Matrix.Key] = true
		}
		for _, c := range n.q.inner().questions {
			if c.rules.unique {
				names[c.Name] = true
			}
		}
	}
	var out Faults
	for _, name := range keys(names) {
		var seen []any
		for _, k := range n.visibleKids() {
			c := k.named(name)
			if c == nil || c.empty() {
				continue
			}
			if slices.ContainsFunc(seen, func(v any) bool { return equalValues(v, c.value(), false) }) {
				out = append(out, c.fault(notUnique, "", message))
			}
			seen = append(seen, c.value())
		}
	}
	return out
}

// validatorFaults runs the validators of a question.
func (s *Session) validatorFaults(n *live) Faults {
	var out Faults
	for i := range n.q.rules.validators {
		c := &n.q.rules.validators[i]
		if code, limit := s.validate(c, n); code != "" && !c.notice {
			out = append(out, n.fault(code, limit, c.message))
		}
	}
	return out
}

// validate runs one validator; code is empty where the answer is in order.
func (s *Session) validate(c *validator, n *live) (code, limit string) {
	v := plain(n.value())
	switch c.kind {
	case "numeric":
		if isEmpty(v) {
			return "", ""
		}
		f := getNumber(v)
		switch {
		case math.IsNaN(f):
			return badFormat, ""
		case c.min != nil && *c.min > f:
			return outOfRange, formatNumber(*c.min)
		case c.max != nil && *c.max < f:
			return outOfRange, formatNumber(*c.max)
		}
	case "text":
		if isEmpty(v) {
			return "", ""
		}
		t, isText := v.(string)
		length := utf16Len(t)
		switch {
		case c.noDigits && endsInDigit(toText(v)):
			return badFormat, ""
		case !isText:
			return "", ""
		case c.min != nil && *c.min > 0 && float64(length) < *c.min:
			return tooShort, formatNumber(*c.min)
		case c.max != nil && *c.max > 0 && float64(length) > *c.max:
			return tooLong, formatNumber(*c.max)
		}
	case "answercount":
		list, _ := v.([]any)
		switch count := float64(len(list)); {
		case count == 0:
		case c.min != nil && *c.min != 0 && count < *c.min:
			return tooFew, formatNumber(*c.min)
		case c.max != nil && *c.max != 0 && count > *c.max:
			return tooMany, formatNumber(*c.max)
		}
	case "regex":
		if isEmpty(v) {
			return "", ""
		}
		if list, ok := v.([]any); ok {
			for _, it := range list {
				if !c.pattern.match(toText(plain(it))) {
					return badFormat, ""
				}
			}
		}
		if !c.pattern.match(toText(v)) {
			return badFormat, ""
		}
	case "email":
		if truthy(v) && !mail(v) {
			return badFormat, ""
		}
	case "expression":
		if !loosely(s.evalSelf(c.expr, n)) {
			return rejected, ""
		}
	}
	return "", ""
}

// evalSelf evaluates an expression of a question, which {self} names.
func (s *Session) evalSelf(x *expression, n *live) any {
	if !slices.Contains(x.names, "self") {
		return s.eval(x, n.sc)
	}
	e := s.evaluation(n.sc)
	e.extra = map[string]any{"self": plain(n.value())}
	return x.root.eval(e)
}

// endsInDigit is the regular expression \d+$ of SurveyJS.
func endsInDigit(s string) bool { return s != "" && isDigit(s[len(s)-1]) }

// mail is SurveyJS's check of an address.
func mail(v any) bool {
	s, ok := v.(string)
	return ok && len(s) < 400 && mailPattern().MatchString(s)
}

var mailPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(([^<>()\[\].,;:\s@"]+(\.[^<>()\[\].,;:\s@"]+)*)|(".+"))@(([^<>()=\[\].,;:\s@"]+\.)+[^<>()=\[\].,;:\s@"]{2,})$`)
})
