package survey

import (
	"fmt"
	"slices"
	"strings"
)

// names looks at what questions and values are called.
func (l *linter) names() {
	for _, q := range l.d.questions {
		if !q.asks() {
			l.text(join(q.rules.path, "html"), q.Name, q.HTML, false)
			continue
		}
		l.name(q.Name, join(q.rules.path, "name"), q.Name)
		if other := l.d.names[q.ValueName]; other != nil && other != q && other.ValueName != q.ValueName {
			l.warn("name/shadowing", join(q.rules.path, "valueName"), q.Name, "a question is called "+quote(q.ValueName)+", too: they share an answer")
		}
		l.text(join(q.rules.path, "title"), q.Name, q.Title, false)
		l.text(join(q.rules.path, "description"), q.Name, q.Description, false)
		if q.repeats() {
			for _, c := range q.inner().questions {
				if l.d.names[c.Name] != nil {
					l.warn("name/shadowing", c.rules.path, c.Name, "a question outside has this name, too: {"+c.Name+"} is that one")
				}
				l.name(c.Name, join(c.rules.path, "name"), c.Name)
			}
		}
	}
	for _, c := range l.d.logic.calculated {
		l.name(c.name, c.path, "")
		for key := range l.d.logic.byKey {
			if strings.EqualFold(key, c.name) {
				l.warn("variable/collision", c.path, "", "a question is called "+quote(c.name)+", too; expressions read the calculated value")
			}
		}
	}
	for _, t := range l.d.logic.triggers {
		if t.variable && l.d.logic.byKey[t.setTo] != nil {
			l.warn("variable/collision", t.path, "", "a question is called "+quote(t.setTo)+", too; expressions read the variable")
		}
		if t.variable && slices.Contains(builtInNames, strings.ToLower(t.setTo)) {
			l.warn("variable/preset", t.path, "", quote(t.setTo)+" is a name of the survey's own and keeps its value")
		}
	}
}

// text looks for {names} in a text that are nothing.
func (l *linter) text(path, question string, t Text, row bool) {
	one := func(path, s string) {
		Pipe(s, func(name string) (string, bool) {
			name = strings.TrimPrefix(name, "#")
			first := newPath(name).lower[0]
			switch {
			case name == "" || strings.ContainsAny(name, " :;") || l.knows(name) || slices.Contains([]string{"no", "require", "title"}, first):
			case slices.Contains(scopedNames, first) && row:
			default:
				l.warn("reference/unknown", path, question, "there is no question or value "+quote(name)+"; a host may give one")
			}
			return "", false
		})
	}
	if len(t.langs) == 0 {
		one(path, t.plain)
		return
	}
	one(join(path, "default"), t.plain)
	for _, tr := range t.langs {
		one(join(path, tr.lang), tr.text)
	}
}

// texts looks at those of the survey and its pages.
func (l *linter) texts() {
	h := &l.d.head
	l.text("title", "", h.Title, false)
	l.text("description", "", h.Description, false)
	l.text("completedHtml", "", h.CompletedHTML, false)
	for _, el := range l.d.elements {
		if el.kind != questionElement && el.path != "" {
			l.text(join(el.path, "title"), "", el.title, false)
			l.text(join(el.path, "description"), "", el.description, false)
		}
	}
}

// reservedNames are those that every object of JavaScript has.
var reservedNames = strings.Fields("constructor toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable __proto__")

// name warns of names that expressions cannot use.
func (l *linter) name(name, path, question string) {
	lower := strings.ToLower(name)
	switch {
	case slices.Contains(builtInNames, lower):
		l.warn("variable/preset", path, question, quote(name)+" is a name of the survey's own: expressions read that")
	case slices.Contains(scopedNames, lower):
		l.warn("name/reserved", path, question, quote(name)+" means something else in expressions")
	case slices.Contains(reservedNames, name), strings.ContainsAny(name, "{}#$"):
		l.warn("name/reserved", path, question, "expressions cannot name "+quote(name))
	}
}

// elements looks for pages that are empty and for what never shows.
func (l *linter) elements() {
	shownBy := map[string]bool{}
	for _, t := range l.d.logic.triggers {
		if t.kind == "visible" {
			for _, n := range append(t.pages, t.questions...) {
				shownBy[n] = true
			}
		}
	}
	seen := map[string]bool{}
	for _, el := range l.d.elements {
		if el.kind == panelElement && el.name != "" {
			if seen[el.name] {
				l.warn("name/duplicate", el.path, "", "a second panel is called "+quote(el.name))
			}
			seen[el.name] = true
		}
		path := el.path
		if el.question != nil {
			path = el.question.rules.path
		}
		switch {
		case el.kind == pageElement && len(el.children) == 0:
			l.warn("page/empty", path, "", "the page has no questions")
		case !el.static && el.visibleIf == nil && !shownBy[el.name]:
			l.warn("element/never-visible", path, el.name, "it is not visible, and nothing shows it")
		}
	}
}

