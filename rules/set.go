package rules

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/index"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// Set is an immutable set of compiled rules in their total order: salience,
// highest first, then name. It may be used from many goroutines at once.
type Set[F any] struct {
	schema  *Schema[F]
	rules   []*compiled
	byName  map[string]*compiled
	evening []*compiled
	events  map[string][]*compiled
	hooks   map[Trigger][]*compiled // rules of tags and segments
	tables  map[string]*decisionTable
	chain   bool
	strata  []*compiled // of chain: the evening's rules, each after those that feed it
	unused  []string    // conditions and parameters, for Lint
	reads   map[string]bool
	bounds  []bound

	books   []*Book                     // conditions and groups, for Preview
	indexes map[**compiled]*index.Index // by the first of a list of rules
}

// Firing says that a rule matched: the subject as a whole (Row is -1), or one
// row of the field that the rule names in Each.
type Firing struct {
	Rule *Rule // belongs to the set: do not change it
	Row  int   // from 0; -1 for a rule without Each
}

// BoundsError says that a subject has more rows than the schema declares. The
// rules were not evaluated: the cost that they were admitted with would not hold.
type BoundsError struct {
	// Field is the field of rows, Len how many rows the subject has, Max how many are
	// declared.
	Field    string
	Len, Max int
}

func (e *BoundsError) Error() string {
	return fmt.Sprintf("rules: facts have %d %s, at most %d are declared", e.Len, e.Field, e.Max)
}

// newSet takes over what the compiler made.
func newSet[F any](s *Schema[F], c *compiler) *Set[F] {
	set := &Set[F]{schema: s, rules: c.rules, byName: map[string]*compiled{}, events: map[string][]*compiled{},
		hooks: map[Trigger][]*compiled{}, tables: c.tables, chain: c.chain}
	slices.SortFunc(set.rules, func(a, b *compiled) int {
		return cmp.Or(cmp.Compare(b.rule.Salience, a.rule.Salience), cmp.Compare(a.tie, b.tie))
	})
	for i, r := range set.rules {
		r.Index = i
		set.byName[r.rule.Name] = r
		if r.rule.Disabled {
			continue
		}
		switch r.rule.On.Kind {
		case OnEvening, OnDate:
			set.evening = append(set.evening, r)
		case OnEvent:
			set.events[r.rule.On.Event] = append(set.events[r.rule.On.Event], r)
		case OnTagAdded, OnTagRemoved, OnSegmentEntered, OnSegmentLeft:
			k := r.rule.On.occasion()
			set.hooks[k] = append(set.hooks[k], r)
		}
	}
	if set.chain {
		set.strata = strataOf(set.evening)
	}
	if c.front != nil {
		set.bounds = boundsOf(s.s.Root, c.front.rows)
		if s.s.Base != nil {
			set.bounds = append([]bound{{made: &s.s.Layout}}, set.bounds...)
		}
		set.unused = c.front.unused()
		set.reads = map[string]bool{}
		readsOf(s.s.Root, "", c.front.rows, set.reads)
	}
	set.buildIndexes()
	return set
}

// buildIndexes makes the indexes of the lists of rules that are run for one
// subject.
func (s *Set[F]) buildIndexes() {
	s.indexes = map[**compiled]*index.Index{}
	add := func(rules []*compiled) {
		if len(rules) >= index.Least {
			conjuncts := make([][]*ir.Term, len(rules))
			for i, r := range rules {
				conjuncts[i] = r.Conjuncts()
			}
			s.indexes[unsafe.SliceData(rules)] = index.New(conjuncts)
		}
	}
	add(s.evening)
	for _, rules := range s.events {
		add(rules)
	}
}

// Program returns the rules as the packages below rules evaluate them. Do not
// change it.
func (s *Set[F]) Program() *program.Program {
	p := &program.Program{Layout: &s.schema.s.Layout}
	for _, r := range s.rules {
		p.Rules = append(p.Rules, &r.Rule)
	}
	for _, r := range s.evening {
		p.Evening = append(p.Evening, &r.Rule)
	}
	return p
}

// Books returns the books that the set was compiled from. Do not change them.
func (s *Set[F]) Books() []*Book { return s.books }

// Schema returns the schema that the rules were compiled for.
func (s *Set[F]) Schema() *Schema[F] { return s.schema }

// Rule returns the rule of a name, or nil. Do not change it.
func (s *Set[F]) Rule(name string) *Rule {
	if c := s.byName[name]; c != nil {
		return c.rule
	}
	return nil
}

// Rules returns all rules in their order. Do not change them.
func (s *Set[F]) Rules() []*Rule {
	out := make([]*Rule, len(s.rules))
	for i, c := range s.rules {
		out[i] = c.rule
	}
	return out
}

// Reads reports whether an expression of the set reads a field of the facts, so
// that a host need not fill what nothing reads. The fields of rows are named with
// their rows, as in Purchases.Amount.
func (s *Set[F]) Reads(field string) bool { return s.reads[field] }

