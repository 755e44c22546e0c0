package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// Chain is Evening in strata: a tag that a rule sets or takes away at once is
// seen, in the same evening, by every rule that tests it. Rules run after those
// that change what they test, else in the order of the set, and each runs once,
// so it always ends. Firings are appended in the order in which they arise; the
// facts themselves are not changed.
//
// news, if not nil, says whether a firing is to take effect: a host passes what
// Record would say, so that a tag which was set long ago and taken away since
// is not taken for set. It needs a set whose books say chain: true; such books
// are refused when rules feed one another in a circle.
func (s *Set[F]) Chain(dst []Firing, facts *F, m *Moment, news func(Firing) bool) ([]Firing, error) {
	if !s.chain {
		return dst, fmt.Errorf("rules: chain: no book of the set says chain: true")
	}
	own, err := s.env(facts, m)
	if err != nil {
		return dst, err
	}
	copied := reflect.New(s.schema.s.Root.Typ)
	copied.Elem().Set(reflect.NewAt(s.schema.s.Root.Typ, own.Facts).Elem())
	e := closure.Env{Facts: copied.UnsafePointer(), M: &m.c}
	fields := s.schema.s.tagFields()
	touched := map[*ir.Field]bool{}
	var decided uint64
	for _, r := range s.strata {
		if !r.Matches(e) {
			continue
		}
		before := len(dst)
		dst = r.fire(dst, e, &decided, nil)
		for _, f := range dst[before:] {
			if news != nil && !news(f) {
				continue
			}
			for i := range r.rule.Then {
				if r.Actions[i].AtOnce {
					s.schema.s.apply(e.Facts, fields, touched, r.rule.Then[i].Name, r.Actions[i].Tag == program.SetsTag)
				}
			}
		}
	}
	return dst, nil
}

// tagFields are the fields of the facts that hold tags.
func (s *schema) tagFields() []*ir.Field {
	var out []*ir.Field
	for _, f := range s.Root.Order {
		if f.Kind == ir.Tags && !f.Names {
			out = append(out, f)
		}
	}
	return out
}

// apply changes a tag in every field of tags; touched are those that are no
// longer shared with the facts that were given.
func (s *schema) apply(facts unsafe.Pointer, fields []*ir.Field, touched map[*ir.Field]bool, tag string, on bool) {
	for _, f := range fields {
		p := unsafe.Add(facts, f.Offset)
		if f.Interned {
			set := (*ir.TagBits)(p)
			if !touched[f] {
				*set = set.Clone()
			}
			if on {
				set.Put(s.Tags.Id(tag))
			} else {
				set.Take(s.Tags.Id(tag))
			}
		} else {
			list := (*[]string)(p)
			if !touched[f] {
				*list = slices.Clone(*list)
			}
			*list = slices.DeleteFunc(*list, func(t string) bool { return t == tag })
			if on {
				*list = append(*list, tag)
			}
		}
		touched[f] = true
	}
}

// feed says that one rule changes a tag that another one tests.
type feed struct {
	to  int
	tag string
	on  bool // sets it
}

// maxFeeds bounds how many feeds are looked at.
const maxFeeds = 1_000_000

// feeds returns, for each rule, the rules that it feeds. Which rules those are
// follows from what they do; enables leaves out those that it can only stop. A
// rule that feeds itself is no part of it. ok is false if there are too many.
func feeds(rules []*compiled, immediate, enables bool) (out [][]feed, ok bool) {
	type use struct {
		rule     int
		has, not bool
	}
	byTag := map[string][]use{}
	for i, c := range rules {
		if c.rule.Disabled {
			continue
		}
		has, not := c.tagsTested()
		for tag := range has {
			byTag[tag] = append(byTag[tag], use{i, true, not[tag]})
		}
		for tag := range not {
			if !has[tag] {
				byTag[tag] = append(byTag[tag], use{i, false, true})
			}
		}
		for _, t := range []Trigger{c.rule.On} {
			switch t.Kind {
			case OnTagAdded:
				byTag[t.Tag] = append(byTag[t.Tag], use{i, true, false})
			case OnTagRemoved:
				byTag[t.Tag] = append(byTag[t.Tag], use{i, false, true})
			}
		}
	}
	out = make([][]feed, len(rules))
	edges := 0
	for i, c := range rules {
		if c.rule.Disabled {
			continue
		}
		for k := range c.rule.Then {
			a, ca := &c.rule.Then[k], &c.Actions[k]
			if ca.Tag == program.NoTag || immediate && !ca.AtOnce {
				continue
			}
			on := ca.Tag == program.SetsTag
			for _, u := range byTag[a.Name] {
				if enables && (on && !u.has || !on && !u.not) {
					continue
				}
				if u.rule == i {
					continue // each runs once; "not yet tagged" is how rules are written
				}
				if edges++; edges > maxFeeds {
					return nil, false
				}
				out[i] = append(out[i], feed{u.rule, a.Name, on})
			}
		}
		slices.SortStableFunc(out[i], func(a, b feed) int { return a.to - b.to })
	}
	return out, true
}