// question looks at the rules of one question, and of those inside it.
func (l *linter) question(q *Question, t *tree) {
	ru := q.rules
	if from := ru.from; from != "" {
		source := t.names[from]
		if source == nil {
			source = l.d.names[from]
		}
		if source == nil || source == q || !source.takesChoices() && !source.repeats() {
			f := l.warn("choices/dead-source", join(ru.path, "choicesFromQuestion"), q.Name, quote(from)+" has no choices to give")
			f.Suggestion = nearest(from, keys(l.d.names))
		}
	}
	l.defaults(q)
	l.counts(q)
	for i, v := range ru.validators {
		if why := deadValidator(q, v.kind); why != "" {
			l.warn("validator/dead", fmt.Sprintf("%s.validators[%d]", ru.path, i), q.Name, why)
		}
	}
	if q.repeats() {
		for _, c := range q.inner().questions {
			l.question(c, q.inner())
		}
	}
}

// deadValidator says why a validator never finds anything.
func deadValidator(q *Question, kind string) string {
	switch {
	case kind == "expression":
	case kind == "answercount" && !q.Multiple:
		return "only lists have a number of answers"
	case q.Multiple && (kind == "numeric" || kind == "text" || kind == "email"):
		return "a list is no text"
	case (q.Type == "boolean" || q.Matrix != nil || q.Repeat != nil || q.Upload != nil) && kind != "answercount":
		return "a " + q.Type + " is not written"
	}
	return ""
}

// defaults looks for values that are no choices.
func (l *linter) defaults(q *Question) {
	if !q.takesChoices() && q.Type != "rating" || len(q.Choices) == 0 || q.rules.from != "" || q.rules.custom {
		return
	}
	check := func(member string, v any) {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, x := range list {
			if isEmpty(x) || offers(q.Choices, choiceValue2(plain(x), q)) || q.has(OtherItem) {
				continue
			}
			f := l.warn("value/not-a-choice", join(q.rules.path, member), q.Name, quote(toText(plain(x)))+" is no choice")
			f.Suggestion = nearest(toText(plain(x)), choiceTexts(q.Choices))
		}
	}
	check("defaultValue", q.rules.defaultValue)
	check("correctAnswer", q.CorrectAnswer)
}

// counts looks for bounds that no answer meets.
func (l *linter) counts(q *Question) {
	bad := func(member, why string) {
		l.warn("element/count-contradiction", join(q.rules.path, member), q.Name, why)
	}
	own := 0
	for _, c := range q.Choices {
		if c.Special != SelectAllItem {
			own++
		}
	}
	switch {
	case q.MinSelected > 0 && q.MaxSelected > 0 && q.MinSelected > q.MaxSelected:
		bad("minSelectedChoices", "more are to be chosen than may be")
	case q.MinSelected > own && q.rules.from == "" && q.Multiple && own > 0:
		bad("minSelectedChoices", "more are to be chosen than there are")
	}
	if q.Type == "text" && (q.InputType == "number" || q.InputType == "range") {
		lo, hi := getNumber(q.Min), getNumber(q.Max)
		if lo > hi {
			bad("min", "no number is between the least and the greatest")
		}
	}
}

// triggers looks for those that act upon nothing.
func (l *linter) triggers() {
	target := func(t trigger, member, name string, exists bool) {
		if name == "" || exists {
			return
		}
		f := l.warn("trigger/unknown-target", join(t.path, member), "", "there is no question "+quote(name))
		f.Suggestion = nearest(name, keys(l.d.names))
	}
	for _, t := range l.d.logic.triggers {
		switch t.kind {
		case "setvalue", "copyvalue", "runexpression":
			if !t.variable {
				target(t, "setToName", t.setTo, l.d.logic.byKey[t.setTo] != nil || l.d.names[t.setTo] != nil || strings.Contains(t.setTo, ".") || l.readAnywhere(t.setTo))
			}
			if t.kind == "copyvalue" {
				target(t, "fromName", t.from, l.knows(t.from))
			}
		case "skip":
			target(t, "gotoName", t.goTo, l.d.names[t.goTo] != nil)
		case "visible":
			for _, name := range t.questions {
				target(t, "questions", name, l.d.names[name] != nil)
			}
			for _, name := range t.pages {
				target(t, "pages", name, slices.ContainsFunc(l.d.pages, func(p *element) bool { return p.name == name }))
			}
		}
	}
}

