package rules

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
	"unsafe"
)

// Population holds the facts of many subjects in columns, so that all rules are
// evaluated over all of them at once: Set.Evaluate, Set.Preview, Set.Compare
// and Set.Backtest. Subjects are numbered from 0 in the order in which they
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
	schema *Schema[F]
	p      *people
}

// people is Population without the type parameter.
type people struct {
	enc      *encoder
	newFacts func() unsafe.Pointer
	blocks   []*table
	n        int
	dead     []uint64 // removed
	stale    []uint64 // the table's row does not hold: see changed
	changed  map[int]unsafe.Pointer
	perBlock []int // changed subjects
}

// ErrZone says that a moment is of another zone than the population.
var ErrZone = errors.New("rules: the moment is of another zone than the population")

// NewPopulation loads the facts of many subjects, which are as of the moment.
// The structs are read and not kept; the sequence may use one for all. The
// error names the first subject that cannot be held: a *BoundsError if it has
// more rows than the schema declares.
func NewPopulation[F any](s *Schema[F], m *Moment, facts iter.Seq[*F]) (*Population[F], error) {
	if unsafe.Sizeof(*new(F)) != s.s.root.size {
		return nil, fmt.Errorf("rules: a population of %T is not possible: it takes a struct", *new(F))
	}
	pop := &Population[F]{s, &people{
		enc: newEncoder(s.s, m), changed: map[int]unsafe.Pointer{},
		newFacts: func() unsafe.Pointer { return unsafe.Pointer(new(F)) },
	}}
	buffer := make([]F, 0, 1024)
	flush := func() {
		rows := make([]unsafe.Pointer, len(buffer))
		for i := range buffer {
			rows[i] = unsafe.Pointer(&buffer[i])
		}
		pop.p.blocks = append(pop.p.blocks, pop.p.enc.table(s.s.root, rows))
		pop.p.grow(len(buffer))
		clear(buffer)
		buffer = buffer[:0]
	}
	if facts != nil {
		for f := range facts {
			if err := pop.p.enc.check(s.s.root, unsafe.Pointer(f)); err != nil {
				return nil, fmt.Errorf("subject %d: %w", pop.p.n+len(buffer), err)
			}
			if buffer = append(buffer, *f); len(buffer) == blockRows {
				flush()
			}
		}
	}
	if len(buffer) > 0 {
		flush()
	}
	return pop, nil
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

// Schema returns the schema of the facts.
func (p *Population[F]) Schema() *Schema[F] { return p.schema }

// Len returns how many subjects were ever added; removed ones count, their
// numbers are not used again.
func (p *Population[F]) Len() int { return p.p.n }

// Zone returns the zone in which days are counted.
func (p *Population[F]) Zone() *time.Location { return p.p.enc.zone.zone }

// Add adds a subject, with facts as of the moment, and returns its number.
func (p *Population[F]) Add(f *F, m *Moment) (int, error) {
	p.p.grow(1)
	if err := p.Put(p.p.n-1, f, m); err != nil {
		p.p.n--
		return 0, err
	}
	return p.p.n - 1, nil
}

// Put replaces the facts of a subject; they are as of the moment. The rows that
// f refers to must not be changed afterwards. Subjects that changed are kept
// beside their block, which is encoded anew when they have become many: one Put
// in some hundreds takes some milliseconds, the others about a microsecond.
func (p *Population[F]) Put(subject int, f *F, m *Moment) error {
	q := p.p
	if subject < 0 || subject >= q.n {
		return fmt.Errorf("rules: there is no subject %d", subject)
	}
	if m.zone.String() != q.enc.zone.zone.String() {
		return ErrZone
	}
	if err := q.enc.check(p.schema.s.root, unsafe.Pointer(f)); err != nil {
		return fmt.Errorf("subject %d: %w", subject, err)
	}
	c := p.schema.Age(*f, int(q.enc.zone.today-m.today))
	b := subject / blockRows
	if q.changed[subject] == nil {
		q.perBlock[b]++
	}
	q.changed[subject] = unsafe.Pointer(&c)
	setBit(q.stale, subject)
	q.dead[subject>>6] &^= 1 << (subject & 63)
	if q.perBlock[b] > blockRows/8 {
		p.encode(b)
	}
	return nil
}

// Remove takes a subject out: no rule matches it any more, until it is Put.
func (p *Population[F]) Remove(subject int) error {
	if subject < 0 || subject >= p.p.n {
		return fmt.Errorf("rules: there is no subject %d", subject)
	}
	setBit(p.p.dead, subject)
	if p.p.changed[subject] != nil {
		p.p.perBlock[subject/blockRows]--
		delete(p.p.changed, subject)
	}
	return nil
}

// Facts returns what is known of a subject, as of the moment; ok is false if it
// was removed or never added. Times are in the population's zone, tags sorted.
func (p *Population[F]) Facts(subject int, m *Moment) (f F, ok bool) {
	q := p.p
	if subject < 0 || subject >= q.n || bitAt(q.dead, subject) {
		return f, false
	}
	if c := q.changed[subject]; c != nil {
		return p.schema.Age(*(*F)(c), int(m.today-q.enc.zone.today)), true
	}
	g := gathererFor(p.schema.s, q.enc.dicts, q.enc.zone.zone, nil)
	g.load(q.blocks[subject/blockRows], subject%blockRows, unsafe.Pointer(&f), m.today)
	return f, true
}

// encode makes the table of a block anew.
func (p *Population[F]) encode(b int) {
	q := p.p
	first := b * blockRows
	n := min(blockRows, q.n-first)
	rows := make([]unsafe.Pointer, n)
	g := gathererFor(p.schema.s, q.enc.dicts, q.enc.zone.zone, nil)
	for i := range rows {
		if c := q.changed[first+i]; c != nil {
			rows[i] = c
			delete(q.changed, first+i)
			continue
		}
		rows[i] = q.newFacts()
		if b < len(q.blocks) && i < q.blocks[b].n {
			g.load(q.blocks[b], i, rows[i], q.enc.zone.today)
		}
	}
	for len(q.blocks) <= b {
		q.blocks = append(q.blocks, q.enc.table(p.schema.s.root, nil))
	}
	q.blocks[b] = q.enc.table(p.schema.s.root, rows)
	q.perBlock[b] = 0
	clear(q.stale[first/64 : wordsOf(first+n)])
}

// Evaluate evaluates the rules of the evening for everybody: the firings are
// those that Evening returns subject by subject. The error is that of the
// context, or ErrZone.
func (s *Set[F]) Evaluate(ctx context.Context, pop *Population[F], m *Moment) (*Matches, error) {
	return s.evaluate(ctx, s.eveningPlan(), pop, m)
}

// eveningPlan returns the columnar form of the rules of the evening.
func (s *Set[F]) eveningPlan() *vectorPlan {
	s.planOnce.Do(func() { s.plan = newVectorPlan(s.schema.s, s.evening) })
	return s.plan
}

func (s *Set[F]) evaluate(ctx context.Context, plan *vectorPlan, pop *Population[F], m *Moment) (*Matches, error) {
	if err := s.fits(pop, m); err != nil {
		return nil, err
	}
	return s.pass(ctx, newEvaluator(plan, pop.p, m), pop)
}

func (s *Set[F]) fits(pop *Population[F], m *Moment) error {
	if pop.schema.s != s.schema.s {
		return errors.New("rules: the population is of another schema")
	}
	if m.zone.String() != pop.p.enc.zone.zone.String() {
		return ErrZone
	}
	return nil
}

// pass evaluates the rules of the evaluator's plan for everybody.
func (s *Set[F]) pass(ctx context.Context, ev *evaluator, pop *Population[F]) (*Matches, error) {
	q := pop.p
	out := &Matches{byName: map[string]int{}, found: make([]found, len(ev.plan.rules)), n: q.n, blocks: slices.Clone(q.blocks)}
	for i, r := range ev.plan.rules {
		out.rules = append(out.rules, r.compiled)
		out.byName[r.rule.Name] = i
		out.found[i].subjects = make([]cell, (q.n+blockRows-1)/blockRows)
		if r.each != nil {
			out.found[i].rows = make([]cell, len(q.blocks))
		}
	}
	sw := &sweep{ev: ev, out: out, beside: map[int][]Firing{}}
	if err := s.beside(sw, pop); err != nil {
		return nil, err
	}
	for b := range (q.n + blockRows - 1) / blockRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sw.block(b)
	}
	for i := range out.found {
		out.total += out.found[i].firings
	}
	return out, nil
}

// beside evaluates, row by row, the subjects that changed since their block was
// encoded.
func (s *Set[F]) beside(sw *sweep, pop *Population[F]) error {
	for i := range pop.p.changed {
		f, _ := pop.Facts(i, sw.ev.m)
		sw.ev.over.adjust(unsafe.Pointer(&f), i)
		firings, err := s.run(nil, sw.out.rules, &f, sw.ev.m)
		if err != nil {
			return err
		}
		if len(firings) > 0 {
			sw.beside[i] = firings
			sw.order = append(sw.order, i)
		}
	}
	slices.Sort(sw.order)
	return nil
}
