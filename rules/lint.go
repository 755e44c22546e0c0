package rules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/program"
	"github.com/vefacrm/vefa/rules/internal/simplify"
)

// Finding is something that Lint thinks worth a look. A rule with findings is
// valid and is evaluated.
type Finding struct {
	// Rule is the rule's name, or that of a condition, a parameter or a table.
	Rule string
	// Kind is one of "unknown tag" (not in the list given to Lint), "always true", "always
	// false", "duplicate", "no effect", "subsumed", "dead", "contradictory", "cancels
	// itself", "tag cycle", "unused", "gap" and "one day only"; a host may filter by it.
	Kind string
	Msg  string // what is the matter, for people
	// Where the rule, condition or table stands. They are zero for a book that was
	// written in Go; File alone is then its name.
	File         string
	Line, Column int
}

// String returns the finding on one line, with file:line:column in front if they
// are known.
func (f Finding) String() string {
	text := fmt.Sprintf("%s: %s: %s", f.Rule, f.Kind, f.Msg)
	if f.Line > 0 {
		text = fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, text)
	}
	return text
}

// found returns a finding about what stands at a place.
func found(name string, at rulePlace, kind string, msg string) Finding {
	f := Finding{Rule: name, Kind: kind, Msg: msg}
	if at.book != nil {
		var where Fault
		at.book.locate(&where, at.path)
		f.File, f.Line, f.Column = where.File, where.Line, where.Column
	}
	return f
}

// Fault returns a fault of a rule of the set with the place where it stands in its
// file: for callers that check more than the language knows, such as the names of
// messages. field is "when", "on", "then[1]" and the like.
func (s *Set[F]) Fault(rule, field, msg string) *Fault {
	f := &Fault{Rule: rule, Field: field, Msg: msg}
	if c := s.byName[rule]; c != nil && c.place.book != nil {
		at := c.place.path
		if _, ok := c.place.book.at(at + "." + field); ok && field != "" {
			at += "." + field
		}
		c.place.book.locate(f, at)
	}
	return f
}

// placeOf returns where a condition or parameter is declared.
func (s *Set[F]) placeOf(name string) rulePlace {
	for i, b := range s.books {
		if k := slices.IndexFunc(b.Conditions, func(c Condition) bool { return c.Name == name }); k >= 0 {
			return rulePlace{b, i, fmt.Sprintf("conditions[%d]", k)}
		}
		if k := slices.IndexFunc(b.Parameters, func(p Parameter) bool { return p.Name == name }); k >= 0 {
			return rulePlace{b, i, fmt.Sprintf("parameters[%d]", k)}
		}
	}
	return rulePlace{}
}

// The kinds of findings, as Finding.Kind has them.
const (
	lintUnknownTag  = "unknown tag"    // not in the list given to Lint
	lintAlwaysTrue  = "always true"    // the condition holds for everybody
	lintAlwaysFalse = "always false"   // no customer can satisfy it: parts contradict
	lintDuplicate   = "duplicate"      // another rule does the same under the same condition
	lintNoEffect    = "no effect"      // sets a tag that its condition demands, or the like
	lintSubsumed    = "subsumed"       // another rule does the same for all of its customers and more
	lintDead        = "dead"           // never fires: another rule of its group, or row of its table, is always first
	lintConflict    = "contradictory"  // sets a tag that another rule clears for the same customers
	lintCancelled   = "cancels itself" // its own condition implies that it is cancelled, or its guard fails
	lintCycle       = "tag cycle"      // rules make one another fire in a circle
	lintUnused      = "unused"         // a condition or parameter that nothing uses
	lintGap         = "gap"            // a table has no row for some cases
	lintOneDay      = "one day only"   // rows of the day itself are asked for, and those that come after the evening never
	lintOnceEver    = "once ever"      // what comes every year is asked for, and the rule fires once per customer
	lintUnknown     = "not known"      // != is asked of what may be null, which it does not hold for
)