// readAnywhere tells whether an expression reads a name: then it is a value without a question.
func (l *linter) readAnywhere(name string) bool {
	return slices.ContainsFunc(l.uses, func(u use) bool { return slices.Contains(u.x.names, name) })
}

// cycles looks for values that depend on themselves.
func (l *linter) cycles() {
	calc := map[string][]string{}
	at := map[string]string{}
	for _, c := range l.d.logic.calculated {
		if c.expr != nil {
			calc[c.name] = c.expr.names
			at[c.name] = c.path
		}
	}
	for _, name := range circles(calc) {
		l.warn("cycle/calculated-value", at[name], "", quote(name)+" is calculated from itself")
	}
	set, at := map[string][]string{}, map[string]string{}
	for _, q := range l.d.questions {
		if x := q.rules.setExpr; x != nil {
			reads := x.names
			if q.rules.setIf != nil {
				reads = append(slices.Clone(reads), q.rules.setIf.names...)
			}
			set[q.Key()], at[q.Key()] = reads, q.rules.path
		}
		if x := q.rules.expr; x != nil {
			set[q.Key()], at[q.Key()] = x.names, q.rules.path
		}
	}
	for _, name := range circles(set) {
		l.warn("cycle/value-write", at[name], name, quote(name)+" is set from itself")
	}
	trig, at := map[string][]string{}, map[string]string{}
	for _, t := range l.d.logic.triggers {
		if t.setTo == "" || t.when == nil || t.kind == "skip" {
			continue
		}
		trig[t.setTo] = append(trig[t.setTo], t.when.names...)
		if t.run != nil {
			trig[t.setTo] = append(trig[t.setTo], t.run.names...)
		}
		if t.from != "" {
			trig[t.setTo] = append(trig[t.setTo], t.from)
		}
		at[t.setTo] = t.path
	}
	for _, name := range circles(trig) {
		l.warn("cycle/trigger", at[name], "", "a trigger sets "+quote(name)+" by what it sets")
	}
}

// circles lists the names that can be reached from themselves, in order.
func circles(reads map[string][]string) []string {
	var out []string
	for _, start := range keys(reads) {
		seen := map[string]bool{}
		stack := slices.Clone(reads[start])
		for len(stack) > 0 {
			name := newPath(stack[len(stack)-1]).parts[0].name
			stack = stack[:len(stack)-1]
			if name == start {
				out = append(out, start)
				break
			}
			if !seen[name] {
				seen[name] = true
				stack = append(stack, reads[name]...)
			}
		}
	}
	return out
}

// dead warns of properties that have no effect beside others of the same question.
func (p *parser) dead(n *node, q *Question, path string) {
	ru := q.rules
	has := func(name string) bool { return n.get(name) != nil }
	no := func(member, why string) { p.warn("property/dead", join(path, member), q.Name, why) }
	switch {
	case has("requiredErrorText") && !ru.required && ru.requiredIf == nil:
		no("requiredErrorText", "the question is never required")
	case has("isRequired") && ru.required && ru.requiredIf != nil:
		no("isRequired", "requiredIf decides")
	}
	if has("visible") && ru.visibleIf != nil {
		no("visible", "visibleIf decides")
	}
	if has("readOnly") && ru.enableIf != nil {
		no("readOnly", "enableIf decides")
	}
	for _, m := range []string{"otherText", "otherErrorText", "otherPlaceholder"} {
		if has(m) && q.takesChoices() && !q.has(OtherItem) {
			no(m, "there is no choice for others")
		}
	}
	if (has("min") || has("max")) && q.Type == "text" && !q.bounded() {
		no("min", "a "+q.InputType+" has no bounds")
	}
	if has("maskSettings") && !has("maskType") {
		no("maskSettings", "there is no mask")
	}
	if m := n.get("maskType"); m != nil && m.text != "" && m.text != "none" {
		switch {
		case q.Type == "text" && q.InputType != "text" && q.InputType != "tel":
			p.warn("mask/mismatch", join(path, "maskType"), q.Name, "a "+q.InputType+" is not masked")
		case m.text == "pattern" && q.Mask == nil:
			p.warn("mask/mismatch", join(path, "maskType"), q.Name, "the mask has no pattern")
		}
	}
}
