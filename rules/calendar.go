package rules

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"
)

// Calendar keeps, from evening to evening, which rules fire for whom, and reads
// on an evening only the facts of those for whom that can have changed: whose
// facts did, and for whom the passing of the day flips a comparison, such as
// `DaysSincePurchase <= 90` or `daysSince(LastVisit) == 3`. Who these are is
// known beforehand: for every day, and every field that days or times are
// compared in, the calendar knows whose turn it is. Integers that count days
// must say so by `rule:",days=since"` (or until, yearly).
//
// A rule that uses a day in another way, as in `DaysSincePurchase > Orders` or
// `sum(Purchases, .DaysAgo) > 9`, has to be asked for everybody every evening;
// Daily names such rules.
//
// A Calendar belongs to one goroutine, one set of rules and one zone.
type Calendar[F any] struct {
	set     *Set[F]
	m       *Moment
	n       int
	words   int      // of one subject
	fires   []uint64 // bits of rules, subject by subject
	counts  []int    // by rule
	place   map[*Rule]int
	indexes []*dayIndex
	flips   []flip
	daily   []int32 // rules that are asked for everybody
	global  []int64 // days on which everybody is due: today() meets a date
	changed []uint64
	age     []uint32 // by subject: how often he has changed
	pairs   []uint64 // subject<<32 | flip
	spare   []uint64
	firings []Firing
	rules   []int32
	lines   []uintptr // of the facts, that rules read
	rowsAt  []uintptr // slices in the facts, that rules read
	touched byte
}

// EveningStats says what an evening took.
type EveningStats struct {
	Due     int // subjects whose facts were read
	Changed int // of them, because they were said to have changed
	Entered int // pairs of a rule and a subject for whom it fires now and did not before
	Left    int // the other way round
}

// NewCalendar evaluates the rules of the evening for everybody at the moment.
// Subjects are numbered from 0 in the order of the sequence. The error is a
// *BoundsError, with the subject.
func NewCalendar[F any](set *Set[F], m *Moment, facts iter.Seq[*F]) (*Calendar[F], error) {
	c := &Calendar[F]{set: set, m: m, words: max(1, wordsOf(len(set.evening))), counts: make([]int, len(set.evening)), place: map[*Rule]int{}}
	for i, r := range set.evening {
		c.place[r.rule] = i
	}
	c.collect()
	c.layout()
	anchors := make([][]uint64, len(c.indexes)) // anchor and subject
	for f := range facts {
		if err := c.add(f, anchors); err != nil {
			return nil, err
		}
	}
	for i, x := range c.indexes {
		x.load(anchors[i])
	}
	return c, nil
}

const (
	// nearDays is how far from today anchors are kept in a table.
	nearDays = 1 << 12
	// maxIndexes is how many indexes may be of some subjects only.
	maxIndexes = 64
)

// add takes in one more subject.
func (c *Calendar[F]) add(f *F, anchors [][]uint64) error {
	i := c.n
	firings, err := c.set.Evening(c.firings[:0], f, c.m)
	if err != nil {
		return fmt.Errorf("subject %d: %w", i, err)
	}
	c.firings = firings
	c.n++
	for range c.words {
		c.fires = append(c.fires, 0)
	}
	c.age = append(c.age, 0)
	for len(c.changed)*64 < c.n {
		c.changed = append(c.changed, 0)
	}
	for _, x := range firings {
		if k := c.place[x.Rule]; !bitAt(c.of(i), k) {
			setBit(c.of(i), k)
			c.counts[k]++
		}
	}
	for k, x := range c.indexes {
		x.each(unsafe.Pointer(f), c.m, func(a int64) {
			if n := a - x.low; n >= 0 && n < 2*nearDays {
				anchors[k] = append(anchors[k], uint64(n)<<32|uint64(i))
			} else {
				x.far[a] = append(x.far[a], laterEntry{int32(i), 0})
			}
		})
	}
	return nil
}

// of returns the bits of a subject.
func (c *Calendar[F]) of(subject int) []uint64 {
	return c.fires[subject*c.words : (subject+1)*c.words]
}

// Daily returns the names of the rules that are asked for everybody every
// evening because of how they use days.
func (c *Calendar[F]) Daily() []string {
	var names []string
	for _, i := range c.daily {
		names = append(names, c.set.evening[i].rule.Name)
	}
	return names
}