// Lint looks for mistakes that compile: unknown tags (if knownTags is not nil),
// conditions that always or never hold by themselves, rules that do the same as
// another or contradict it, rules and rows of tables that never come to their
// turn, cases that tables leave out, and tags by which rules trigger one another
// in a circle. What it finds is proved from the conditions alone; that it finds
// nothing proves nothing. Findings are in the order of the set, then of tables.
func (s *Set[F]) Lint(knownTags []string) []Finding {
	for i, tag := range knownTags {
		if c := fold.Compose(tag); c != tag {
			knownTags = slices.Clone(knownTags)
			knownTags[i] = c
		}
	}
	var out []Finding
	p := simplify.NewProver()
	first := map[string]string{}
	deeds := make([]string, len(s.rules))
	near := neighbours{map[string][]int{}, map[string][]int{}, map[int][]int{}}
	for i, c := range s.rules {
		deeds[i] = c.sameDeeds()
		near.add(i, c, deeds[i])
	}
	for i, c := range s.rules {
		r := c.rule
		add := func(kind, format string, args ...any) {
			out = append(out, found(r.Name, c.place, kind, fmt.Sprintf(format, args...)))
		}
		if knownTags != nil {
			for _, tag := range c.tags() {
				if !slices.Contains(knownTags, tag) {
					add(lintUnknownTag, "%q%s", tag, didYouMean(tag, knownTags))
				}
			}
		}
		switch never := c.Simple.IsConst() && c.Simple.Num == 0 || p.Excludes(c.Simple, c.Simple); {
		case never:
			add(lintAlwaysFalse, "%s", c.when)
		case c.Simple.IsConst():
			add(lintAlwaysTrue, "%s", c.when)
		}
		for i := range r.Then {
			if a := &r.Then[i]; c.demands(i) {
				add(lintNoEffect, "then[%d]: the condition holds only for those whom %s %q changes nothing for", i, a.Kind, a.Name)
			}
		}
		if f := c.sameDay(); f != nil && r.Once == oncePerRow {
			add(lintOneDay, "row.%s == 0 leaves out what comes after the evening ran: write row.%s <= 1, each row is met once", f.Name, f.Name)
		}
		if f := c.everyYear(); f != "" && (r.Once == oncePerCustomer || r.Once == oncePerVersion) {
			add(lintOnceEver, "%s comes round every year, and the rule fires once for each customer: write once: year", f)
		}
		for _, f := range c.unlike() {
			add(lintUnknown, "%s leaves out those of whom it is not known: write %s or %s == nil, or %s ?? \"\" in its place", f, f, f.Kids[0], f.Kids[0])
		}
		same := c.fingerprint()
		if c.Simple.IsConst() || r.Disabled {
			continue // said already, or of no account
		}
		if other, ok := first[same]; ok {
			add(lintDuplicate, "the same condition and actions as %s", other)
			continue
		}
		first[same] = r.Name
		c.lintCancel(p, add)
		s.lintPair(p, c, i, deeds, near.of(c, deeds[i]), add)
	}
	out = s.lintCycles(out)
	for _, name := range s.unused {
		out = append(out, found(name, s.placeOf(name), lintUnused, "nothing uses it"))
	}
	budget := 2_000_000 // steps of all tables
	for _, name := range s.Tables() {
		s.tables[name].lint(&budget, func(kind, format string, args ...any) {
			out = append(out, found("table "+name, s.tables[name].place, kind, fmt.Sprintf(format, args...)))
		})
	}
	return out
}

// lintCancel looks for a rule that stands in its own way.
func (c *compiled) lintCancel(p *simplify.Prover, add func(string, string, ...any)) {
	for _, k := range c.CancelOn {
		if p.Implies(c.Simple, k.Term) {
			add(lintCancelled, "the condition implies cancel_on %s", k.Name)
		}
	}
	if c.GuardTerm != nil && p.Excludes(c.Simple, c.GuardTerm) {
		immediate := slices.ContainsFunc(c.rule.Then, func(a Action) bool { return a.After == "" })
		if immediate {
			add(lintCancelled, "the guard fails whenever the condition holds")
		}
	}
}

