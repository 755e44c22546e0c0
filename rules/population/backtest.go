package population

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// BacktestOptions configure Backtest. The zero value lets time pass over
// the facts as they are.
type BacktestOptions[F any] struct {
	// Changes returns what became known before an evening, 0 for the first:
	// numbers of subjects and their facts as of that evening. A number that is
	// one above the last adds a subject. Rows of a rule with Each must keep
	// their positions; new ones come behind them. nil: nothing happens.
	Changes func(evening int, m *rules.Moment) iter.Seq2[int, *F]
	// Tags names the field that the actions tag and untag work on. It may be
	// left out if the facts have one field of tags.
	Tags string
}

// Night is one evening of a backtest.
type Night struct {
	// Moment is that of the evening.
	Moment *rules.Moment
	Rules  []NightRule // in the order of the set
}

// NightRule says what one rule did on an evening.
type NightRule struct {
	// Rule is the rule's name.
	Rule     string
	Matched  int // subjects
	Firings  int // subjects, or rows
	Planned  int // firings that were news: once had not held them back
	Effects  int // actions that came due this evening, of this evening and earlier ones
	Withheld int // of them: the guard failed
	Canceled int // of them: a cancel_on held, or the rule was not in effect
	news     []rowRef
	newCells []cell
}

// Subjects returns the subjects that effects were planned for, in order.
func (r *NightRule) Subjects() iter.Seq[int] {
	return func(yield func(int) bool) {
		last := -1
		for _, n := range r.news {
			if n.subject != last && !yield(n.subject) {
				return
			}
			last = n.subject
		}
		for b := range r.newCells {
			if !r.newCells[b].each(func(i int) bool { return yield(b*blockRows + i) }) {
				return
			}
		}
	}
}

// rowRef is a row of a subject.
type rowRef struct{ subject, row int }

// batch is one action of one rule, planned on one evening for many.
type batch struct {
	rule, action int
	serial       int
	due          time.Time
	cells        []cell   // by block; of a rule without Each
	rows         []rowRef // of a rule with Each
	expires      bool     // takes away the tag that batch serial has set
}

