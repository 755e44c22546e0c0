package rules

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
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
}

// dayIndex knows which subjects have which anchor in one field: the day on
// which the field is, was or will be 0.
type dayIndex struct {
	path  []*field // rows of rows that lead to the field
	field *field
	value intFn // of the row
	null  boolFn
	// The subjects as they were loaded, ordered by anchor: those of anchor a
	// are who[first[a-low]:first[a-low+1]].
	low   int64
	first []int32
	who   []int32
	later map[int64][]laterEntry // those that changed, and outliers
}

type laterEntry struct {
	subject int32
	age     uint32
}

// flip says on which day, seen from the anchor, a comparison changes.
type flip struct {
	index  int // of indexes
	key    int64
	kind   flipKind
	term   *term // of anniversaries
	rules  []int32
	spread []int32 // rules and those of their groups
}

type flipKind uint8

const (
	flipSince    flipKind = iota // on the day anchor + key
	flipUntil                    // on the day anchor - key
	flipYearly                   // on days that are anchor - key, but for whole years of 365 days
	flipCalendar                 // when the answer for the anchor's month and day changes
)

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
	anchors := make([][]uint64, len(c.indexes)) // anchor and subject
	for f := range facts {
		if err := c.add(f, anchors); err != nil {
			return nil, err
		}
	}
	for i, x := range c.indexes {
		x.load(anchors[i], m.today)
	}
	return c, nil
}

// nearDays is how far from today anchors are kept in a table.
const nearDays = 1 << 15

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
			if anchors != nil && a >= c.m.today-nearDays && a < c.m.today+nearDays {
				anchors[k] = append(anchors[k], uint64(a-c.m.today+nearDays)<<32|uint64(i))
			} else {
				x.later[a] = append(x.later[a], laterEntry{int32(i), 0})
			}
		})
	}
	return nil
}

// of returns the bits of a subject.
func (c *Calendar[F]) of(subject int) []uint64 {
	return c.fires[subject*c.words : (subject+1)*c.words]
}

// load orders subjects by anchor.
func (x *dayIndex) load(anchors []uint64, today int64) {
	x.low = today - nearDays
	x.first = make([]int32, 2*nearDays+1)
	for _, a := range anchors {
		x.first[a>>32+1]++
	}
	for i := 1; i < len(x.first); i++ {
		x.first[i] += x.first[i-1]
	}
	next := slices.Clone(x.first)
	x.who = make([]int32, len(anchors))
	for _, a := range anchors {
		x.who[next[a>>32]] = int32(uint32(a))
		next[a>>32]++
	}
}

// each calls fn with the anchors of one subject.
func (x *dayIndex) each(facts unsafe.Pointer, m *Moment, fn func(int64)) {
	x.down(facts, x.path, m, fn)
}

func (x *dayIndex) down(p unsafe.Pointer, path []*field, m *Moment, fn func(int64)) {
	if len(path) > 0 {
		s := (*sliceHeader)(unsafe.Add(p, path[0].offset))
		for i := range s.len {
			x.down(unsafe.Add(s.data, uintptr(i)*path[0].row.size), path[1:], m, fn)
		}
		return
	}
	e := env{facts: p, m: m}
	if x.null != nil && x.null(e) {
		return
	}
	n := x.value(e)
	switch x.field.ages {
	case since:
		n = subtract(m.today, n)
	case until:
		n = add(m.today, n)
	case yearly:
		if n < 0 || n >= yearDays {
			return
		}
		n = modYear(m.today + n)
	}
	fn(n)
}

// collect finds what of the rules depends on the day.
func (c *Calendar[F]) collect() {
	daily := map[int32]bool{}
	for i, r := range c.set.evening {
		w := flipFinder{root: c.set.schema.s.root, rule: int32(i), flip: c.flip, everybody: func(day int64) { c.global = append(c.global, day) }}
		w.find(r.simple)
		if w.wild {
			daily[int32(i)] = true
		}
		for _, d := range []int64{r.from, add(r.to, 1)} {
			if d > farPast && d <= farFuture {
				c.global = append(c.global, d)
			}
		}
	}
	for i := range c.flips {
		c.flips[i].spread = c.withGroups(c.flips[i].rules)
	}
	var list []int32
	for r := range daily {
		list = append(list, r)
	}
	c.daily = c.withGroups(list)
}

