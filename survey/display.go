package survey

import (
	"slices"
	"strings"
)

// display is an answer as a text shows it: the texts of choices instead of their values.
func (s *Session) display(n *live, v any) any {
	q := n.q
	v = plain(v)
	if isEmpty(v) {
		if !q.rules.defaultText.IsZero() {
			return s.say(q.rules.defaultText)
		}
		return ""
	}
	switch {
	case q.Type == "boolean":
		for i, c := range q.Choices {
			if equalValues(c.Value, v, false) {
				if !c.Text.IsZero() {
					return s.say(c.Text)
				}
				return [...]string{"Yes", "No"}[i]
			}
		}
	case q.Type == "rating":
		return s.choiceText(q.Choices, v)
	case q.takesChoices():
		return s.displayChoices(n, v)
	case q.Type == "expression":
		return s.formatted(q, v)
	case q.Matrix != nil && q.Type == "matrix":
		given, _ := v.(map[string]any)
		out := map[string]any{}
		for k, c := range given {
			out[s.rowText(q, k)] = s.choiceText(q.Matrix.Columns, plain(c))
		}
		return out
	}
	return v
}

func (s *Session) rowText(q *Question, key string) string {
	for _, r := range q.Matrix.Rows {
		if r.Key() == key {
			return s.say(r.Text)
		}
	}
	return key
}

// choiceText is the text of a value, or the value.
func (s *Session) choiceText(list []Choice, v any) any {
	for _, c := range list {
		if equalValues(c.Value, v, false) {
			return s.say(c.Text)
		}
	}
	return v
}

// displayChoices is display of a question with choices: of a list, the texts between commas.
func (s *Session) displayChoices(n *live, v any) any {
	if !n.q.rules.displayText {
		return v
	}
	offered := s.offered(n)
	one := func(v any) (text any, known bool) {
		v = choiceValue2(v, n.q)
		for _, c := range offered {
			if equalValues(c.Value, v, false) {
				if t := n.comment(); c.Special == OtherItem && t != "" {
					return t, true
				}
				return s.choiceLabel(c), true
			}
		}
		return v, false
	}
	list, ok := v.([]any)
	if !ok {
		text, _ := one(v)
		return text
	}
	var all, known []string // what is not offered shows only where nothing is
	for _, it := range list {
		t, is := one(plain(it))
		if text := toText(t); text != "" {
			all = append(all, text)
			if is {
				known = append(known, text)
			}
		}
	}
	if len(known) > 0 {
		all = known
	}
	return strings.Join(all, ", ")
}

// choiceValue2 is choiceValue of a value that may be no object.
func choiceValue2(v any, q *Question) any {
	if _, ok := v.(map[string]any); ok {
		return choiceValue(v, q)
	}
	return v
}

// choiceLabel is what a choice reads; those that SurveyJS adds have English words of their own.
func (s *Session) choiceLabel(c Choice) string {
	if !c.Text.IsZero() {
		return s.say(c.Text)
	}
	switch c.Special {
	case OtherItem:
		return "Other (describe)"
	case NoneItem:
		return "None"
	case RefuseItem:
		return "Refuse to answer"
	case DontKnowItem:
		return "Don't know"
	case SelectAllItem:
		return "Select All"
	}
	return c.Key()
}

// formatted writes the value of an expression question: its number style and format.
func (s *Session) formatted(q *Question, v any) any {
	ru := q.rules
	text := toText(v)
	if f, ok := v.(float64); ok && ru.style != "" && ru.style != "none" && ru.style != "date" {
		text = styled(f, ru)
	}
	if format := s.say(ru.format); format != "" {
		return strings.ReplaceAll(format, "{0}", text)
	}
	return text
}

