// Package population evaluates rules for many subjects at once. It holds their
// facts in columns, in which a condition on one field is one pass over bits; every
// distinct condition of all rules is evaluated once. That is how an editor counts
// whom a rule would reach while it is typed (Preview), what changes if a set takes
// the place of another (Compare), and what a year of evenings would have done
// (Backtest). All give the answers of rules.Set.Evening, by test and fuzzer.
//
// Fields that rules.Extend added are columns as those of the struct are.
//
// The night itself asks Set.Evening subject by subject: facts change every
// evening, and loading them into columns takes longer than asking once.
package population

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// Population holds the facts of many subjects in columns, so that all rules are
// evaluated over all of them at once: Evaluate, Preview, Compare and Backtest. Subjects are numbered from 0 in the order in which they
// were added and keep their numbers.
//
// Facts are as of a day. An integer that counts days and is tagged
// `rule:",days=since"` (or until, yearly) is as it will be on the day of the
// evaluation, as are daysSince(…) and the like; nothing need be loaded anew
// because a day has passed. A population belongs to one zone: that of the
// moment it was made with.
//
// It may be read by many goroutines at once, but not while it is changed.
type Population[F any] struct {
	schema *rules.Schema[F]
	layout *ir.Layout
	p      *people
	last   atomic.Pointer[evening] // the plan of the set that was evaluated last
}

// evening is the plan of the rules of the evening of a set.
type evening struct {
	set  any // *rules.Set[F]
	plan *vectorPlan
}

// people is Population without the type parameter.
type people struct {
	enc      *encoder
	copier   *ir.Copier
	blocks   []*table
	n        int
	dead     []uint64 // removed
	stale    []uint64 // the table's row does not hold: see changed
	changed  map[int]unsafe.Pointer
	perBlock []int // changed subjects
}

// New loads the facts of many subjects, which are as of the moment.
// They are read and not kept; the sequence may use the same struct, and the same
// memory of its rows, for all. The error names the first subject that cannot be held: see
// Builder.Add.
func New[F any](s *rules.Schema[F], m *rules.Moment, facts iter.Seq[*F]) (*Population[F], error) {
	b := NewBuilder(s, m)
	if facts != nil {
		for f := range facts {
			if err := b.Add(f); err != nil {
				return nil, fmt.Errorf("subject %d: %w", b.n(), err)
			}
		}
	}
	return b.Population(), nil
}

// Builder loads subjects one by one, for those who load several populations at once.
type Builder[F any] struct {
	pop  *Population[F]
	rows *builder // nil: Population was called
}

// NewBuilder returns a builder of a population whose facts are as of the moment.
func NewBuilder[F any](s *rules.Schema[F], m *rules.Moment) *Builder[F] {
	l := s.Layout()
	enc := newEncoder(l, m.Clock())
	pop := &Population[F]{schema: s, layout: l, p: &people{enc: enc, copier: ir.NewCopier(l), changed: map[int]unsafe.Pointer{}}}
	return &Builder[F]{pop, enc.builder(l.Root)}
}

// Add adds a subject, which gets the next number, and keeps nothing of its facts. It adds
// nothing and returns a *BoundsError if there are more rows than the schema declares,
// ErrForeign if fields were added to the facts and their schema did not make them.
func (b *Builder[F]) Add(f *F) error {
	if b.rows == nil {
		return errors.New("population: it was built already")
	}
	if err := b.pop.p.enc.check(unsafe.Pointer(f)); err != nil {
		return err
	}
	if b.rows.add(unsafe.Pointer(f)); b.rows.n == blockRows {
		b.flush()
	}
	return nil
}

func (b *Builder[F]) n() int { return b.pop.p.n + b.rows.n }

func (b *Builder[F]) flush() {
	n := b.rows.n
	b.pop.p.blocks = append(b.pop.p.blocks, b.rows.table())
	b.pop.p.grow(n)
}