// Backtest runs the rules of the evening for a number of evenings, one a day
// from the first, and yields what each did. It uses the evaluator of Evaluate
// and the same rules for once, delays, guards and cancel_on as Plan and
// Recheck: on every evening the effects that are due are rechecked by the facts
// of the evening and carried out, first planned first; then the rules are
// evaluated. Tags that rules give and take away act on later evenings, and what
// was done once is not done again. Nothing is written, the population is not
// changed, and subjects stand for themselves: merges are not known.
//
// The population must be as of the first evening or be able to age to it: load
// it with facts as they were then, not as they are now, and give what happened
// since as Changes. An error ends the sequence.
func (p *Population[F]) Backtest(ctx context.Context, set *rules.Set[F], first *rules.Moment, evenings int, opts BacktestOptions[F]) iter.Seq2[*Night, error] {
	return func(yield func(*Night, error) bool) {
		t, err := newBacktest(set, p, first, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		for n := range evenings {
			m := rules.NewMoment(first.Now().In(first.Clock().Zone).AddDate(0, 0, n), first.Clock().Zone)
			night, err := t.evening(ctx, n, m)
			if !yield(night, err) || err != nil {
				return
			}
		}
	}
}

// backtest is a run over evenings: a copy of the population, and what earlier evenings
// leave to later ones.
type backtest[F any] struct {
	pop     *Population[F]
	opts    BacktestOptions[F]
	plan    *vectorPlan
	ev      *evaluator
	over    *overlay
	done    []onceState // by rule
	pending []*batch    // by due, then as they were planned
	serial  int
}

// onceState is what a rule has been planned for, in the period it counts by.
type onceState struct {
	period string
	blocks [][]uint64
	rows   map[rowRef]bool
}

func newBacktest[F any](set *rules.Set[F], pop *Population[F], first *rules.Moment, opts BacktestOptions[F]) (*backtest[F], error) {
	if err := pop.fits(set.Schema().Layout(), first); err != nil {
		return nil, err
	}
	t := &backtest[F]{opts: opts, pop: &Population[F]{schema: pop.schema, layout: pop.layout, p: pop.p.clone()}}
	t.plan = (&vectorPlan{schema: pop.layout, gated: true}).take(withSources(set, set.Program().Evening))
	t.over = &overlay{schema: pop.layout, tags: map[uint32]*tagState{}}
	t.over.grow(len(t.pop.p.dead))
	t.done = make([]onceState, len(t.plan.rules))
	var fields []*ir.Field
	for _, f := range pop.layout.Root.Order {
		if f.Kind == ir.Tags && !f.Names {
			fields = append(fields, f)
		}
	}
	switch f := pop.layout.Root.Fields[opts.Tags]; {
	case f != nil && f.Kind == ir.Tags:
		t.over.field = f
	case opts.Tags != "":
		return nil, fmt.Errorf("population: backtest: %s is no field of tags", opts.Tags)
	case len(fields) > 1:
		return nil, fmt.Errorf("population: backtest: which field of tags do rules change: %s or %s?", fields[0].Name, fields[1].Name)
	case len(fields) == 1:
		t.over.field = fields[0]
	}
	t.ev = newEvaluator(t.plan, t.pop.p, first.Clock())
	t.ev.over = t.over
	return t, nil
}

// clone returns a copy that can be changed alone; tables are shared.
func (p *people) clone() *people {
	c := *p
	c.copier = ir.NewCopier(p.enc.schema)
	c.blocks, c.dead, c.stale, c.perBlock = slices.Clone(p.blocks), slices.Clone(p.dead), slices.Clone(p.stale), slices.Clone(p.perBlock)
	c.changed = maps.Clone(p.changed)
	enc := *p.enc
	enc.dicts = map[*ir.Field]*dictionary{}
	for f, d := range p.enc.dicts {
		enc.dicts[f] = &dictionary{codes: maps.Clone(d.codes), values: slices.Clone(d.values), odd: slices.Clone(d.odd)}
	}
	enc.ids = maps.Clone(p.enc.ids)
	c.enc = &enc
	return &c
}

// grow makes room for subjects that came.
func (o *overlay) grow(words int) {
	o.words = words
	for _, s := range o.tags {
		for len(s.on) < words {
			s.on, s.off = append(s.on, 0), append(s.off, 0)
		}
	}
}

// evening takes over what became known, carries out what is due and evaluates the rules,
// in this order, as a host's evening does.
func (t *backtest[F]) evening(ctx context.Context, n int, m *rules.Moment) (*Night, error) {
	if t.opts.Changes != nil {
		if err := t.change(n, m); err != nil {
			return nil, err
		}
	}
	t.ev.m = m.Clock()
	night := &Night{Moment: m, Rules: make([]NightRule, len(t.plan.rules))}
	for i, r := range t.plan.rules {
		night.Rules[i].Rule = r.rule.Name
	}
	if err := t.carry(ctx, night); err != nil {
		return nil, err
	}
	matches, err := t.pop.pass(ctx, t.ev)
	if err != nil {
		return nil, err
	}
	for i := range t.plan.rules {
		t.plans(matches, i, night)
	}
	slices.SortStableFunc(t.pending, func(a, b *batch) int { return a.due.Compare(b.due) })
	return night, nil
}

// change puts the new facts of an evening into the copy.
func (t *backtest[F]) change(n int, m *rules.Moment) error {
	for i, f := range t.opts.Changes(n, m) {
		var err error
		if i == t.pop.p.n {
			_, err = t.pop.Add(f, m)
		} else {
			err = t.pop.Put(i, f, m)
		}
		if err != nil {
			return fmt.Errorf("population: backtest: evening of %s: %w", m.Date(), err)
		}
	}
	t.over.grow(len(t.pop.p.dead))
	return nil
}

// plans takes note of what is news among the firings of a rule.
func (t *backtest[F]) plans(matches *Matches, i int, night *Night) {
	r, f, out, once := &t.plan.rules[i], &matches.found[i], &night.Rules[i], &t.done[i]
	out.Matched, out.Firings = f.n, f.firings
	if period := night.Moment.Period(r.rule.Once); period != once.period {
		*once = onceState{period: period}
	}
	for len(once.blocks) < len(f.subjects) {
		once.blocks = append(once.blocks, nil)
	}
	if r.each != nil {
		out.news = t.newRows(matches, i)
		out.Planned = len(out.news)
	} else {
		out.newCells = make([]cell, len(f.subjects))
		fresh := make([]uint64, blockRows/64)
		for b := range f.subjects {
			c := &f.subjects[b]
			if c.bits == nil && len(c.list) == 0 {
				continue
			}
			if once.blocks[b] == nil {
				once.blocks[b] = make([]uint64, blockRows/64)
			}
			seen, n := once.blocks[b], 0
			if c.bits == nil {
				var list []int32
				for _, k := range c.list {
					if !planes.BitAt(seen, int(k)) {
						planes.SetBit(seen, int(k))
						list = append(list, k)
					}
				}
				out.newCells[b], n = cell{list: list}, len(list)
			} else {
				w := fresh[:len(c.bits)]
				if planes.AndNot(w, c.bits, seen) != 0 {
					planes.Or(seen[:len(w)], seen, w)
					out.newCells[b], n = newCell(w)
				}
			}
			out.Planned += n
		}
	}
	if out.Planned == 0 {
		return
	}
	for a := range r.Actions {
		due := r.Actions[a].Delay.Due(night.Moment.Clock(), r.Actions[a].Clock)
		t.serial++
		t.pending = append(t.pending, &batch{rule: i, action: a, serial: t.serial, due: due, cells: out.newCells, rows: out.news})
	}
}

// newRows returns the rows of a rule with Each that are news: every one of them
// with once per row, else the first of a subject.
func (t *backtest[F]) newRows(matches *Matches, i int) (out []rowRef) {
	r, f, once := &t.plan.rules[i], &matches.found[i], &t.done[i]
	perRow := r.rule.Once == "row"
	if perRow && once.rows == nil {
		once.rows = map[rowRef]bool{}
	}
	take := func(n rowRef) {
		if perRow {
			if !once.rows[n] {
				once.rows[n] = true
				out = append(out, n)
			}
			return
		}
		b := n.subject / blockRows
		if once.blocks[b] == nil {
			once.blocks[b] = make([]uint64, blockRows/64)
		}
		if k := n.subject % blockRows; !planes.BitAt(once.blocks[b], k) {
			planes.SetBit(once.blocks[b], k)
			out = append(out, n)
		}
	}
	for b := range f.subjects {
		f.subjects[b].each(func(k int) bool {
			subject := b*blockRows + k
			if rows, beside := f.extra[subject]; beside {
				for _, row := range rows {
					take(rowRef{subject, int(row)})
				}
				return true
			}
			kids := matches.blocks[b].cols[r.each.rows.Pos].rows
			for row := kids.first[k]; row < kids.first[k+1]; row++ {
				if f.rows[b].has(int(row)) {
					take(rowRef{subject, int(row - kids.first[k])})
				}
			}
			return true
		})
	}
	return out
}

// carry rechecks and carries out what is due. All rechecks see the facts and
// tags of the beginning of the evening.
func (t *backtest[F]) carry(ctx context.Context, night *Night) error {
	n, _ := slices.BinarySearchFunc(t.pending, night.Moment.Now(), func(b *batch, now time.Time) int {
		if b.due.After(now) {
			return 1
		}
		return -1
	})
	due := t.pending[:n]
	t.pending = slices.Clone(t.pending[n:])
	gated := false
	for _, b := range due {
		gated = gated || t.gated(b)
	}
	kept := make([]batch, n)
	for k, b := range due {
		kept[k] = *b
		kept[k].cells = slices.Clone(b.cells)
	}
	if gated {
		if err := t.recheck(ctx, kept, night); err != nil {
			return err
		}
	}
	for k := range kept {
		t.carryOut(due[k], &kept[k], night)
	}
	return nil
}

// recheck takes out of the batches whom a cancel_on or the guard holds back.
func (t *backtest[F]) recheck(ctx context.Context, kept []batch, night *Night) error {
	q := t.pop.p
	rows := make([][]rowRef, len(kept)) // what is left of the rows
	next := make([]int, len(kept))
	for b := range (q.n + blockRows - 1) / blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b < len(q.blocks) {
			t.ev.start(q.blocks[b], b*blockRows)
		}
		for k := range kept {
			r := &t.plan.rules[kept[k].rule]
			if !t.gated(&kept[k]) {
				continue
			}
			out := &night.Rules[kept[k].rule]
			if r.each != nil {
				for ; next[k] < len(kept[k].rows) && kept[k].rows[next[k]].subject < (b+1)*blockRows; next[k]++ {
					if n := kept[k].rows[next[k]]; t.gate(r, n, out) {
						rows[k] = append(rows[k], n)
					}
				}
				continue
			}
			if b >= len(kept[k].cells) {
				continue
			}
			var left []int32
			kept[k].cells[b].each(func(i int) bool {
				if t.gate(r, rowRef{b*blockRows + i, -1}, out) {
					left = append(left, int32(i))
				}
				return true
			})
			kept[k].cells[b] = cell{list: left}
		}
	}
	for k := range kept {
		if r := &t.plan.rules[kept[k].rule]; r.each != nil && t.gated(&kept[k]) {
			kept[k].rows = rows[k]
		}
	}
	return nil
}