// styled writes a number as a decimal, a percentage or an amount, in the English way.
func styled(f float64, ru *questionRules) string {
	lo, hi := 0, 3
	prefix, suffix := "", ""
	switch ru.style {
	case "percent":
		f, hi, suffix = f*100, 0, "%"
	case "currency":
		lo, hi = 2, 2
		currency := ru.currency
		if currency == "" || currency == "USD" {
			prefix = "$"
		} else {
			prefix = currency + "\u00a0"
		}
	}
	if ru.minFraction >= 0 {
		lo = min(ru.minFraction, 20)
		hi = max(hi, lo)
	}
	if ru.maxFraction >= 0 {
		hi = min(ru.maxFraction, 20)
		lo = min(lo, hi)
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	whole, frac, _ := strings.Cut(fixedText(f, hi), ".")
	for len(frac) > lo && strings.HasSuffix(frac, "0") {
		frac = frac[:len(frac)-1]
	}
	if ru.grouping {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if frac != "" {
		whole += "." + frac
	}
	return sign + prefix + whole + suffix
}

// maxPiped bounds what names in one text may make of it.
const maxPiped = 64 << 10

// pipe replaces {names} in a text of a question or survey by what they stand for: answers as
// they are displayed, variables, calculated values. A name that is nothing stays as it is.
func (s *Session) pipe(text string, sc *scope) string {
	if !strings.Contains(text, "{") {
		return text
	}
	size := len(text)
	return Pipe(text, func(name string) (string, bool) {
		v, ok := s.piped(name, sc)
		if ok {
			if size += len(v); size > maxPiped {
				return "…", true
			}
		}
		return v, ok
	})
}

// piped is what one name of a text stands for.
func (s *Session) piped(name string, sc *scope) (string, bool) {
	lower := strings.ToLower(name)
	if name == "" || slices.Contains([]string{"no", "require", "title"}, lower) {
		return "", false
	}
	p := newPath(name)
	if n := s.pipedNode(p, sc); n != nil {
		switch {
		case !n.q.asks():
			return toText(n.value()), true // a trigger may have set one
		case n.q.repeats() && n.empty() && n.q.rules.fields == nil:
			return "", true
		case n.empty() && (n.q.Type == "matrix" || n.q.rules.fields != nil):
			if v := n.sc.values[n.q.Key()]; n.sc.owner == nil && !isEmpty(v) {
				return toText(v), true // what a trigger set and the question does not take
			}
			return "", false
		}
		v := s.display(n, n.value())
		if m, ok := v.(map[string]any); ok {
			return toText(m), true
		}
		return toText(v), true
	}
	v, ok := s.lookup(&p, sc)
	if f, isNumber := v.(float64); isNumber && sc != nil && sc.owner != nil && (lower == "panelindex" || lower == "visiblepanelindex") {
		v = f + 1
	}
	if d, isDate := v.(jsDate); isDate {
		v = d.text()
	}
	return toText(v), ok
}

// pipedNode finds the question that a name of a text means, here or further out.
func (s *Session) pipedNode(p path, sc *scope) *live {
	for ; sc != nil && sc.owner != nil; sc = sc.owner.sc {
		word := "panel"
		if sc.owner.q.Matrix != nil {
			word = "row"
		}
		if len(p.parts) == 2 && p.lower[0] == word {
			if n := sc.folded(p.parts[1].name); n != nil {
				return n
			}
		}
	}
	if len(s.vars) > 0 {
		if _, ok := p.in(s.vars); ok {
			return nil
		}
	}
	if n := s.root.folded(p.joined(len(p.parts))); n != nil && !p.parts[len(p.parts)-1].indexed {
		return n
	}
	if len(p.parts) > 1 {
		return s.find(p.full)
	}
	return nil
}

// folded finds the node whose answer has a name, in any case of letters.
func (sc *scope) folded(name string) *live {
	for _, q := range sc.tree.questions {
		if key := q.Key(); len(key) == len(name) && strings.EqualFold(key, name) {
			return sc.node(q.self)
		}
	}
	return nil
}

// The functions that look at questions.

// question finds the node that a function names.
func (e *evaluation) question(args []any) *live {
	name, ok := arg(args, 0).(string)
	if !ok || e.session == nil {
		return nil
	}
	for sc := e.scope; sc != nil; {
		if n := sc.named(name); n != nil {
			return n
		}
		if sc.owner == nil {
			break
		}
		sc = sc.owner.sc
	}
	return e.session.root.named(name)
}

func fnDisplayValue(e *evaluation, args []any) any {
	n := e.question(args)
	if n == nil {
		return nil
	}
	v := n.value()
	if len(args) > 1 && !isEmpty(args[1]) {
		v = args[1]
	}
	return e.session.display(n, v)
}

// fnPropertyValue gives the properties that say how a question shows.
func fnPropertyValue(e *evaluation, args []any) any {
	n := e.question(args)
	if n == nil || len(args) != 2 {
		return nil
	}
	return e.session.property(n, toText(args[1]))
}

// property is a property that says how a question shows.
func (s *Session) property(n *live, name string) any {
	switch name {
	case "name":
		return n.q.Name
	case "title":
		return s.say(n.q.Title)
	case "value":
		return plain(n.value())
	case "visible":
		return n.visible
	case "isVisible":
		return n.isVisible()
	case "readOnly":
		return n.readOnly
	case "isReadOnly":
		return n.isReadOnly()
	case "isRequired":
		return n.required
	case "comment":
		return n.comment()
	}
	return nil
}

func fnGetComment(e *evaluation, args []any) any {
	if !truthy(arg(args, 0)) || e.session == nil {
		return nil
	}
	n := e.session.root.named(toText(args[0]))
	if n == nil {
		return ""
	}
	return n.comment()
}

func fnDisplayMode(e *evaluation, _ []any) any {
	if e.session == nil {
		return nil
	}
	return e.session.d.head.ReadOnly
}

// fnContainerReady tells whether a page, panel or dynamic panel has no faults.
func fnContainerReady(e *evaluation, args []any) any {
	name, ok := arg(args, 0).(string)
	if !ok || name == "" || e.session == nil {
		return false
	}
	s := e.session
	if s.depth > maxDepth/2 {
		return false
	}
	s.depth++
	defer func() { s.depth-- }()
	for i := range s.root.nodes {
		if n := &s.root.nodes[i]; n.q == nil && n.el.name == name {
			return len(s.faultsOn(n)) == 0
		}
	}
	n := s.root.named(name)
	if n == nil || n.q.Repeat == nil {
		return false
	}
	return len(s.faultsOf(n)) == 0
}