// neighbours finds the rules that another can have to do with: those that do the
// same, that set or clear the same tag at once, or that compete in a group. With
// thousands of rules that is a small part of all pairs.
type neighbours struct {
	byDeeds map[string][]int
	byTag   map[string][]int
	byGroup map[int][]int
}

func (n neighbours) add(i int, c *compiled, deeds string) {
	n.byDeeds[deeds] = append(n.byDeeds[deeds], i)
	for k := range c.rule.Then {
		if a := &c.rule.Then[k]; c.Actions[k].AtOnce {
			n.byTag[a.Name] = append(n.byTag[a.Name], i)
		}
	}
	if c.Limited {
		n.byGroup[c.Group] = append(n.byGroup[c.Group], i)
	}
}

// of returns them in the order of the set.
func (n neighbours) of(c *compiled, deeds string) []int {
	out := slices.Clone(n.byDeeds[deeds])
	for k := range c.rule.Then {
		if a := &c.rule.Then[k]; c.Actions[k].AtOnce {
			out = append(out, n.byTag[a.Name]...)
		}
	}
	if c.Limited {
		out = append(out, n.byGroup[c.Group]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lintPair compares a rule with its neighbours of the same trigger. Conditions
// are compared last: that is what takes time.
func (s *Set[F]) lintPair(p *simplify.Prover, c *compiled, at int, deeds []string, near []int, add func(string, string, ...any)) {
	r := c.rule
	limited := c.Limited
	for _, i := range near {
		o := s.rules[i]
		if i == at || o.rule.Disabled || o.rule.On != r.On || o.rule.Each != r.Each || o.Simple.IsConst() {
			continue
		}
		before, always := i < at, o.From <= c.From && o.To >= c.To
		if limited && c.Group == o.Group && before && always && r.row == nil && p.Implies(c.Simple, o.Simple) {
			add(lintDead, "%s is always first in group %s", o.rule.Name, r.Group)
			return
		}
		if !limited && c.Group == o.Group && always && deeds[i] == deeds[at] && p.Implies(c.Simple, o.Simple) && (before || !p.Implies(o.Simple, c.Simple)) {
			add(lintSubsumed, "%s does the same for all of its customers", o.rule.Name)
			return
		}
		if tag := c.undoes(o); before && tag != "" && (p.Implies(c.Simple, o.Simple) || p.Implies(o.Simple, c.Simple)) {
			add(lintConflict, "%s does the opposite with tag %q for the same customers", o.rule.Name, tag)
		}
	}
}

// sameDeeds is the same for rules that do the same once their conditions hold.
func (c *compiled) sameDeeds() string {
	r := c.rule
	data, err := json.Marshal([]any{r.Once, r.Then, r.Guard, r.CancelOn, r.CancelAt, r.Rearm})
	if err != nil {
		return r.Name
	}
	return string(data)
}

// undoes returns a tag that one of the rules sets and the other clears at once.
func (c *compiled) undoes(o *compiled) string {
	for i := range c.rule.Then {
		a := &c.rule.Then[i]
		if !c.Actions[i].AtOnce {
			continue
		}
		for k := range o.rule.Then {
			if b := &o.rule.Then[k]; o.Actions[k].AtOnce && a.Name == b.Name && c.Actions[i].Tag != o.Actions[k].Tag {
				return a.Name
			}
		}
	}
	return ""
}

// lintCycles finds rules that make one another fire in a circle.
func (s *Set[F]) lintCycles(out []Finding) []Finding {
	next, ok := feeds(s.rules, false, true)
	if !ok {
		return append(out, found(s.rules[0].rule.Name, s.rules[0].place, lintCycle, "too many rules set and test the same tags to look for circles"))
	}
	state := make([]int, len(s.rules))
	for i, c := range s.rules {
		if state[i] != 0 {
			continue
		}
		if msg := cycle(s.rules, next, i, state, &trail{}); msg != "" {
			out = append(out, found(c.rule.Name, c.place, lintCycle, msg))
			for k := range state { // those on the way are part of what was said
				if state[k] == 1 {
					state[k] = 2
				}
			}
		}
	}
	return out
}

// tags returns every tag that a rule tests, sets, clears or hangs on, sorted.
func (c *compiled) tags() []string {
	tags := slices.Clone(c.rule.Tags)
	for i := range c.rule.Then {
		if c.Actions[i].Tag != program.NoTag {
			tags = append(tags, c.rule.Then[i].Name)
		}
	}
	for _, t := range []*ir.Term{c.when, c.unless} {
		t.Walk(func(k *ir.Term) {
			if k.Op == ir.OpHas && !k.Kids[0].Field.Names {
				tags = append(tags, k.Str)
			}
		})
	}
	slices.SortFunc(tags, cmp.Compare[string])
	return slices.Compact(tags)
}

// sameDay returns the field of the rows that counts the days since and must be 0
// for a rule of the evening to fire, or nil.
func (c *compiled) sameDay() *ir.Field {
	if c.rule.On.Kind != OnEvening {
		return nil
	}
	for _, k := range ir.Flat(c.Simple, ir.OpAnd) {
		if k.Op != ir.OpBetween || k.Num > 0 || k.High() != 0 {
			continue
		}
		if of := k.Kids[0]; of.Op == ir.OpField && of.Base == ir.OfRow && of.Field.Ages == ir.Since {
			return of.Field
		}
	}
	return nil
}

// everyYear returns what a condition asks for that comes round every year, or "".
func (c *compiled) everyYear() string {
	if c.rule.On.Kind != OnEvening {
		return ""
	}
	for _, k := range ir.Flat(c.Simple, ir.OpAnd) {
		if len(k.Kids) == 0 {
			continue
		}
		if of := k.Kids[0]; of.Op == ir.OpAnniversary || of.Op == ir.OpField && of.Field.Ages == ir.Yearly {
			return of.String()
		}
	}
	return ""
}

// unlike returns the comparisons by != of a customer's text that may be null with
// something else, where the condition says nothing of what is null.
func (c *compiled) unlike() []*ir.Term {
	var out []*ir.Term
	told := map[*ir.Field]bool{}
	var walk func(t *ir.Term)
	walk = func(t *ir.Term) {
		switch {
		case t.Op == ir.OpNe && t.Kids[0].Op == ir.OpField && t.Kids[0].Base == ir.OfFacts && t.Kids[0].Nullable && t.Kids[0].Kind == ir.String && t.Kids[1].Op == ir.OpConst:
			out = append(out, t)
		case (t.Op == ir.OpIsNull || t.Op == ir.OpElse) && t.Kids[0].Op == ir.OpField:
			told[t.Kids[0].Field] = true
		}
		for _, k := range t.Kids {
			if k != nil {
				walk(k)
			}
		}
	}
	walk(c.when)
	return slices.DeleteFunc(out, func(t *ir.Term) bool { return told[t.Kids[0].Field] })
}

// demands reports whether an immediate tag action can change nothing.
func (c *compiled) demands(i int) bool {
	a, does := &c.rule.Then[i], c.Actions[i].Tag
	if a.After != "" || a.For != "" || does == program.NoTag {
		return false
	}
	for _, k := range ir.Flat(c.Simple, ir.OpAnd) {
		set := k.Op == ir.OpHas && k.Str == a.Name && k.OfTag()
		clear := k.Op == ir.OpNot && k.Kids[0].Op == ir.OpHas && k.Kids[0].Str == a.Name && k.Kids[0].OfTag()
		if does == program.SetsTag && set || does == program.ClearsTag && clear {
			return true
		}
	}
	return false
}

// fingerprint is the same for rules that fire alike and do the same.
func (c *compiled) fingerprint() string {
	r := c.rule
	var conjuncts []string
	for _, k := range ir.Flat(c.Simple, ir.OpAnd) {
		conjuncts = append(conjuncts, k.Canonical())
	}
	slices.Sort(conjuncts)
	data, err := json.Marshal([]any{r.On, r.Each, r.Once, r.From, r.To, r.Disabled, r.Then, r.Guard, r.CancelOn, r.CancelAt, r.Rearm, r.Group, conjuncts})
	if err != nil { // there is nothing in it that JSON lacks
		return r.Name
	}
	return string(data)
}