// withGroups adds the rules that share a group, of which at most one fires.
func (c *Calendar[F]) withGroups(rules []int32) []int32 {
	out := slices.Clone(rules)
	for _, i := range rules {
		r := c.set.evening[i]
		if r.group < 0 || r.mode != First && r.mode != Exclusive {
			continue
		}
		for k, o := range c.set.evening {
			if o.group == r.group {
				out = append(out, int32(k))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// flip takes note that a comparison of a rule changes key days from the anchor.
func (c *Calendar[F]) flip(path []*field, f *field, kind flipKind, key int64, t *term, rule int32) {
	index := slices.IndexFunc(c.indexes, func(x *dayIndex) bool { return x.field == f })
	if index < 0 {
		index = len(c.indexes)
		value := fieldTerm(f, ofFacts, 0)
		x := &dayIndex{path: path, field: f, null: nullFn(value), later: map[int64][]laterEntry{}}
		if f.kind == Time {
			value = toDay(value)
		}
		x.value = compileInt(value)
		c.indexes = append(c.indexes, x)
	}
	for i := range c.flips {
		x := &c.flips[i]
		if x.index == index && x.kind == kind && x.key == key && (t == nil) == (x.term == nil) && (t == nil || t.canonical() == x.term.canonical()) {
			if !slices.Contains(x.rules, rule) {
				x.rules = append(x.rules, rule)
			}
			return
		}
	}
	c.flips = append(c.flips, flip{index: index, kind: kind, key: key, term: t, rules: []int32{rule}})
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

// Evening brings the calendar to a later moment. read returns the facts of a
// subject as of then; it is called once for everybody who is due, in the order
// of their numbers, and may return the same struct each time. visit, which may
// be nil, gets the firings of the rules that were asked for him, if there are
// any: those of everybody else are as they were, and Plan makes nothing new of
// what was planned already. After an error the calendar stays as of the last
// evening for who was not reached yet; call Evening again.
func (c *Calendar[F]) Evening(ctx context.Context, m *Moment, read func(subject int) (*F, error), visit func(subject int, f *F, firings []Firing) error) (EveningStats, error) {
	var stats EveningStats
	switch {
	case m.zone.String() != c.m.zone.String():
		return stats, ErrZone
	case m.today < c.m.today:
		return stats, fmt.Errorf("rules: the evening of %s has been, this is %s", c.m.Date(), m.Date())
	}
	everybody := len(c.daily) > 0 && m.today > c.m.today
	for _, d := range c.global {
		everybody = everybody || d > c.m.today && d <= m.today
	}
	all := slices.ContainsFunc(c.global, func(d int64) bool { return d > c.m.today && d <= m.today })
	c.due(m)
	pairs, k := c.pairs, 0
	var rules []int32
	one := func(i int, whole bool) error {
		if stats.Due&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f, err := read(i)
		if err != nil {
			return fmt.Errorf("subject %d: %w", i, err)
		}
		stats.Due++
		if whole {
			err = c.whole(i, f, m, &stats)
		} else {
			err = c.some(i, f, m, rules, &stats)
		}
		if err == nil && visit != nil && len(c.firings) > 0 {
			err = visit(i, f, c.firings)
		}
		return err
	}
	for w := range c.changed {
		todo := c.changed[w]
		if everybody {
			todo = ^uint64(0)
			if w == len(c.changed)-1 && c.n&63 != 0 {
				todo = 1<<(c.n&63) - 1
			}
		}
		for j := k; j < len(pairs) && pairs[j]>>38 == uint64(w); j++ {
			todo |= 1 << (pairs[j] >> 32 & 63)
		}
		for ; todo != 0; todo &= todo - 1 {
			i := w<<6 | bits.TrailingZeros64(todo)
			rules = append(rules[:0], c.daily...)
			n := 0
			for ; k < len(pairs) && pairs[k]>>32 == uint64(i); k++ {
				if n == 0 || pairs[k] != pairs[k-1] {
					rules = append(rules, c.flips[uint32(pairs[k])].spread...)
					n++
				}
			}
			if n > 1 || len(c.daily) > 0 {
				slices.Sort(rules)
				rules = slices.Compact(rules)
			}
			changed := bitAt(c.changed, i)
			if err := one(i, changed || all); err != nil {
				return stats, err
			}
			if changed {
				stats.Changed++
			}
		}
	}
	clear(c.changed)
	c.m = m
	c.drop()
	return stats, nil
}

// due collects, ordered by subject, who is due and because of which flip.
func (c *Calendar[F]) due(m *Moment) {
	c.pairs = c.pairs[:0]
	for i := range c.flips {
		f := &c.flips[i]
		x := c.indexes[f.index]
		if f.kind == flipCalendar {
			x.calendar(c, f, i, m)
			continue
		}
		for day := c.m.today + 1; day <= m.today; day++ {
			switch f.kind {
			case flipSince:
				x.take(c, subtract(day, f.key), i)
			case flipUntil:
				x.take(c, add(day, f.key), i)
			case flipYearly:
				x.take(c, modYear(add(day, f.key)), i)
			}
		}
	}
	c.sort()
}

// take adds the subjects of an anchor.
func (x *dayIndex) take(c interface{ push(int32, uint32, int) }, a int64, flip int) {
	if k := a - x.low; k >= 0 && k < int64(len(x.first)-1) {
		for _, who := range x.who[x.first[k]:x.first[k+1]] {
			c.push(who, 0, flip)
		}
	}
	for _, l := range x.later[a] {
		c.push(l.subject, l.age, flip)
	}
}

// calendar adds the subjects whose month and day get another answer.
func (x *dayIndex) calendar(c interface {
	push(int32, uint32, int)
	last() *Moment
}, f *flip, flip int, m *Moment) {
	before := c.last()
	flips := map[int64]bool{}
	answer := func(code, today int64) bool {
		n := anniversary(today, fromCivil(2000, code>>5, code&31))
		return f.term.num <= n && n <= f.term.high()
	}
	for month := int64(1); month <= 12; month++ {
		for day := int64(1); day <= 31; day++ {
			code := month<<5 | day
			flips[code] = answer(code, before.today) != answer(code, m.today)
		}
	}
	code := func(a int64) int64 {
		_, month, day := civil(a)
		return month<<5 | day
	}
	for k := range len(x.first) - 1 {
		if x.first[k] < x.first[k+1] && flips[code(x.low+int64(k))] {
			for _, who := range x.who[x.first[k]:x.first[k+1]] {
				c.push(who, 0, flip)
			}
		}
	}
	for a, list := range x.later {
		if flips[code(a)] {
			for _, l := range list {
				c.push(l.subject, l.age, flip)
			}
		}
	}
}

func (c *Calendar[F]) last() *Moment { return c.m }

func (c *Calendar[F]) push(subject int32, age uint32, flip int) {
	if c.age[subject] == age {
		c.pairs = append(c.pairs, uint64(subject)<<32|uint64(flip))
	}
}

// sort orders the pairs by subject, then flip: by their digits.
func (c *Calendar[F]) sort() {
	if len(c.pairs) < 2000 || c.n > 1<<22 {
		slices.Sort(c.pairs)
		return
	}
	c.spare = slices.Grow(c.spare[:0], len(c.pairs))[:len(c.pairs)]
	for _, shift := range []int{32, 43} { // flips are in order already
		var next [1 << 11]int
		for _, p := range c.pairs {
			next[p>>shift&(1<<11-1)]++
		}
		sum := 0
		for i, n := range next {
			next[i], sum = sum, sum+n
		}
		for _, p := range c.pairs {
			d := p >> shift & (1<<11 - 1)
			c.spare[next[d]] = p
			next[d]++
		}
		c.pairs, c.spare = c.spare, c.pairs
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
				x.later[a] = append(x.later[a], laterEntry{int32(i), c.age[i]})
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

// drop forgets entries that have been replaced, once they are many.
func (c *Calendar[F]) drop() {
	for _, x := range c.indexes {
		n := 0
		for _, list := range x.later {
			n += len(list)
		}
		if n < c.n/4+1024 {
			continue
		}
		for a, list := range x.later {
			list = slices.DeleteFunc(list, func(l laterEntry) bool { return c.age[l.subject] != l.age })
			if len(list) == 0 {
				delete(x.later, a)
			} else {
				x.later[a] = list
			}
		}
	}
}
