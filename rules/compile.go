package rules

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/program"
	"github.com/vefacrm/vefa/rules/internal/simplify"
)

// compiled is a rule that is ready to be evaluated, explained and compared.
type compiled struct {
	program.Rule
	rule      *Rule
	mode      string
	guardText *ir.Term // as written
	place     rulePlace
	tie       string // orders rules of one salience; the name, but for rows of tables
	explain   *lazyExplainer

	when   *ir.Term // as written, for Explain and Lint
	unless *ir.Term
}

// compiler turns books into compiled rules and collects every fault.
type compiler struct {
	schema *schema
	front  *frontEnd
	faults []*Fault
	order  []int // of faults: position of the book
	book   *Book
	bookNo int
	groups map[string]int
	modes  []string
	rules  []*compiled
	named  map[string]bool
	tables map[string]*decisionTable
	chain  bool

	tableRows int // of all tables
	found     int // faults, those that are not kept included
}

const (
	maxName = 200
)

// Compile checks all books together and returns the immutable Set of their
// rules, or a *CompileError with every fault of every book.
func (s *Schema[F]) Compile(books ...*Book) (*Set[F], error) {
	c := &compiler{schema: s.s, front: newFrontEnd(s.s), groups: map[string]int{}, named: map[string]bool{}, tables: map[string]*decisionTable{}}
	c.each(books, c.take)
	c.each(books, c.declareParameters)
	c.each(books, c.declare)
	c.each(books, c.checkParameters)
	c.each(books, c.checkConditions)
	c.each(books, c.compileTables)
	c.each(books, c.compileRules)
	c.each(books, c.checkChain)
	if len(c.rules) > s.s.limits.Rules {
		c.fault("", "", "rules", "there are %d rules, at most %d are allowed", len(c.rules), s.s.limits.Rules)
	}
	if len(c.faults) > 0 {
		sort.Stable(faultOrder{c.faults, c.order})
		return nil, compileError(c.faults)
	}
	set := newSet(s, c)
	for _, b := range books {
		if b != nil {
			rest := *b
			rest.Rules = nil
			set.books = append(set.books, &rest)
		}
	}
	return set, nil
}

// faultOrder sorts by book, then line.
type faultOrder struct {
	faults []*Fault
	books  []int
}

func (o faultOrder) Len() int { return len(o.faults) }

func (o faultOrder) Swap(i, j int) {
	o.faults[i], o.faults[j] = o.faults[j], o.faults[i]
	o.books[i], o.books[j] = o.books[j], o.books[i]
}

func (o faultOrder) Less(i, j int) bool {
	a, b := o.faults[i], o.faults[j]
	return cmp.Or(cmp.Compare(o.books[i], o.books[j]), cmp.Compare(a.fileLine(), b.fileLine()), cmp.Compare(a.fileColumn(), b.fileColumn())) < 0
}

// fileLine is the line by which faults are sorted. A fault of a rule written in Go has a
// line of its expression, which says nothing about the order of rules, so that it counts
// as 0 and the stable sort leaves it where it was found.
func (f *Fault) fileLine() int {
	if f.File == "" {
		return 0
	}
	return f.Line
}

// fileColumn is the column by which faults of one line are sorted; see fileLine.
func (f *Fault) fileColumn() int {
	if f.File == "" {
		return 0
	}
	return f.Column
}

// each calls fn with c.book set to each book. All books pass a stage before any passes the
// next, because a rule of one may use the conditions and groups of another.
func (c *compiler) each(books []*Book, fn func()) {
	for i, b := range books {
		if b != nil {
			c.book, c.bookNo = b, i
			fn()
		}
	}
}

// fault reports a mistake in the value at path.
func (c *compiler) fault(path, rule, field, format string, args ...any) {
	f := &Fault{Rule: rule, Field: field, Msg: fmt.Sprintf(format, args...)}
	c.book.locate(f, path)
	c.add(f)
}

// add keeps a fault, unless the line is known to be faulty since it was read.
func (c *compiler) add(f *Fault) {
	c.found++
	known := f.Line > 0 && slices.ContainsFunc(c.book.faults, func(o *Fault) bool { return o.Line == f.Line })
	if len(c.faults) < 1000 && !known {
		c.faults = append(c.faults, f)
		c.order = append(c.order, c.bookNo)
	}
}

// exprFaults reports mistakes inside the expression at path.
func (c *compiler) exprFaults(path, rule, field, text string, faults []exprFault) {
	for _, e := range faults {
		f := &Fault{Rule: rule, Field: field, Msg: e.msg}
		c.book.locateIn(f, path, text, e.at)
		c.add(f)
	}
}

// take takes over the faults that were found when the book was read.
func (c *compiler) take() {
	for _, f := range c.book.faults {
		c.faults = append(c.faults, f)
		c.order = append(c.order, c.bookNo)
	}
}