// Cost returns the worst-case number of steps of a rule's condition, computed
// from the declared maxima, or 0 for a name that is not known.
func (s *Set[F]) Cost(name string) int64 {
	if c := s.byName[name]; c != nil {
		return c.Cost
	}
	return 0
}

// Evening appends what the rules of the evening do for one subject to dst, in
// the order of the set, and allocates nothing if dst has room. The facts are
// only read. The error is a *BoundsError; dst is then returned as it was.
func (s *Set[F]) Evening(dst []Firing, facts *F, m *Moment) ([]Firing, error) {
	return s.run(dst, s.evening, facts, m, nil)
}

// event is Evening for the rules of one kind of event.
func (s *Set[F]) event(dst []Firing, kind string, facts *F, m *Moment, is func(each string, row int) bool) ([]Firing, error) {
	rules := s.events[kind]
	if len(rules) == 0 {
		return dst, nil
	}
	return s.run(dst, rules, facts, m, is)
}

// Manual is Evening for one rule, whatever its trigger. A disabled rule does
// nothing; a name that is not known is an error.
func (s *Set[F]) Manual(dst []Firing, rule string, facts *F, m *Moment) ([]Firing, error) {
	c := s.byName[rule]
	if c == nil {
		return dst, fmt.Errorf("rules: there is no rule %q", rule)
	}
	if c.rule.Disabled {
		return dst, nil
	}
	one := [1]*compiled{c}
	return s.run(dst, one[:], facts, m, nil)
}

// run evaluates a list of rules for one subject: by the index, if the list has one, else
// one after the other. Groups are per call, so that a rule fires at most as often as its
// group allows in one evening or at one event.
func (s *Set[F]) run(dst []Firing, rules []*compiled, facts *F, m *Moment, is func(each string, row int) bool) ([]Firing, error) {
	e := closure.Env{Facts: unsafe.Pointer(facts), M: &m.c}
	if err := checkBounds(s.bounds, e.Facts); err != nil {
		return dst, err
	}
	if len(rules) >= index.Least {
		if x := s.indexes[unsafe.SliceData(rules)]; x != nil {
			var decided uint64
			found := x.Run(e)
			for _, i := range found.Rules {
				dst = rules[i].fire(dst, e, &decided, is)
			}
			x.Free(found)
			return dst, nil
		}
	}
	var decided uint64 // groups of which a rule has fired
	for _, r := range rules {
		if !r.Matches(e) {
			continue
		}
		dst = r.fire(dst, e, &decided, is)
	}
	return dst, nil
}

// fire appends the firings of a rule whose facts match, for rows that is names.
func (r *compiled) fire(dst []Firing, e closure.Env, decided *uint64, is func(each string, row int) bool) []Firing {
	var keep func(int) bool
	if is != nil {
		keep = func(row int) bool { return is(r.rule.Each, row) }
	}
	return program.Fire(dst, r.rule, &r.Rule, e, decided, keep)
}

// bound is a declared maximum that is checked before every evaluation.
type bound struct {
	name   string
	offset uintptr
	max    int
	size   uintptr
	inner  []bound
	made   *ir.Layout // instead: the facts must have been made by this schema
}

// readsOf names the used fields of facts.
func readsOf(t *ir.RowType, prefix string, used map[*ir.Field]bool, into map[string]bool) {
	for _, f := range t.Order {
		if used[f] {
			into[prefix+f.Name] = true
		}
		if f.Row != nil {
			readsOf(f.Row, prefix+f.Name+".", used, into)
		}
	}
}

// boundsOf returns the bounds of the fields that some expression goes over.
func boundsOf(t *ir.RowType, used map[*ir.Field]bool) []bound {
	var out []bound
	for _, f := range t.Order {
		if f.Kind != ir.Rows {
			continue
		}
		if inner := boundsOf(f.Row, used); used[f] || len(inner) > 0 {
			out = append(out, bound{name: f.Name, offset: f.Offset, max: f.Max, size: f.Row.Size, inner: inner})
		}
	}
	return out
}

// checkBounds refuses facts with more rows than declared, for which the cost that rules
// were admitted with would not hold, and facts that another schema made. It runs before
// every evaluation.
func checkBounds(bounds []bound, p unsafe.Pointer) error {
	for i := range bounds {
		b := &bounds[i]
		if b.made != nil {
			if !b.made.Made(p) {
				return ErrForeign
			}
			continue
		}
		s := (*closure.SliceHeader)(unsafe.Add(p, b.offset))
		if s.Len > b.max {
			return &BoundsError{b.name, s.Len, b.max}
		}
		if len(b.inner) > 0 {
			for j := range s.Len {
				if err := checkBounds(b.inner, unsafe.Add(s.Data, uintptr(j)*b.size)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// env returns the environment of one subject, whose bounds have been checked.
func (s *Set[F]) env(facts *F, m *Moment) (closure.Env, error) {
	e := closure.Env{Facts: unsafe.Pointer(facts), M: &m.c}
	return e, checkBounds(s.bounds, e.Facts)
}
