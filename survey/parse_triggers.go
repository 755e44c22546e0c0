package survey

import (
	"slices"
	"strings"
)

// triggers reads what happens when an expression comes to hold. Old files name a question, an
// operator and a value instead of an expression.
func (p *parser) triggers(v *node, at string) {
	kinds := []string{"complete", "setvalue", "copyvalue", "skip", "runexpression", "visible"}
	p.items(v, at, "", "triggers", func(n *node, at string) {
		t := trigger{path: at}
		if typ := n.get("type"); typ != nil {
			p.text(typ, join(at, "type"), "", &t.kind)
		}
		t.kind = strings.TrimSuffix(t.kind, "trigger")
		if !slices.Contains(kinds, t.kind) {
			f := p.ruled("trigger/unknown-type", unknownType, failure, join(at, "type"), "", "there is no trigger "+quote(t.kind))
			f.Suggestion = nearest(t.kind, kinds)
			return
		}
		var name, operator, written string
		var operand *node
		list := func(dst *[]string) func(*node, string) {
			return func(v *node, at string) {
				for _, it := range v.items {
					if it.kind == kindString {
						*dst = append(*dst, it.text)
					}
				}
			}
		}
		str := func(dst *string) func(*node, string) {
			return func(v *node, at string) { p.text(v, at, "", dst) }
		}
		p.object(n, at, "", properties{
			"expression": func(v *node, at string) { written = v.text; t.when = p.condition(v, at, "") },
			"name":       str(&name), "operator": str(&operator),
			"value":            func(v *node, _ string) { operand = v },
			"setToName":        str(&t.setTo),
			"setValue":         func(v *node, _ string) { t.value = v.value() },
			"isVariable":       func(v *node, at string) { p.truth(v, at, "", &t.variable) },
			"fromName":         str(&t.from),
			"gotoName":         str(&t.goTo),
			"copyDisplayValue": func(v *node, at string) { p.truth(v, at, "", &t.display) },
			"runExpression":    func(v *node, at string) { t.run = p.formula(v, at, "") },
			"pages":            list(&t.pages), "questions": list(&t.questions),
		}, t.kind+"trigger")
		if t.when == nil && written == "" && name != "" {
			t.when = p.oldTrigger(name, operator, operand, at)
		}
		p.triggerFaults(&t, at)
		p.d.logic.triggers = append(p.d.logic.triggers, t)
	})
}

// oldTrigger writes the expression that name, operator and value mean.
func (p *parser) oldTrigger(name, operator string, operand *node, at string) *expression {
	if operator == "" {
		operator = "equal"
	}
	src := "{" + name + "} " + operator
	if operand != nil && operator != "empty" && operator != "notempty" {
		switch v := operand.value().(type) {
		case string:
			if _, isNumber := numberText(v); isNumber || strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
				src += " " + v
			} else {
				src += " '" + v + "'"
			}
		case []any:
			parts := make([]string, len(v))
			for i, it := range v {
				parts[i] = "'" + toText(it) + "'"
			}
			src += " [" + strings.Join(parts, ", ") + "]"
		default:
			src += " " + toText(v)
		}
	}
	return p.condition(&node{kind: kindString, text: src}, at, "")
}

// triggerFaults reports a trigger that does nothing.
func (p *parser) triggerFaults(t *trigger, at string) {
	missing := func(member, why string) { p.ruled("property/required", badValue, warning, join(at, member), "", why) }
	switch {
	case t.when == nil && t.kind != "copyvalue":
		missing("expression", "a trigger without an expression never acts")
	case (t.kind == "setvalue" || t.kind == "copyvalue") && t.setTo == "":
		missing("setToName", "nothing is set")
	case t.kind == "copyvalue" && t.from == "":
		missing("fromName", "nothing is copied")
	case t.kind == "skip" && t.goTo == "":
		missing("gotoName", "there is nowhere to go")
	case t.kind == "runexpression" && t.run == nil:
		missing("runExpression", "nothing is run")
	}
}