// declare makes the names of conditions and groups known.
func (c *compiler) declare() {
	for i, d := range c.book.Conditions {
		path, who := fmt.Sprintf("conditions[%d]", i), "condition "+d.Name
		if !c.freeName(path, who, d.Name) {
			continue
		}
		if each, ok := c.rowsField(path+".each", who, d.Each); ok {
			c.front.conditions[d.Name] = &condition{name: d.Name, text: d.Expr, each: each}
		}
	}
	for i, g := range c.book.Groups {
		path, who := fmt.Sprintf("groups[%d]", i), "group "+g.Name
		if msg := checkText(g.Name, maxName); msg != "" {
			c.fault(path+".name", who, "name", "%s", msg)
			continue
		}
		if _, ok := c.groups[g.Name]; ok {
			c.fault(path+".name", who, "name", "the name is used twice")
			continue
		}
		switch g.Mode {
		case "", groupAll, groupFirst, groupExclusive:
		default:
			c.fault(path+".mode", who, "mode", "must be all, first or exclusive, not %q", g.Mode)
		}
		c.addGroup(path+".name", who, g)
	}
}

// addGroup numbers a group and returns its number, or -1 if there are too many.
func (c *compiler) addGroup(path, who string, g Group) int {
	if len(c.modes) == 64 {
		c.fault(path, who, "name", "there are more than 64 groups, tables that act included")
		return -1
	}
	n := len(c.modes)
	c.groups[g.Name] = n
	c.modes = append(c.modes, g.Mode)
	return n
}

// rowsField returns the field of rows that each names, nil for none, and notes that the
// set goes over it, so that its bound is checked before every evaluation. It is false if
// there is no such field.
func (c *compiler) rowsField(path, who, name string) (*ir.Field, bool) {
	if name == "" {
		return nil, true
	}
	f := c.schema.Root.Fields[name]
	if f != nil && f.Kind == ir.Rows {
		c.front.rows[f] = true
		return f, true
	}
	var names []string
	for _, f := range c.schema.Root.Order {
		if f.Kind == ir.Rows {
			names = append(names, f.Name)
		}
	}
	if f != nil {
		c.fault(path, who, "each", "%s is of kind %s, rows are needed", name, f.Kind)
	} else {
		c.fault(path, who, "each", "unknown name %s%s", name, didYouMean(name, names))
	}
	return nil, false
}

// checkConditions compiles every condition by itself, those that no rule uses included: a
// mistake is told where it stands, once, and not in each rule that uses the name.
func (c *compiler) checkConditions() {
	for i, d := range c.book.Conditions {
		k := c.front.conditions[d.Name]
		if k == nil || k.text != d.Expr {
			continue
		}
		if _, faults := c.front.lower(d.Expr, k.each, []string{d.Name}); len(faults) > 0 {
			c.exprFaults(fmt.Sprintf("conditions[%d].expr", i), "condition "+d.Name, "expr", d.Expr, faults)
		}
	}
}

// compileRules compiles copies of the rules, as a set is immutable and its books are not.
func (c *compiler) compileRules() {
	for i := range c.book.Rules {
		c.compileRule(fmt.Sprintf("rules[%d]", i), c.book.Rules[i].clone())
	}
}

// compileRule compiles a rule and keeps it if it is without fault.
func (c *compiler) compileRule(path string, r *Rule) {
	before := c.found
	c.front.used = nameSet{}
	out := c.rule(path, r)
	if c.found == before {
		out.place = rulePlace{c.book, c.bookNo, path}
		c.rules = append(c.rules, out)
	}
}

// rulePlace is where a rule came from, for faults that show when all are known.
type rulePlace struct {
	book   *Book
	bookNo int
	path   string
}

// clone copies a rule, so that nobody can change a compiled one.
func (r *Rule) clone() *Rule {
	c := *r
	c.Tags = slices.Clone(r.Tags)
	for i, tag := range c.Tags {
		c.Tags[i] = fold.Compose(tag)
	}
	c.CancelOn = slices.Clone(r.CancelOn)
	c.CancelAt = slices.Clone(r.CancelAt)
	c.Then = slices.Clone(r.Then)
	for i := range c.Then {
		with := make(map[string]string, len(c.Then[i].With))
		for k, v := range c.Then[i].With {
			with[k] = v
		}
		if len(with) == 0 {
			with = nil
		}
		c.Then[i].With = with
	}
	return &c
}

