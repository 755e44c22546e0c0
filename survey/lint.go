package survey

import (
	"math"
	"slices"
	"strings"
)

// lint looks for what can be read and is probably not meant: names that are nothing, conditions
// that never hold, values that set each other in circles. The rules are those of the linter of
// survey-core 3.1.1; all are warnings.
func (p *parser) lint() {
	if p.err != nil {
		return
	}
	l := &linter{parser: p, d: p.d, known: map[string]bool{}}
	l.collect()
	for _, u := range p.uses {
		l.use(u)
	}
	l.names()
	l.texts()
	l.elements()
	for _, q := range p.d.questions {
		l.question(q, &p.d.tree)
	}
	l.triggers()
	l.cycles()
}

// linter is what the rules share.
type linter struct {
	*parser
	d     *Definition
	known map[string]bool // names that expressions may read, in lower case
}

// builtInNames are those that a survey has of its own.
var builtInNames = strings.Fields(`pageno pagecount questioncount correctedanswers correctanswers correctedanswercount
	incorrectedanswers incorrectanswers incorrectedanswercount locale`)

// scopedNames begin a name that means something only where the expression stands.
var scopedNames = strings.Fields(`panel row item choice self parent survey prevpanel nextpanel prevrow nextrow parentpanel totalrow
	rowindex visiblerowindex rowvalue rowname rowtitle panelindex visiblepanelindex matrix composite column`)

// collect notes every name that an expression may read.
func (l *linter) collect() {
	add := func(name string) { l.known[strings.ToLower(name)] = true }
	for _, n := range builtInNames {
		add(n)
	}
	for _, q := range l.d.questions {
		add(q.Name)
		add(q.Key())
		add(q.Key() + commentSuffix)
	}
	for _, c := range l.d.logic.calculated {
		add(c.name)
	}
	for _, t := range l.d.logic.triggers {
		if t.setTo != "" {
			add(t.setTo)
		}
	}
}

// knows tells whether a name, or what it is a part of, is known.
func (l *linter) knows(name string) bool {
	p := newPath(name)
	for i := range p.parts {
		if l.known[strings.ToLower(p.joined(i+1))] {
			return true
		}
	}
	return false
}

// use looks at one expression.
func (l *linter) use(u use) {
	for _, name := range u.x.names {
		if strings.HasPrefix(name, "$") || strings.IndexByte(name, ':') > 0 {
			continue
		}
		first := newPath(name).lower[0]
		scoped := slices.Contains(scopedNames, first)
		switch {
		case u.question != "" && strings.EqualFold(name, u.question) && !u.row && u.condition && !strings.Contains(u.path, ".validators["):
			l.warn("reference/self", u.path, u.question, "a question decides by its own answer")
		case l.knows(name) || scoped:
		case u.row && u.tree.names[newPath(name).parts[0].name] != nil:
			l.warn("reference/unknown", u.path, u.question, "inside a panel or row it is {panel."+name+"} or {row."+name+"}")
		case l.inRows(u.x, name):
		default:
			f := l.warn("reference/unknown", u.path, u.question, "there is no question or value "+quote(name)+"; a host may give one")
			f.Suggestion = nearest(name, keys(l.d.names))
		}
	}
	if u.condition {
		l.condition(u)
	}
}

// never tells a question that never shows and that nothing gives a value.
func (l *linter) never(q *Question) bool {
	ru := q.rules
	return !ru.static && ru.visibleIf == nil && ru.defaultExpr == nil && isEmpty(ru.defaultValue) && ru.setExpr == nil && ru.expr == nil &&
		!slices.ContainsFunc(l.d.logic.triggers, func(t trigger) bool {
			return t.setTo == q.Key() || slices.Contains(t.questions, q.Name)
		})
}

// demands tells whether comparisons hold only of a value that is there.
func demands(list []comparison) bool {
	return slices.ContainsFunc(list, func(c comparison) bool {
		return (c.op == "=" || c.op == ">" || c.op == ">=" || c.op == "contains") && !isEmpty(c.v)
	})
}

// inRows tells names inside a condition of an array function, which are those of columns.
func (l *linter) inRows(x *expression, name string) bool {
	if !strings.Contains(x.src, "InArray") {
		return false
	}
	for _, q := range l.d.questions {
		if q.repeats() && q.inner().names[name] != nil {
			return true
		}
	}
	return false
}

