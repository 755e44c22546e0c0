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

// dayIndex knows which subjects have which anchor in one field: the day on
// which the field is, was or will be 0.
type dayIndex struct {
	flipIndex
	key   string // of only
	value intFn  // of the row
	null  boolFn
	test  boolFn // only
	// The subjects as they were loaded, ordered by anchor: those of anchor a
	// are who[first[a-low]:first[a-low+1]].
	low   int64
	first []int32
	who   []int32
	later [][]laterEntry         // those that changed, by a-low
	far   map[int64][]laterEntry // those whose anchor is in no table
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

// load orders subjects by anchor.
func (x *dayIndex) load(anchors []uint64) {
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
	if len(x.path) == 0 && x.test != nil && !x.test(env{facts: facts, m: m}) {
		return
	}
	x.down(facts, facts, x.path, m, fn)
}

func (x *dayIndex) down(facts, p unsafe.Pointer, path []*field, m *Moment, fn func(int64)) {
	if len(path) > 0 {
		s := (*sliceHeader)(unsafe.Add(p, path[0].offset))
		for i := range s.len {
			x.down(facts, unsafe.Add(s.data, uintptr(i)*path[0].row.size), path[1:], m, fn)
		}
		return
	}
	if len(x.path) > 0 && x.test != nil && !x.test(env{facts: facts, row: p, item: p, m: m}) {
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
		w.findIn(r.conjuncts())
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

// index returns the place of an index, making it if need be. Very many rules
// share those that are of everybody.
func (c *Calendar[F]) index(of flipIndex) int {
	key := ""
	if of.only != nil {
		key = of.only.canonical()
	}
	same := func(x *dayIndex) bool { return x.field == of.field && x.key == key }
	if i := slices.IndexFunc(c.indexes, same); i >= 0 {
		return i
	}
	if len(c.indexes) >= maxIndexes && key != "" {
		of.only = nil
		return c.index(of)
	}
	value := fieldTerm(of.field, ofFacts, 0)
	x := &dayIndex{flipIndex: of, key: key, null: nullFn(value), low: c.m.today - nearDays, later: make([][]laterEntry, 2*nearDays), far: map[int64][]laterEntry{}}
	if of.only != nil {
		x.test = compileBool(of.only)
	}
	if of.field.kind == Time {
		value = toDay(value)
	}
	x.value = compileInt(value)
	c.indexes = append(c.indexes, x)
	return len(c.indexes) - 1
}

// flip takes note that a comparison of a rule changes key days from the anchor.
func (c *Calendar[F]) flip(of flipIndex, kind flipKind, key int64, t *term, rule int32) {
	index := c.index(of)
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

// due collects, ordered by subject, who is due and because of which flip.
func (c *Calendar[F]) due(m *Moment) {
	c.pairs = c.pairs[:0]
	for i := range c.flips {
		f := &c.flips[i]
		x := c.indexes[f.index]
		if f.kind == flipCalendar {
			c.calendar(x, f.term, i, m)
			continue
		}
		for day := c.m.today + 1; day <= m.today; day++ {
			switch f.kind {
			case flipSince:
				c.take(x, subtract(day, f.key), i)
			case flipUntil:
				c.take(x, add(day, f.key), i)
			case flipYearly:
				c.take(x, modYear(add(day, f.key)), i)
			}
		}
	}
	c.sort()
}

func (x *dayIndex) add(a int64, l laterEntry) {
	if k := a - x.low; k >= 0 && k < 2*nearDays {
		x.later[k] = append(x.later[k], l)
	} else {
		x.far[a] = append(x.far[a], l)
	}
}

// take adds the subjects of an anchor.
func (c *Calendar[F]) take(x *dayIndex, a int64, flip int) {
	k := a - x.low
	if k < 0 || k >= 2*nearDays {
		c.push(x.far[a], flip)
		return
	}
	for _, who := range x.who[x.first[k]:x.first[k+1]] {
		if c.age[who] == 0 {
			c.pairs = append(c.pairs, uint64(who)<<32|uint64(flip))
		}
	}
	c.push(x.later[k], flip)
}

// calendar adds the subjects whose month and day get another answer.
func (c *Calendar[F]) calendar(x *dayIndex, t *term, flip int, m *Moment) {
	var flips [13 << 5]bool
	answer := func(code, today int64) bool {
		n := anniversary(today, fromCivil(2000, code>>5, code&31))
		return t.num <= n && n <= t.high()
	}
	for month := int64(1); month <= 12; month++ {
		for day := int64(1); day <= 31; day++ {
			code := month<<5 | day
			flips[code] = answer(code, c.m.today) != answer(code, m.today)
		}
	}
	for k := range int64(2 * nearDays) {
		_, month, day := civil(x.low + k)
		if flips[month<<5|day] {
			c.take(x, x.low+k, flip)
		}
	}
	for a, list := range x.far {
		if _, month, day := civil(a); flips[month<<5|day] {
			c.push(list, flip)
		}
	}
}

// push adds those that have not changed since.
func (c *Calendar[F]) push(list []laterEntry, flip int) {
	for _, l := range list {
		if c.age[l.subject] == l.age {
			c.pairs = append(c.pairs, uint64(l.subject)<<32|uint64(flip))
		}
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

// drop forgets entries that have been replaced, once they are many.
func (c *Calendar[F]) drop() {
	stale := func(l laterEntry) bool { return c.age[l.subject] != l.age }
	for _, x := range c.indexes {
		n := 0
		for _, list := range x.later {
			n += len(list)
		}
		if n < c.n/4+1024 {
			continue
		}
		for k, list := range x.later {
			x.later[k] = slices.DeleteFunc(list, stale)
		}
		for a, list := range x.far {
			x.far[a] = slices.DeleteFunc(list, stale)
		}
	}
}