// rule checks everything about a rule and reports all that is wrong, so that an author
// sees every fault at once; what it returns is used only if there was none. Its version,
// if none is given, is made of the rule as its defaults leave it.
func (c *compiler) rule(path string, r *Rule) *compiled {
	out := &compiled{rule: r, Rule: program.Rule{From: program.FarPast, To: program.FarFuture, Group: -1}, tie: r.Name, explain: &lazyExplainer{}}
	fault := func(field, format string, args ...any) { c.fault(path+"."+field, r.Name, field, format, args...) }
	if msg := checkText(r.Name, maxName); msg != "" {
		fault("name", "%s", msg)
	} else if c.named[r.Name] {
		fault("name", "the name is used twice")
	}
	c.named[r.Name] = true
	each, ok := c.rowsField(path+".each", r.Name, r.Each)
	out.Each = each
	if ok {
		day := c.trigger(r, path, each, fault)
		if r.When == "" && r.On.Kind == OnDate {
			r.When = "true"
		}
		out.when = c.expr(path, r, "when", r.When, each)
		if day != nil && out.when != nil {
			if out.when.IsConst() && out.when.Num != 0 {
				out.when = day
			} else {
				out.when = ir.Both(day, out.when)
			}
		}
		if r.Unless != "" {
			out.unless = c.expr(path, r, "unless", r.Unless, each)
		}
		if r.Guard != "" {
			if t := c.expr(path, r, "guard", r.Guard, each); t != nil {
				out.guardText, out.GuardTerm = t, simplify.Term(t)
				out.Guard = closure.Bool(out.GuardTerm)
			}
		}
		c.cancelTests(out, path, each)
	}
	if r.row != nil {
		out.tie = r.row.tie
	}
	if r.Group != "" {
		if g, ok := c.groups[r.Group]; ok {
			out.Group, out.mode = g, c.modes[g]
			out.Limited, out.Single = out.mode == groupFirst || out.mode == groupExclusive, out.mode == groupExclusive
		} else {
			names := make([]string, 0, len(c.groups))
			for n := range c.groups {
				names = append(names, n)
			}
			fault("group", "there is no group %q%s", r.Group, didYouMean(r.Group, names))
		}
	}
	c.once(out, fault)
	out.From = c.date(r.From, "from", program.FarPast, fault)
	out.To = c.date(r.To, "to", program.FarFuture, fault)
	if out.From > out.To {
		fault("to", "is before from")
	}
	c.actions(out, path)
	if out.when != nil && (r.Unless == "" || out.unless != nil) {
		out.link()
	}
	if r.Version == 0 {
		r.Version = contentVersion(r, c.conditionTexts())
	} else if r.Version < 0 {
		fault("version", "must be positive")
	}
	return out
}