// tagsTested returns the tags that a condition needs and those that it must not
// have; a tag below an odd number of nots counts the other way round.
func (c *compiled) tagsTested() (has, not map[string]bool) {
	has, not = map[string]bool{}, map[string]bool{}
	var walk func(t *ir.Term, positive bool)
	walk = func(t *ir.Term, positive bool) {
		if t == nil {
			return
		}
		switch t.Op {
		case ir.OpHas:
			if !t.OfTag() {
				return
			}
			if positive {
				has[t.Str] = true
			} else {
				not[t.Str] = true
			}
			return
		case ir.OpNot:
			walk(t.Kids[0], !positive)
			return
		case ir.OpAnd, ir.OpOr:
			for _, k := range t.Kids {
				walk(k, positive)
			}
			return
		}
		t.Walk(func(k *ir.Term) { // anything else may turn it round
			if k.Op == ir.OpHas && k.OfTag() {
				has[k.Str], not[k.Str] = true, true
			}
		})
	}
	walk(c.when, true)
	walk(c.unless, false)
	return has, not
}

// trail is the way to the rule that cycle is at.
type trail struct {
	rules []int
	steps []string
}

// cycle finds a circle of feeds from a rule on and puts it in words, or "".
// state remembers what is known: 1 on the way, 2 without a circle.
func cycle(rules []*compiled, out [][]feed, from int, state []int, way *trail) string {
	state[from] = 1
	way.rules = append(way.rules, from)
	for _, f := range out[from] {
		verb := "clears"
		if f.on {
			verb = "sets"
		}
		way.steps = append(way.steps, fmt.Sprintf("%s %s %s", rules[from].rule.Name, verb, f.tag))
		switch state[f.to] {
		case 1:
			i := slices.Index(way.rules, f.to)
			return strings.Join(append(slices.Clone(way.steps[i:]), rules[f.to].rule.Name), " -> ")
		case 0:
			if msg := cycle(rules, out, f.to, state, way); msg != "" {
				return msg
			}
		}
		way.steps = way.steps[:len(way.steps)-1]
	}
	way.rules = way.rules[:len(way.rules)-1]
	state[from] = 2
	return ""
}

// checkChain refuses a book that asks for chaining when rules feed one another
// in a circle. It runs once, for all books.
func (c *compiler) checkChain() {
	if !c.book.Chain || c.chain {
		return
	}
	c.chain = true
	var evening []*compiled
	for _, r := range c.rules {
		if r.rule.On.Kind == OnEvening || r.rule.On.Kind == OnDate {
			evening = append(evening, r)
			for _, t := range []*ir.Term{r.when, r.unless} {
				t.Walk(func(k *ir.Term) {
					if k.Op == ir.OpHasPrefix {
						c.fault("chain", r.rule.Name, "when", "tags by their beginning cannot be tested with chain: true: name them")
					}
				})
			}
		}
	}
	out, ok := feeds(evening, true, false)
	if !ok {
		c.fault("chain", "", "chain", "too many rules set and test the same tags")
		return
	}
	state := make([]int, len(evening))
	for i := range evening {
		if state[i] != 0 {
			continue
		}
		if msg := cycle(evening, out, i, state, &trail{}); msg != "" {
			at := evening[i].place
			book, no := c.book, c.bookNo
			c.book, c.bookNo = at.book, at.bookNo
			c.fault(at.path+".when", evening[i].rule.Name, "when", "rules feed one another in a circle: %s", msg)
			c.book, c.bookNo = book, no
			return
		}
	}
}

// strataOf orders rules so that each comes after those that feed it, else as
// they are. There must be no circle.
func strataOf(rules []*compiled) []*compiled {
	out, _ := feeds(rules, true, false)
	waits := make([]int, len(rules))
	for _, fs := range out {
		for _, f := range fs {
			waits[f.to]++
		}
	}
	done := make([]bool, len(rules))
	var order []*compiled
	for len(order) < len(rules) {
		next := -1
		for i := range rules {
			if !done[i] && waits[i] == 0 {
				next = i
				break
			}
		}
		if next < 0 {
			return rules // a circle: refused before
		}
		done[next] = true
		order = append(order, rules[next])
		for _, f := range out[next] {
			waits[f.to]--
		}
	}
	return order
}