// condition looks for one that always or never holds, and at what is compared.
func (l *linter) condition(u use) {
	if c, ok := u.x.root.(*constNode); len(u.x.names) == 0 && !u.x.free && (!ok || c.v != true && c.v != false) {
		rule := "expression/meaningless-condition"
		if !truthy(u.x.value(Env{})) {
			rule = "expression/contradiction"
		}
		l.warn(rule, u.path, u.question, "the condition reads no answer")
	}
	seen := map[string][]comparison{}
	l.walk(u.x.root, u, true, seen)
	for _, name := range keys(seen) {
		if qs := l.d.logic.byKey[name]; len(qs) == 1 && l.never(qs[0]) && strings.HasSuffix(u.path, "visibleIf") && demands(seen[name]) {
			l.warn("element/never-visible", u.path, u.question, quote(name)+" never shows and never has a value")
		}
		if contradict(seen[name]) {
			l.warn("expression/contradiction", u.path, u.question, "no answer to "+quote(name)+" meets all that is asked of it")
		}
	}
}

// comparison is what a condition asks of a name.
type comparison struct {
	op string
	v  any
}

// walk looks at every comparison. Those that are joined by and alone are collected.
func (l *linter) walk(n exprNode, u use, all bool, seen map[string][]comparison) {
	switch t := n.(type) {
	case *andNode:
		l.walk(t.l, u, all, seen)
		l.walk(t.r, u, all, seen)
	case *orNode:
		l.walk(t.l, u, false, seen)
		l.walk(t.r, u, false, seen)
	case *notNode:
		l.walk(t.x, u, false, seen)
	case *iifNode:
		for _, n := range []exprNode{t.when, t.then, t.otherwise} {
			l.walk(n, u, false, seen)
		}
	case *binaryNode:
		v, isVar := t.l.(*varNode)
		c, isConst := t.r.(*constNode)
		if !isVar || !isConst {
			if w, ok := t.r.(*varNode); ok && isVar && v.name == w.name {
				l.warn("expression/meaningless-condition", u.path, u.question, "a value is compared with itself")
			}
			return
		}
		if all {
			seen[v.name] = append(seen[v.name], comparison{t.name, c.v})
		}
		l.compared(v.name, t.name, c.v, u)
	}
}

// compared looks at a question that is compared with a value that it cannot have.
func (l *linter) compared(name, op string, v any, u use) {
	var q *Question
	if qs := l.d.logic.byKey[name]; len(qs) == 1 {
		q = qs[0]
	}
	if q == nil {
		return
	}
	switch {
	case (q.takesChoices() || q.Type == "rating" || q.Type == "boolean") && q.rules.from == "" && !q.rules.custom && len(q.Choices) > 0:
		values, isList := v.([]any)
		if !isList {
			values = []any{v}
		}
		if op == "<" || op == ">" || op == "<=" || op == ">=" || op == "contains" && !q.Multiple || op == "notcontains" && !q.Multiple {
			return
		}
		for _, x := range values {
			if isEmpty(x) || offers(q.Choices, x) || q.has(OtherItem) && !l.d.logic.othersApart {
				continue
			}
			if q.Type == "boolean" {
				l.warn("expression/type-mismatch", u.path, u.question, quote(name)+" is yes or no, and never "+quote(toText(x)))
				continue
			}
			f := l.warn("expression/unknown-choice", u.path, u.question, quote(toText(x))+" is no choice of "+quote(name))
			f.Suggestion = nearest(toText(x), choiceTexts(q.Choices))
		}
	case q.Type == "text" && (q.InputType == "number" || q.InputType == "range"):
		if s, ok := v.(string); ok && math.IsNaN(numberOfText(s)) && s != "" {
			l.warn("expression/type-mismatch", u.path, u.question, quote(name)+" is a number, and never "+quote(s))
		}
	case q.Type == "matrix" || q.repeats():
		if op == "=" || op == "<" || op == ">" || op == "<=" || op == ">=" {
			l.warn("expression/type-mismatch", u.path, u.question, quote(name)+" holds several answers, and is compared with one")
		}
	}
}

func choiceTexts(list []Choice) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Key())
	}
	return out
}

// contradict tells whether no single value meets all comparisons.
func contradict(list []comparison) bool {
	for i, a := range list {
		for _, b := range list[i+1:] {
			switch {
			case a.op == "=" && b.op == "=" && !equalValues(a.v, b.v, true):
				return true
			case (a.op == "=" && b.op == "<>" || a.op == "<>" && b.op == "=") && equalValues(a.v, b.v, true):
				return true
			case (a.op == ">" || a.op == ">=") && (b.op == "<" || b.op == "<="):
				if noneBetween(a, b) {
					return true
				}
			case (b.op == ">" || b.op == ">=") && (a.op == "<" || a.op == "<="):
				if noneBetween(b, a) {
					return true
				}
			}
		}
	}
	return false
}

// noneBetween tells whether nothing is above lo and below hi.
func noneBetween(lo, hi comparison) bool {
	x, y := getNumber(lo.v), getNumber(hi.v)
	return x > y || x == y && (lo.op == ">" || hi.op == "<")
}