// conditionTexts lists the conditions that were expanded so far. A change of
// any of them may change a rule, so they are part of its version.
func (c *compiler) conditionTexts() []string {
	var texts []string
	for _, name := range c.front.used.list {
		if p := c.front.parameters[name]; p != nil {
			texts = append(texts, name+"="+p.text)
		} else {
			texts = append(texts, name+"="+c.front.conditions[name].text)
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// expr compiles an expression of a rule; nil if it has faults, which are reported at its
// field.
func (c *compiler) expr(path string, r *Rule, name, text string, each *ir.Field) *ir.Term {
	t, faults := c.front.compile(text, each)
	c.exprFaults(path+"."+name, r.Name, name, text, faults)
	return t
}

// cancelTests compiles cancel_on. An entry is the name of a condition or, if it can be no
// name, an expression written out; one that could be a name and is none is a misspelt
// condition.
func (c *compiler) cancelTests(out *compiled, path string, each *ir.Field) {
	for i, name := range out.rule.CancelOn {
		field := fmt.Sprintf("cancel_on[%d]", i)
		k := c.front.conditions[name]
		if k == nil && !isName(name) {
			if t, faults := c.front.compile(name, each); len(faults) > 0 {
				c.exprFaults(path+"."+field, out.rule.Name, field, name, faults)
			} else {
				out.CancelOn = append(out.CancelOn, program.CancelTest{Name: name, Test: closure.Bool(simplify.Term(t)), Term: simplify.Term(t), Text: t})
			}
			continue
		}
		if k == nil {
			names := make([]string, 0, len(c.front.conditions))
			for n := range c.front.conditions {
				names = append(names, n)
			}
			c.fault(path+"."+field, out.rule.Name, field, "there is no condition %q%s", name, didYouMean(name, names))
			continue
		}
		t, faults := c.front.compile(name, each)
		for _, f := range faults {
			c.fault(path+"."+field, out.rule.Name, field, "%s", f.msg)
		}
		if t != nil {
			out.CancelOn = append(out.CancelOn, program.CancelTest{Name: name, Test: closure.Bool(simplify.Term(t)), Term: simplify.Term(t), Text: t})
		}
	}
}

// once fills in the default of Once and refuses what has no effect.
func (c *compiler) once(out *compiled, fault func(string, string, ...any)) {
	r := out.rule
	switch {
	case r.Once == "" && r.Each != "":
		r.Once = oncePerRow
	case r.Once == "":
		r.Once = oncePerCustomer
	case !slices.Contains(onceNames, r.Once):
		fault("once", "must be one of %s, not %q", strings.Join(onceNames, ", "), r.Once)
	}
	if r.Once == oncePerRow && r.Each == "" {
		fault("once", "per row needs each: the rows that the rule fires for")
	}
	if r.Rearm && (r.Each == "" || r.Once != oncePerRow) {
		fault("rearm", "needs each and once per row: a new row takes the place of the old one")
	}
}

// date returns the day number of a date, or empty for "" and, after a fault, for what is
// none: the comparison of from and to must not report it a second time.
func (c *compiler) date(s, name string, empty int64, fault func(string, string, ...any)) int64 {
	if s == "" {
		return empty
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		fault(name, "%q is no date: write year-month-day, as in 2025-01-31", s)
		return empty
	}
	return ir.FloorDiv(t.Unix(), 86400)
}

// actions checks what a rule does. Keys of actions must differ within a rule, as they are
// part of the ids of effects, and have no "@", which ends them there.
func (c *compiler) actions(out *compiled, path string) {
	r := out.rule
	if len(r.Then) == 0 && r.row == nil {
		c.fault(path+".then", r.Name, "then", "must not be empty")
	}
	if len(r.Then) > 50 {
		c.fault(path+".then", r.Name, "then", "has %d actions, at most 50 are allowed", len(r.Then))
		return
	}
	keys := map[string]bool{}
	for i := range r.Then {
		a := &r.Then[i]
		where := fmt.Sprintf("then[%d]", i)
		fault := func(field, format string, args ...any) {
			c.fault(path+"."+where+"."+field, r.Name, where+"."+field, format, args...)
		}
		t := c.schema.actions[a.Kind]
		if t == nil {
			c.unknownAction(r, path+"."+where, where, a)
			continue
		}
		if t.SetsTag || t.ClearsTag {
			a.Name = fold.Compose(a.Name)
		}
		if msg := checkText(a.Name, maxName); msg != "" {
			fault(a.Kind, "%s", msg)
		}
		if a.ID != "" {
			if msg := checkText(a.ID, maxName); msg != "" {
				fault("id", "%s", msg)
			}
		}
		if strings.Contains(a.key(), "@") {
			fault("id", "must not contain @")
		}
		if keys[a.key()] {
			fault("id", "a second action of the same kind and name needs an id of its own")
		}
		keys[a.key()] = true
		ca := program.Action{Tag: t.tagChange(), AtOnce: t.tagChange() != program.NoTag && a.After == "" && a.At == ""}
		var err error
		if ca.Delay, err = program.ParseDelay(a.After); err != nil {
			fault("after", "%v", err)
		}
		if ca.Clock, err = program.ParseClock(a.At); err != nil {
			fault("at", "%v", err)
		}
		if a.For != "" {
			ca.Lasts = true
			if ca.Last, err = program.ParseDelay(a.For); err != nil {
				fault("for", "%v", err)
			} else if !t.SetsTag {
				fault("for", "belongs to %s only", strings.Join(c.schema.taggers(), ", "))
			}
		}
		t.check(a, fault)
		out.Actions = append(out.Actions, ca)
	}
}

// howToRegister ends a fault about an action that is not known.
const howToRegister = "; an action of your own is registered in Options.Actions, for an Engine in vefa.Config.Effects"

// unknownAction reports an action of a kind that is not registered.
func (c *compiler) unknownAction(r *Rule, path, where string, a *Action) {
	kinds := c.schema.actionKinds()
	if _, ok := c.book.places[path+kindKey]; ok {
		c.fault(path+kindKey, r.Name, where+"."+a.Kind, "unknown key %q%s%s", a.Kind, didYouMean(a.Kind, append(kinds, actionKeys...)), howToRegister)
		return
	}
	c.fault(path+".kind", r.Name, where+".kind", "must be one of %s, not %q%s%s", strings.Join(kinds, ", "), a.Kind, didYouMean(a.Kind, kinds), howToRegister)
}

// taggers returns the kinds of actions that set a tag.
func (s *schema) taggers() (out []string) {
	for _, kind := range s.actionKinds() {
		if s.actions[kind].SetsTag {
			out = append(out, kind)
		}
	}
	return out
}

// link makes the closures from the checked terms.
func (out *compiled) link() {
	t := out.when
	if out.unless != nil {
		t = ir.Both(t, ir.Not(out.unless))
	}
	out.Rule.Link(simplify.Term(t))
	out.Cost = t.Cost
}