// gated reports whether the effects of a batch must be looked at one by one.
func (t *backtest[F]) gated(b *batch) bool {
	r, today := &t.plan.rules[b.rule], t.ev.m.Today
	return !b.expires && (len(r.cancel) > 0 || r.guard != nil) && today >= r.From && today <= r.To
}

// gate reports whether an effect may happen, and counts it if not.
func (t *backtest[F]) gate(r *vectorRule, n rowRef, out *NightRule) bool {
	cancelled, guarded := false, true
	q := t.pop.p
	if planes.BitAt(q.stale, n.subject) {
		f, _ := t.pop.factsAt(n.subject, t.ev.m)
		t.over.adjust(f, n.subject)
		e := closure.Env{Facts: f, M: t.ev.m}
		found := true
		if r.each != nil {
			e.Row, found = closure.RowAt(e, r.each.rows, n.row)
		}
		if !found {
			out.Canceled++
			return false
		}
		for _, c := range r.CancelOn {
			cancelled = cancelled || c.Test(e)
		}
		guarded = r.listed.Guard == nil || r.listed.Guard(e)
	} else {
		i := n.subject % blockRows
		if r.each != nil {
			rows := t.ev.tables[r.each.id]
			i = int(rows.first[i]) + n.row
		}
		for _, c := range r.cancel {
			cancelled = cancelled || t.holds(c, i)
		}
		guarded = r.guard == nil || t.holds(r.guard, i)
	}
	switch {
	case cancelled:
		out.Canceled++
	case !guarded:
		out.Withheld++
	}
	return !cancelled && guarded
}

