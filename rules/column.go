package rules

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
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
	bounds   []bound
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

// Matches says which rules fire for which subjects: what Set.Evening says for
// each of them, for all.
type Matches struct {
	rules  []*compiled
	byName map[string]int
	found  []found
	n      int // subjects
	total  int
	blocks []*table
}

// found is what one rule matches: a cell per block.
type found struct {
	subjects []cell
	rows     []cell // of a rule with Each: rows of the block's child table
	n        int    // subjects
	firings  int
	extra    map[int][]int32 // rows of subjects beside their block
}

// cell is a set of rows of a table: a list if they are few.
type cell struct {
	bits []uint64
	list []int32
}

func newCell(w []uint64) (c cell, n int) {
	if n = countBits(w); n == 0 {
		return cell{}, 0
	}
	if n > len(w)*2 {
		return cell{bits: slices.Clone(w)}, n
	}
	c.list = make([]int32, 0, n)
	for i, x := range w {
		for ; x != 0; x &= x - 1 {
			c.list = append(c.list, int32(i<<6|bits.TrailingZeros64(x)))
		}
	}
	return c, n
}

func (c *cell) has(i int) bool {
	if c.bits != nil {
		return i>>6 < len(c.bits) && bitAt(c.bits, i)
	}
	_, ok := slices.BinarySearch(c.list, int32(i))
	return ok
}