// Population returns the population. Nothing can be added to the builder then.
func (b *Builder[F]) Population() *Population[F] {
	if b.rows != nil && b.rows.n > 0 {
		b.flush()
	}
	b.rows = nil
	return b.pop
}

// grow takes note of more subjects behind the last.
func (p *people) grow(n int) {
	p.n += n
	for len(p.dead)*64 < p.n {
		p.dead, p.stale = append(p.dead, 0), append(p.stale, 0)
	}
	for len(p.perBlock)*blockRows < p.n {
		p.perBlock = append(p.perBlock, 0)
	}
}

// Add adds a subject, with facts as of the moment, and returns its number.
func (p *Population[F]) Add(f *F, m *rules.Moment) (int, error) {
	p.p.grow(1)
	if err := p.Put(p.p.n-1, f, m); err != nil {
		p.p.n--
		return 0, err
	}
	return p.p.n - 1, nil
}

// Put replaces the facts of a subject; they are as of the moment, and copied. Subjects that
// changed are kept beside their block, which is encoded anew when they have become many: one
// Put in some hundreds takes some milliseconds, the others about a microsecond.
func (p *Population[F]) Put(subject int, f *F, m *rules.Moment) error {
	q := p.p
	if subject < 0 || subject >= q.n {
		return fmt.Errorf("population: there is no subject %d", subject)
	}
	if m.Clock().Zone.String() != q.enc.zone.Zone.String() {
		return rules.ErrZone
	}
	if err := q.enc.check(unsafe.Pointer(f)); err != nil {
		return fmt.Errorf("subject %d: %w", subject, err)
	}
	c := p.layout.New()
	q.copier.Copy(c, unsafe.Pointer(f))
	closure.Age(p.layout, c, q.enc.zone.Today-m.Clock().Today)
	b := subject / blockRows
	if q.changed[subject] == nil {
		q.perBlock[b]++
	}
	q.changed[subject] = c
	planes.SetBit(q.stale, subject)
	q.dead[subject>>6] &^= 1 << (subject & 63)
	if q.perBlock[b] > blockRows/8 {
		p.encode(b)
	}
	return nil
}

// Remove takes a subject out: no rule matches it any more, until it is Put.
func (p *Population[F]) Remove(subject int) error {
	if subject < 0 || subject >= p.p.n {
		return fmt.Errorf("population: there is no subject %d", subject)
	}
	planes.SetBit(p.p.dead, subject)
	if p.p.changed[subject] != nil {
		p.p.perBlock[subject/blockRows]--
		delete(p.p.changed, subject)
	}
	return nil
}

// Facts returns what is known of a subject, as of the moment, in facts that may be changed
// but for the rows that they refer to; ok is false if the subject was removed or never
// added. Times are in the population's zone, tags sorted.
func (p *Population[F]) Facts(subject int, m *rules.Moment) (f *F, ok bool) {
	at, ok := p.factsAt(subject, m.Clock())
	if ok {
		p.layout.Narrow(at)
	}
	return (*F)(at), ok
}

// factsAt puts the facts of one subject together as they are at a moment: integers that
// count days have moved on since they were encoded.
func (p *Population[F]) factsAt(subject int, m *ir.Clock) (f unsafe.Pointer, ok bool) {
	q := p.p
	if subject < 0 || subject >= q.n || planes.BitAt(q.dead, subject) {
		return nil, false
	}
	f = p.layout.New()
	if c := q.changed[subject]; c != nil {
		p.layout.Assign(f, c)
		closure.Age(p.layout, f, m.Today-q.enc.zone.Today)
		return f, true
	}
	g := gathererFor(p.layout, q.enc.dicts, q.enc.zone.Zone, nil)
	g.load(q.blocks[subject/blockRows], subject%blockRows, f, m.Today)
	return f, true
}