// Len returns the number of subjects.
func (c *Calendar[F]) Len() int { return c.n }

// Changed says that the facts of a subject are no longer what they were, other
// than by the passing of days. A number that is Len adds a subject.
func (c *Calendar[F]) Changed(subject int) error {
	switch {
	case subject == c.n:
		c.n++
		for range c.words {
			c.fires = append(c.fires, 0)
		}
		c.age = append(c.age, 0)
		for len(c.changed)*64 < c.n {
			c.changed = append(c.changed, 0)
		}
	case subject < 0 || subject > c.n:
		return fmt.Errorf("rules: there is no subject %d", subject)
	}
	setBit(c.changed, subject)
	return nil
}

// Has reports whether a rule fires for a subject as of the last evening.
func (c *Calendar[F]) Has(rule string, subject int) bool {
	r := c.set.byName[rule]
	if r == nil || subject < 0 || subject >= c.n {
		return false
	}
	k, ok := c.place[r.rule]
	return ok && bitAt(c.of(subject), k)
}

// Count returns for how many subjects a rule fires as of the last evening.
func (c *Calendar[F]) Count(rule string) int {
	if r := c.set.byName[rule]; r != nil {
		if k, ok := c.place[r.rule]; ok {
			return c.counts[k]
		}
	}
	return 0
}

// dueBatch is how many subjects are read at a time.
const dueBatch = 64

// Evening brings the calendar to a later moment. read sets facts[i] to the
// facts of subjects[i] as of then; it is called for a few dozen at a time, so
// that every subject who is due is asked for once, in the order of the numbers.
// visit, which may be nil, gets the firings of the rules that were asked for a
// subject, if there are any: those of everybody else are as they were, and Plan
// makes nothing new of what was planned already. After an error the calendar
// stays as of the last evening for who was not reached yet; call Evening again.
func (c *Calendar[F]) Evening(ctx context.Context, m *Moment, read func(ctx context.Context, subjects []int, facts []*F) error, visit func(subject int, f *F, firings []Firing) error) (EveningStats, error) {
	var stats EveningStats
	switch {
	case m.zone.String() != c.m.zone.String():
		return stats, ErrZone
	case m.today < c.m.today:
		return stats, fmt.Errorf("rules: the evening of %s has been, this is %s", c.m.Date(), m.Date())
	}
	all := slices.ContainsFunc(c.global, func(d int64) bool { return d > c.m.today && d <= m.today })
	c.due(m)
	var subjects [dueBatch]int
	var facts [dueBatch]*F
	pairs := c.pairs
	n := 0
	batch := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := read(ctx, subjects[:n], facts[:n]); err != nil {
			return fmt.Errorf("subjects %d to %d: %w", subjects[0], subjects[n-1], err)
		}
		for i, f := range facts[:n] {
			if f == nil {
				return fmt.Errorf("subject %d: no facts were read", subjects[i])
			}
		}
		c.touch(facts[:n])
		for k, i := range subjects[:n] {
			stats.Due++
			var err error
			if bitAt(c.changed, i) || all {
				err = c.whole(i, facts[k], m, &stats)
			} else {
				err = c.some(i, facts[k], m, c.asked(pairs, i), &stats)
			}
			if err == nil && visit != nil && len(c.firings) > 0 {
				err = visit(i, facts[k], c.firings)
			}
			if err != nil {
				return err
			}
			for len(pairs) > 0 && pairs[0]>>32 <= uint64(i) {
				pairs = pairs[1:]
			}
		}
		n = 0
		return nil
	}
	next := pairs
	for w := range c.changed {
		todo := c.changed[w]
		if all || len(c.daily) > 0 && m.today > c.m.today {
			todo = ^uint64(0)
			if w == len(c.changed)-1 && c.n&63 != 0 {
				todo = 1<<(c.n&63) - 1
			}
		}
		for ; len(next) > 0 && next[0]>>38 == uint64(w); next = next[1:] {
			todo |= 1 << (next[0] >> 32 & 63)
		}
		for ; todo != 0; todo &= todo - 1 {
			subjects[n] = w<<6 | bits.TrailingZeros64(todo)
			if n++; n == dueBatch {
				if err := batch(); err != nil {
					return stats, err
				}
			}
		}
	}
	if n > 0 {
		if err := batch(); err != nil {
			return stats, err
		}
	}
	stats.Changed = countBits(c.changed)
	clear(c.changed)
	c.m = m
	c.drop()
	return stats, nil
}