// each calls fn for the members in order, until it returns false.
func (c *cell) each(fn func(int) bool) bool {
	for _, i := range c.list {
		if !fn(int(i)) {
			return false
		}
	}
	for i, x := range c.bits {
		for ; x != 0; x &= x - 1 {
			if !fn(i<<6 | bits.TrailingZeros64(x)) {
				return false
			}
		}
	}
	return true
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

// sweep evaluates a plan block by block.
type sweep struct {
	ev      *evaluator
	out     *Matches
	beside  map[int][]Firing
	order   []int // of beside
	live    []uint64
	rows    []uint64
	hits    []uint64
	decided map[int][]uint64 // by group
}

func (sw *sweep) block(b int) {
	q, first := sw.ev.pop, b*blockRows
	n := min(blockRows, q.n-first)
	words := wordsOf(n)
	var t *table
	if b < len(q.blocks) {
		t = q.blocks[b]
		sw.ev.start(t, first)
		sw.live = slices.Grow(sw.live[:0], t.words)[:t.words]
		fill(sw.live, t.n)
		for i := range sw.live {
			sw.live[i] &^= q.dead[first/64+i] | q.stale[first/64+i]
		}
	}
	sw.hits = slices.Grow(sw.hits[:0], words)[:words]
	sw.decided = map[int][]uint64{}
	own := sw.order
	for k, i := range own {
		if i >= first+n {
			own = own[:k]
			break
		}
	}
	sw.order = sw.order[len(own):]
	for i := range sw.ev.plan.rules {
		r := &sw.ev.plan.rules[i]
		today := sw.ev.m.today
		clear(sw.hits)
		if t != nil && today >= r.from && today <= r.to {
			sw.rule(r, t, b, i)
		}
		f := &sw.out.found[i]
		for _, subject := range own {
			for _, hit := range sw.beside[subject] {
				if hit.Rule != r.rule {
					continue
				}
				setBit(sw.hits, subject-first)
				f.firings++
				if hit.Row >= 0 {
					if f.extra == nil {
						f.extra = map[int][]int32{}
					}
					f.extra[subject] = append(f.extra[subject], int32(hit.Row))
				}
			}
		}
		c, k := newCell(sw.hits)
		f.subjects[b] = c
		f.n += k
		if r.each == nil {
			f.firings = f.n
		}
	}
}

// rule sets hits for one rule.
func (sw *sweep) rule(r *vectorRule, t *table, b, index int) {
	w, v := sw.ev.eval(r.facts, nil)
	hits := sw.hits[:t.words]
	switch v {
	case none:
		return
	case all:
		copy(hits, sw.live)
	default:
		if and(hits, w, sw.live) == 0 {
			return
		}
	}
	limited := r.group >= 0 && (r.mode == First || r.mode == Exclusive)
	decided := sw.decided[r.group]
	if limited && decided == nil {
		decided = make([]uint64, t.words)
		sw.decided[r.group] = decided
	}
	if limited && andNot(hits, hits, decided) == 0 {
		return
	}
	if r.each != nil {
		sw.eachRow(r, t, b, index, hits, limited && r.mode == Exclusive)
	}
	if limited {
		or(decided, decided, hits)
	}
}

// eachRow narrows hits down to the subjects that have a row that matches.
func (sw *sweep) eachRow(r *vectorRule, t *table, b, index int, hits []uint64, firstOnly bool) {
	rows := t.cols[r.each.rows.pos].rows
	w, v := sw.ev.eval(r.rows, nil)
	sw.rows = slices.Grow(sw.rows[:0], rows.words)[:rows.words]
	clear(sw.rows)
	seen := make([]uint64, t.words)
	if v != none {
		rows.selected(w, v, func(i int) {
			p := int(rows.parent[i])
			if bitAt(hits, p) && !(firstOnly && bitAt(seen, p)) {
				setBit(seen, p)
				setBit(sw.rows, i)
			}
		})
	}
	copy(hits, seen)
	c, n := newCell(sw.rows)
	sw.out.found[index].rows[b] = c
	sw.out.found[index].firings += n
}

// Total returns the number of firings of all rules.
func (m *Matches) Total() int { return m.total }

// Count returns how many subjects a rule matches, 0 for a name that is not
// known.
func (m *Matches) Count(rule string) int {
	if i, ok := m.byName[rule]; ok {
		return m.found[i].n
	}
	return 0
}

// Firings returns how often a rule fires: more often than it has subjects if it
// fires for each of their rows.
func (m *Matches) Firings(rule string) int {
	if i, ok := m.byName[rule]; ok {
		return m.found[i].firings
	}
	return 0
}

// Has reports whether a rule fires for a subject.
func (m *Matches) Has(rule string, subject int) bool {
	i, ok := m.byName[rule]
	return ok && subject >= 0 && subject < m.n && m.found[i].subjects[subject/blockRows].has(subject%blockRows)
}

// Subjects returns the subjects that a rule fires for, in order.
func (m *Matches) Subjects(rule string) iter.Seq[int] {
	return func(yield func(int) bool) {
		i, ok := m.byName[rule]
		if !ok {
			return
		}
		for b := range m.found[i].subjects {
			if !m.found[i].subjects[b].each(func(k int) bool { return yield(b*blockRows + k) }) {
				return
			}
		}
	}
}

// All returns the firings of every subject that has any, subject by subject in
// order: what Set.Evening returns for it. The slice is good until the next step.
func (m *Matches) All() iter.Seq2[int, []Firing] {
	return func(yield func(int, []Firing) bool) {
		var firings []Firing
		hits := make([]uint64, blockRows/64)
		for b := range (m.n + blockRows - 1) / blockRows {
			clear(hits)
			for i := range m.found {
				m.found[i].subjects[b].each(func(k int) bool { setBit(hits, k); return true })
			}
			next := make([]int, len(m.found)) // position in the lists, so that nothing is searched
			for w, x := range hits {
				for ; x != 0; x &= x - 1 {
					k := w<<6 | bits.TrailingZeros64(x)
					firings = m.of(firings[:0], b, k, next)
					if !yield(b*blockRows+k, firings) {
						return
					}
				}
			}
		}
	}
}

func (m *Matches) of(dst []Firing, b, k int, next []int) []Firing {
	for i := range m.found {
		f := &m.found[i]
		c := &f.subjects[b]
		if c.bits == nil {
			if next[i] == len(c.list) || int(c.list[next[i]]) != k {
				continue
			}
			next[i]++
		} else if !bitAt(c.bits, k) {
			continue
		}
		r := m.rules[i]
		switch rows, beside := f.extra[b*blockRows+k]; {
		case r.each == nil:
			dst = append(dst, Firing{r.rule, -1})
		case beside:
			for _, row := range rows {
				dst = append(dst, Firing{r.rule, int(row)})
			}
		default:
			t := m.blocks[b].cols[r.each.pos].rows
			for row := t.first[k]; row < t.first[k+1]; row++ {
				if f.rows[b].has(int(row)) {
					dst = append(dst, Firing{r.rule, int(row - t.first[k])})
				}
			}
		}
	}
	return dst
}