// holds reports whether a condition holds for a row of the present block.
func (t *backtest[F]) holds(n *vector, i int) bool {
	w, v := t.ev.eval(n, nil)
	return v == planes.All || v == planes.Some && planes.BitAt(w, i)
}

// carryOut counts what is left of a batch and changes tags.
func (t *backtest[F]) carryOut(planned, b *batch, night *Night) {
	r, out := &t.plan.rules[b.rule], &night.Rules[b.rule]
	action, ca := &r.rule.Then[b.action], &r.Actions[b.action]
	if !b.expires {
		out.Effects += planned.size()
		if today := night.Moment.Clock().Today; today < r.From || today > r.To {
			out.Canceled += b.size()
			return
		}
	}
	if ca.Tag == program.NoTag || t.over.field == nil {
		return
	}
	s := t.over.state(t.plan.schema.Tags.Id(action.Name))
	expiring := ca.Lasts && !b.expires
	b.each(func(subject int) {
		switch {
		case b.expires:
			if s.last[int32(subject)] == b.serial {
				s.set(subject, false)
			}
			return
		case expiring:
			s.last[int32(subject)] = b.serial
		case len(s.last) > 0:
			delete(s.last, int32(subject))
		}
		s.set(subject, ca.Tag == program.SetsTag)
	})
	if expiring {
		end := *b
		end.expires = true
		// As Plan has it: counted from the moment that the tag was due.
		end.due = ca.Last.Due(night.Moment.Clock().At(b.due), -1)
		t.pending = append(t.pending, &end)
		slices.SortStableFunc(t.pending, func(a, b *batch) int { return a.due.Compare(b.due) })
	}
}

// size is the number of actions that the batch stands for.
func (b *batch) size() int {
	n := len(b.rows)
	for i := range b.cells {
		n += b.cells[i].size()
	}
	return n
}

// each calls fn for the subjects of the batch, those held singly first.
func (b *batch) each(fn func(subject int)) {
	for _, n := range b.rows {
		fn(n.subject)
	}
	for k := range b.cells {
		b.cells[k].each(func(i int) bool { fn(k*blockRows + i); return true })
	}
}

func (c *cell) size() int {
	n := len(c.list)
	for _, w := range c.bits {
		n += bits.OnesCount64(w)
	}
	return n
}