// asked returns the rules that may have changed for a subject, whose flips are
// the first of pairs.
func (c *Calendar[F]) asked(pairs []uint64, subject int) []int32 {
	n := 0
	for n < len(pairs) && pairs[n]>>32 == uint64(subject) {
		n++
	}
	if n == 1 && len(c.daily) == 0 {
		return c.flips[uint32(pairs[0])].spread
	}
	c.rules = append(c.rules[:0], c.daily...)
	for _, p := range pairs[:n] {
		c.rules = append(c.rules, c.flips[uint32(p)].spread...)
	}
	slices.Sort(c.rules)
	c.rules = slices.Compact(c.rules)
	return c.rules
}

// touch reads what the rules will read of many subjects, so that the processor
// waits for the memory of all of them at once and not for one after the other.
func (c *Calendar[F]) touch(facts []*F) {
	sum := byte(0)
	for _, f := range facts {
		for _, off := range c.lines {
			sum += *(*byte)(unsafe.Add(unsafe.Pointer(f), off))
		}
	}
	for _, f := range facts {
		for _, off := range c.rowsAt {
			if s := (*sliceHeader)(unsafe.Add(unsafe.Pointer(f), off)); s.len > 0 {
				sum += *(*byte)(s.data)
			}
		}
	}
	c.touched = sum
}

// layout finds out which parts of the memory of the facts rules read.
func (c *Calendar[F]) layout() {
	used := map[*field]bool{}
	for _, r := range c.set.evening {
		r.simple.walk(func(t *term) {
			if t.field != nil {
				used[t.field] = true
			}
		})
	}
	for _, f := range c.set.schema.s.root.order {
		if !used[f] {
			continue
		}
		if line := f.offset &^ 63; !slices.Contains(c.lines, line) {
			c.lines = append(c.lines, line)
		}
		if f.typ.Kind() == reflect.Slice {
			c.rowsAt = append(c.rowsAt, f.offset)
		}
	}
}

// whole asks every rule for a subject and takes his days into the indexes.
func (c *Calendar[F]) whole(i int, f *F, m *Moment, stats *EveningStats) error {
	var err error
	if c.firings, err = c.set.Evening(c.firings[:0], f, m); err != nil {
		return fmt.Errorf("subject %d: %w", i, err)
	}
	fires := make([]uint64, 0, 32)
	for range c.words {
		fires = append(fires, 0)
	}
	for _, x := range c.firings {
		setBit(fires, c.place[x.Rule])
	}
	old := c.of(i)
	for w := range old {
		for diff := old[w] ^ fires[w]; diff != 0; diff &= diff - 1 {
			k := w<<6 | bits.TrailingZeros64(diff)
			c.note(k, bitAt(fires, k), stats)
		}
		old[w] = fires[w]
	}
	if bitAt(c.changed, i) {
		c.age[i]++
		for _, x := range c.indexes {
			x.each(unsafe.Pointer(f), m, func(a int64) {
				x.add(a, laterEntry{int32(i), c.age[i]})
			})
		}
	}
	return nil
}

// some asks the rules that may have changed.
func (c *Calendar[F]) some(i int, f *F, m *Moment, rules []int32, stats *EveningStats) error {
	e, err := c.set.env(f, m)
	if err != nil {
		return fmt.Errorf("subject %d: %w", i, err)
	}
	c.firings = c.firings[:0]
	old, decided := c.of(i), uint64(0)
	for _, k := range rules {
		r, before := c.set.evening[k], len(c.firings)
		if r.matches(e) {
			c.firings = r.fire(c.firings, e, &decided)
		}
		if now := len(c.firings) > before; now != bitAt(old, int(k)) {
			old[k>>6] ^= 1 << (k & 63)
			c.note(int(k), now, stats)
		}
	}
	return nil
}

func (c *Calendar[F]) note(rule int, now bool, stats *EveningStats) {
	if now {
		c.counts[rule]++
		stats.Entered++
	} else {
		c.counts[rule]--
		stats.Left++
	}
}
