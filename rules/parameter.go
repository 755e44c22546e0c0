package rules

import (
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/simplify"
)

// Parameter is a named constant: the numbers and lists that business people
// turn, in one place. Other expressions use its name as if its value stood
// there. Expr is in the rule language and may use other parameters: 2_000_000,
// "Istanbul", ["gold", "platinum"], date("2025-01-31"), vip_spend / 2. In a
// file `name: value` gives the value as it is, texts without further quotes,
// and `name: {expr: …}` an expression.
type Parameter struct {
	Name string `json:"name"`          // what rules write
	Doc  string `json:"doc,omitempty"` // for people
	Expr string `json:"expr"`          // may use other parameters, no facts
}

// parameter is a Parameter in use.
type parameter struct {
	name   string
	text   string
	term   *ir.Term // a constant
	done   bool
	uses   []string
	deep   int
	faults []exprFault
}

// value parses and checks an expression of any kind.
func (f *frontEnd) value(text string, each *ir.Field) (t *ir.Term, faults []exprFault) {
	return f.lowerAs(text, each, nil, false)
}

// constantOf evaluates a parameter; path holds the parameters on the way.
func (f *frontEnd) constantOf(p *parameter, path []string) {
	if p.done {
		return
	}
	used, deep := f.used, f.deep
	f.used, f.deep = nameSet{}, 0
	defer func() {
		p.uses, p.deep, p.done = f.used.list, f.deep+1, true
		f.used, f.deep = used, deep
	}()
	t, faults := f.lowerAs(p.text, nil, append(slices.Clone(path), p.name), false)
	if len(faults) > 0 {
		p.faults = faults
		return
	}
	c := constant(simplify.Term(t))
	switch {
	case !c.IsConst() || c.Kind == ir.Null:
		p.faults = []exprFault{{t.At, fmt.Sprintf("a parameter must be constant, %s is not", t)}}
	default:
		p.term = c
	}
}

// parameter puts a parameter's value in the place of its name.
func (l *lowerer) parameter(p *parameter, at int) *ir.Term {
	if msg := circle(l.path, p.name); msg != "" {
		return l.fault(at, "parameters go round in a circle: %s", msg)
	}
	if len(l.path) >= maxNames || p.deep >= maxNames {
		return l.fault(at, "parameters use one another more than %d deep", maxNames)
	}
	l.front.constantOf(p, l.path)
	l.front.use(p.name)
	for _, name := range p.uses {
		l.front.use(name)
	}
	l.front.deep = max(l.front.deep, p.deep)
	if p.term == nil {
		return l.fault(at, "parameter %s is faulty: %s", p.name, p.faults[0].msg)
	}
	c := *p.term
	c.At = at
	return &c
}

// circle spells the circle that name closes in a path, or returns "".
func circle(path []string, name string) string {
	i := slices.Index(path, name)
	if i < 0 {
		return ""
	}
	msg := path[i]
	for _, n := range append(slices.Clone(path[i+1:]), name) {
		msg += " -> " + n
	}
	return msg
}

// maxParameters bounds the parameters of a set.
const maxParameters = 2000

// declareParameters makes the names of parameters known.
func (c *compiler) declareParameters() {
	for i, p := range c.book.Parameters {
		if len(c.front.parameters) == maxParameters {
			c.fault(fmt.Sprintf("parameters[%d]", i), "", "parameters", "there are more than %d parameters", maxParameters)
			return
		}
		path, who := fmt.Sprintf("parameters[%d]", i), "parameter "+p.Name
		if c.freeName(path, who, p.Name) {
			c.front.parameters[p.Name] = &parameter{name: p.Name, text: p.Expr}
		}
	}
}

// freeName reports whether a condition or parameter may be called name.
func (c *compiler) freeName(path, who, name string) bool {
	switch {
	case !isName(name):
		c.fault(path+".name", who, "name", "%q is no name: letters, digits and _ are allowed", name)
	case functions[name].usage != "" || name == "row" || c.schema.Root.Fields[name] != nil:
		c.fault(path+".name", who, "name", "the name is taken")
	case c.front.conditions[name] != nil || c.front.parameters[name] != nil:
		c.fault(path+".name", who, "name", "the name is used twice")
	default:
		return true
	}
	return false
}

// checkParameters evaluates every parameter by itself, those that nothing uses included,
// so that a mistake is told once and where it stands.
func (c *compiler) checkParameters() {
	for i, d := range c.book.Parameters {
		p := c.front.parameters[d.Name]
		if p == nil || p.text != d.Expr {
			continue
		}
		c.front.constantOf(p, nil)
		c.exprFaults(fmt.Sprintf("parameters[%d].expr", i), "parameter "+d.Name, "expr", d.Expr, p.faults)
	}
}
