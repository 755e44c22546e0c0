package rules

import (
	"slices"
	"unsafe"
)

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