// encode makes the table of a block anew.
func (p *Population[F]) encode(b int) {
	q := p.p
	first := b * blockRows
	n := min(blockRows, q.n-first)
	into, f := q.enc.builder(p.layout.Root), p.layout.New()
	g := gathererFor(p.layout, q.enc.dicts, q.enc.zone.Zone, nil)
	none := p.layout.New()
	for i := range n {
		switch c := q.changed[first+i]; {
		case c != nil:
			into.add(c)
			delete(q.changed, first+i)
		case b < len(q.blocks) && i < q.blocks[b].n:
			g.load(q.blocks[b], i, f, q.enc.zone.Today)
			into.add(f)
		default:
			into.add(none)
		}
	}
	for len(q.blocks) <= b {
		q.blocks = append(q.blocks, q.enc.builder(p.layout.Root).table())
	}
	q.blocks[b] = into.table()
	q.perBlock[b] = 0
	clear(q.stale[first/64 : planes.WordsOf(first+n)])
}

// Evaluate evaluates the rules of the evening for everybody: the firings are
// those that Set.Evening returns subject by subject. The error is that of the
// context, or ErrZone.
func (p *Population[F]) Evaluate(ctx context.Context, set *rules.Set[F], m *rules.Moment) (*Matches, error) {
	e := p.last.Load()
	if e == nil || e.set != any(set) {
		prog := set.Program()
		e = &evening{set, newVectorPlan(prog.Layout, withSources(set, prog.Evening))}
		p.last.Store(e)
	}
	return p.evaluate(ctx, e.plan, m)
}

func (p *Population[F]) evaluate(ctx context.Context, plan *vectorPlan, m *rules.Moment) (*Matches, error) {
	if err := p.fits(plan.schema, m); err != nil {
		return nil, err
	}
	return p.pass(ctx, newEvaluator(plan, p.p, m.Clock()))
}

// fits checks that rules of a schema can be evaluated at a moment.
func (p *Population[F]) fits(l *ir.Layout, m *rules.Moment) error {
	if l != p.layout {
		return errors.New("population: it is of another schema")
	}
	if m.Clock().Zone.String() != p.p.enc.zone.Zone.String() {
		return rules.ErrZone
	}
	return nil
}

// pass evaluates the rules of the evaluator's plan for everybody.
func (p *Population[F]) pass(ctx context.Context, ev *evaluator) (*Matches, error) {
	q := p.p
	out := &Matches{byName: map[string]int{}, found: make([]found, len(ev.plan.rules)), n: q.n, blocks: slices.Clone(q.blocks)}
	for i, r := range ev.plan.rules {
		out.rules = append(out.rules, r.listed)
		out.byName[r.rule.Name] = i
		out.found[i].subjects = make([]cell, (q.n+blockRows-1)/blockRows)
		if r.each != nil {
			out.found[i].rows = make([]cell, len(q.blocks))
		}
	}
	sw := &sweep{ev: ev, out: out, beside: map[int][]rules.Firing{}}
	p.beside(sw)
	for b := range (q.n + blockRows - 1) / blockRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sw.block(b)
	}
	return out, nil
}

// beside evaluates, row by row, the subjects that changed since their block was
// encoded.
func (p *Population[F]) beside(sw *sweep) {
	for i := range p.p.changed {
		f, _ := p.factsAt(i, sw.ev.m)
		sw.ev.over.adjust(f, i)
		e := closure.Env{Facts: f, M: sw.ev.m}
		var firings []rules.Firing
		var decided uint64 // groups of which a rule has fired
		for _, r := range sw.out.rules {
			if r.Matches(e) {
				firings = program.Fire(firings, r.rule, r.Rule, e, &decided, nil)
			}
		}
		if len(firings) > 0 {
			sw.beside[i] = firings
			sw.order = append(sw.order, i)
		}
	}
	slices.Sort(sw.order)
}

// listed is a rule of a set with what it was compiled to.
type listed struct {
	*program.Rule
	rule *rules.Rule
}

// withSources returns compiled rules of a set with what they were compiled from.
func withSources[F any](set *rules.Set[F], list []*program.Rule) []listed {
	all := set.Rules()
	out := make([]listed, len(list))
	for i, r := range list {
		out[i] = listed{r, all[r.Index]}
	}
	return out
}
