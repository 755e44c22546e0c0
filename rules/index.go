package rules

import (
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"
)

// ruleIndex finds the rules that one subject matches without asking each of
// them. For every field that conjuncts of rules compare with constants it
// knows, by value, the bitmap of the rules that the field does not rule out;
// the intersection over all fields leaves few candidates, of which only the
// other conjuncts are tested, each distinct one once. The idea is that of
// access predicates (F. Fabret et al., "Filtering algorithms and implementation
// for very fast publish/subscribe systems", SIGMOD 2001), with all conjuncts at
// once where they register a rule under one.
type ruleIndex struct {
	rules  []*compiled
	words  int
	fields []fieldIndex
	tags   []tagIndex
	tests  []boolFn  // what no field can decide
	todo   [][]int32 // by rule: which tests
	pool   sync.Pool // of *indexScratch
}

// fieldIndex returns the bitmap of the rules that the value of a field allows.
type fieldIndex func(env) []uint64

// tagIndex is that of a field of tags.
type tagIndex struct {
	offset   uintptr
	interned bool
	need     []uint64 // rules that need a tag
	byID     []*tagRules
	byName   map[string]*tagRules
}

// tagRules says which rules need a tag and which must not see it.
type tagRules struct{ wants, against ruleSet }

// ruleSet is a set of rules: a list if they are few.
type ruleSet struct {
	list []int32
	bits []uint64
}

type indexScratch struct {
	left  []uint64 // candidates
	found []uint64 // rules that need a tag and have it
	memo  []uint32 // by test: the number of the run, and the answer in the lowest bit
	run   uint32
}

const (
	// indexFrom is how many rules a list must have to be worth an index.
	indexFrom = 24
	// maxIndexWords bounds the bitmaps of one field; a field with more distinct
	// constants than that allows is tested rule by rule.
	maxIndexWords = 1 << 20
)

// buildIndexes makes the indexes of the lists of rules that are run for one
// subject.
func (s *Set[F]) buildIndexes() {
	s.indexes = map[**compiled]*ruleIndex{}
	add := func(rules []*compiled) {
		if len(rules) >= indexFrom {
			s.indexes[unsafe.SliceData(rules)] = newRuleIndex(rules)
		}
	}
	add(s.evening)
	for _, rules := range s.events {
		add(rules)
	}
}

func newRuleIndex(rules []*compiled) *ruleIndex {
	x := &ruleIndex{rules: rules, words: wordsOf(len(rules)), todo: make([][]int32, len(rules))}
	b := indexBuilder{x: x, ints: map[string]*intTests{}, texts: map[*field]*textTests{}, bools: map[*field]*boolTests{}, tags: map[*field]*tagTests{}, tests: map[string]int32{}}
	for i, r := range rules {
		for _, k := range r.conjuncts() {
			if !k.readsRow() && !b.take(int32(i), k) {
				b.residual(int32(i), k)
			}
		}
	}
	b.finish()
	x.pool.New = func() any {
		return &indexScratch{left: make([]uint64, x.words), found: make([]uint64, x.words), memo: make([]uint32, len(x.tests))}
	}
	return x
}

// conjuncts returns what must all hold for a rule.
func (out *compiled) conjuncts() []*term {
	if out.simple.op == opAnd {
		return out.simple.kids
	}
	return []*term{out.simple}
}

// run appends the firings of all rules for one subject, in their order.
func (x *ruleIndex) run(dst []Firing, e env) []Firing {
	s := x.pool.Get().(*indexScratch)
	left := s.left
	fill(left, len(x.rules))
	for _, f := range x.fields {
		mask := f(e)[:len(left)]
		for i := range left {
			left[i] &= mask[i]
		}
	}
	for i := range x.tags {
		x.tags[i].narrow(left, s.found, e)
	}
	s.run += 2
	if s.run == 0 { // once in two thousand million runs
		clear(s.memo)
		s.run = 2
	}
	var decided uint64
	for w, word := range left {
		for ; word != 0; word &= word - 1 {
			i := w<<6 | bits.TrailingZeros64(word)
			if x.pass(s, i, e) {
				dst = x.rules[i].fire(dst, e, &decided)
			}
		}
	}
	x.pool.Put(s)
	return dst
}

// pass makes the tests of a rule that no field has decided.
func (x *ruleIndex) pass(s *indexScratch, rule int, e env) bool {
	for _, t := range x.todo[rule] {
		m := s.memo[t]
		if m&^1 != s.run {
			m = s.run
			if x.tests[t](e) {
				m |= 1
			}
			s.memo[t] = m
		}
		if m&1 == 0 {
			return false
		}
	}
	return true
}

func (x *tagIndex) narrow(left, found []uint64, e env) {
	clear(found)
	at := unsafe.Add(e.facts, x.offset)
	see := func(t *tagRules) {
		if t != nil {
			t.wants.addTo(found)
			t.against.takeFrom(left)
		}
	}
	if x.interned {
		s := (*TagSet)(at)
		for low := s.low; low != 0; low &= low - 1 {
			if id := bits.TrailingZeros64(low); id < len(x.byID) {
				see(x.byID[id])
			}
		}
		for _, id := range s.more {
			if int(id) < len(x.byID) {
				see(x.byID[id])
			}
		}
	} else {
		for _, tag := range *(*[]string)(at) {
			see(x.byName[tag])
		}
	}
	need := x.need[:len(left)]
	found = found[:len(left)]
	for i := range left {
		left[i] &= found[i] | ^need[i]
	}
}

func (r *ruleSet) addTo(w []uint64) {
	for _, i := range r.list {
		w[i>>6] |= 1 << (i & 63)
	}
	for i, x := range r.bits {
		w[i] |= x
	}
}

func (r *ruleSet) takeFrom(w []uint64) {
	for _, i := range r.list {
		w[i>>6] &^= 1 << (i & 63)
	}
	for i, x := range r.bits {
		w[i] &^= x
	}
}

// indexBuilder collects what the conjuncts of all rules ask, by field.
type indexBuilder struct {
	x     *ruleIndex
	ints  map[string]*intTests
	texts map[*field]*textTests
	bools map[*field]*boolTests
	tags  map[*field]*tagTests
	tests map[string]int32
	order []func()
}

type intTests struct {
	value *term
	float bool
	rules map[int32][]span // by rule
	terms map[int32]*term
}

type textTests struct {
	rules map[int32][]string
	terms map[int32]*term
}

type boolTests struct{ yes, no []int32 }

type tagTests struct {
	need    map[int32]bool
	wants   map[string][]int32
	against map[string][]int32
	ids     map[string]uint32
}

func (b *indexBuilder) residual(rule int32, k *term) {
	key := k.canonical()
	t, ok := b.tests[key]
	if !ok {
		t = int32(len(b.x.tests))
		b.tests[key] = t
		b.x.tests = append(b.x.tests, compileBool(k))
	}
	b.x.todo[rule] = append(b.x.todo[rule], t)
}

// take registers a conjunct with the index of its field, if it has one.
func (b *indexBuilder) take(rule int32, k *term) bool {
	switch k.op {
	case opConst:
		return k.num != 0
	case opField:
		return b.boolean(rule, k, true)
	case opHas:
		return b.tag(rule, k, true)
	case opNot:
		switch in := k.kids[0]; in.op {
		case opField:
			return b.boolean(rule, in, false)
		case opHas:
			return b.tag(rule, in, false)
		}
	case opBetween:
		return b.integer(rule, k, k.kids[0], []span{{k.num, k.high()}})
	case opEq:
		if k.kids[0].op == opField && k.kids[0].kind == String && k.kids[1].isConst() {
			return b.text(rule, k, k.kids[0].field, []string{k.kids[1].str})
		}
	case opIn:
		f := k.kids[0]
		switch {
		case f.op == opField && f.kind == String:
			var values []string
			for _, c := range k.list {
				values = append(values, c.str)
			}
			return b.text(rule, k, f.field, values)
		case f.op == opField && f.kind == Int && len(k.list) <= 16:
			var spans []span
			for _, c := range k.list {
				spans = append(spans, span{c.num, c.num})
			}
			return b.integer(rule, k, f, spans)
		}
	}
	return b.float(rule, k)
}

func (b *indexBuilder) boolean(rule int32, k *term, yes bool) bool {
	t := b.bools[k.field]
	if t == nil {
		t = &boolTests{}
		b.bools[k.field] = t
		b.order = append(b.order, func() { b.finishBool(k, t) })
	}
	if yes {
		t.yes = append(t.yes, rule)
	} else {
		t.no = append(t.no, rule)
	}
	return true
}

func (b *indexBuilder) tag(rule int32, k *term, has bool) bool {
	f := k.kids[0].field
	t := b.tags[f]
	if t == nil {
		t = &tagTests{need: map[int32]bool{}, wants: map[string][]int32{}, against: map[string][]int32{}, ids: map[string]uint32{}}
		b.tags[f] = t
		b.order = append(b.order, func() { b.finishTags(f, t) })
	}
	t.ids[k.str] = uint32(k.num)
	switch {
	case !has:
		t.against[k.str] = append(t.against[k.str], rule)
	case t.need[rule]:
		return false // one tag brings the rule in, a second is tested
	default:
		t.need[rule] = true
		t.wants[k.str] = append(t.wants[k.str], rule)
	}
	return true
}

func (b *indexBuilder) text(rule int32, k *term, f *field, values []string) bool {
	t := b.texts[f]
	if t == nil {
		t = &textTests{rules: map[int32][]string{}, terms: map[int32]*term{}}
		b.texts[f] = t
		b.order = append(b.order, func() { b.finishText(f, t) })
	}
	if t.terms[rule] != nil {
		return false
	}
	t.rules[rule], t.terms[rule] = values, k
	return true
}

// integer registers spans of a field, or of the days since or until one.
func (b *indexBuilder) integer(rule int32, k, value *term, spans []span) bool {
	days := value.op == opSub && value.kids[0].kind == day
	if value.op != opField && !days {
		return false
	}
	return b.spans(rule, k, value, spans, false)
}

func (b *indexBuilder) spans(rule int32, k, value *term, spans []span, float bool) bool {
	key := value.String()
	t := b.ints[key]
	if t == nil {
		t = &intTests{value: value, float: float, rules: map[int32][]span{}, terms: map[int32]*term{}}
		b.ints[key] = t
		b.order = append(b.order, func() { b.finishInt(t) })
	}
	if t.terms[rule] != nil {
		return false
	}
	t.rules[rule], t.terms[rule] = spans, k
	return true
}

// float registers the comparison of a float field with a constant. Floats are
// indexed by integers that have the same order.
func (b *indexBuilder) float(rule int32, k *term) bool {
	if k.op < opEq || k.op > opGe || k.kids[0].kind != Float {
		return false
	}
	a, c, o := k.kids[0], k.kids[1], k.op
	if a.isConst() {
		a, c, o = c, a, mirrored[o]
	}
	if !c.isConst() || a.op != opField || math.IsNaN(c.flo) {
		return false
	}
	n, least, most := ordinal(c.flo), ordinal(math.Inf(-1)), ordinal(math.Inf(1))
	s := span{n, n}
	switch o {
	case opNe:
		return false
	case opLt:
		s = span{least, n - 1}
	case opLe:
		s = span{least, n}
	case opGt:
		s = span{n + 1, most}
	case opGe:
		s = span{n, most}
	}
	return b.spans(rule, k, a, []span{s}, true)
}

// ordinal maps floats to integers of the same order; both zeros are one. NaN
// lies outside of the infinities.
func ordinal(f float64) int64 {
	n := int64(math.Float64bits(f + 0))
	if f == 0 {
		return 0
	}
	if n < 0 {
		return math.MinInt64 - n
	}
	return n
}

// free returns the bitmap of the rules that say nothing about a field.
func (b *indexBuilder) free(asks func(rule int32) bool) []uint64 {
	w := make([]uint64, b.x.words)
	for i := range b.x.rules {
		if !asks(int32(i)) {
			setBit(w, i)
		}
	}
	return w
}

func (b *indexBuilder) finish() {
	for _, fn := range b.order {
		fn()
	}
}

func (b *indexBuilder) finishBool(k *term, t *boolTests) {
	asks := map[int32]bool{}
	for _, r := range append(slices.Clone(t.yes), t.no...) {
		asks[r] = true
	}
	yes, no := b.free(func(r int32) bool { return asks[r] }), b.free(func(r int32) bool { return asks[r] })
	for _, r := range t.yes {
		setBit(yes, int(r))
	}
	for _, r := range t.no {
		setBit(no, int(r))
	}
	test := compileBool(k)
	b.x.fields = append(b.x.fields, func(e env) []uint64 {
		if test(e) {
			return yes
		}
		return no
	})
}

func (b *indexBuilder) finishText(f *field, t *textTests) {
	free := b.free(func(r int32) bool { return t.terms[r] != nil })
	byValue := map[string][]uint64{}
	words := 0
	for r, values := range t.rules {
		for _, v := range values {
			m := byValue[v]
			if m == nil {
				m = slices.Clone(free)
				byValue[v] = m
				words += len(m)
			}
			setBit(m, int(r))
		}
	}
	if words > maxIndexWords {
		b.leave(t.terms)
		return
	}
	text := compileString(fieldTerm(f, ofFacts, 0))
	isNull := nullFn(fieldTerm(f, ofFacts, 0))
	b.x.fields = append(b.x.fields, func(e env) []uint64 {
		if isNull != nil && isNull(e) {
			return free
		}
		if m, ok := byValue[text(e)]; ok {
			return m
		}
		return free
	})
}

// leave tests the conjuncts of a field rule by rule.
func (b *indexBuilder) leave(terms map[int32]*term) {
	for r := range b.x.rules {
		if k := terms[int32(r)]; k != nil {
			b.residual(int32(r), k)
		}
	}
}

func (b *indexBuilder) finishInt(t *intTests) {
	var cuts []int64 // where a piece of the line begins
	for _, spans := range t.rules {
		for _, s := range spans {
			cuts = append(cuts, s.lo)
			if s.hi < math.MaxInt64 {
				cuts = append(cuts, s.hi+1)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	if (len(cuts)+1)*b.x.words > maxIndexWords {
		b.leave(t.terms)
		return
	}
	words := b.x.words
	free := b.free(func(r int32) bool { return t.terms[r] != nil })
	masks := make([]uint64, 0, (len(cuts)+1)*words) // piece 0 lies before the first cut
	for range len(cuts) + 1 {
		masks = append(masks, free...)
	}
	for r, spans := range t.rules {
		for _, s := range spans {
			i, _ := slices.BinarySearch(cuts, s.lo)
			for ; i < len(cuts) && cuts[i] <= s.hi; i++ {
				setBit(masks[(i+1)*words:], int(r))
			}
		}
	}
	value := compileInt(t.value)
	if t.float {
		f := compileFloat(t.value)
		value = func(e env) int64 { return ordinal(f(e)) }
	}
	isNull := nullFn(t.value)
	piece := pieceOf(cuts)
	b.x.fields = append(b.x.fields, func(e env) []uint64 {
		if isNull != nil && isNull(e) {
			return free
		}
		i := piece(value(e)) * words
		return masks[i : i+words]
	})
}

// pieceOf returns the function that tells how many cuts are not above a value:
// by a table if they lie close together.
func pieceOf(cuts []int64) func(int64) int {
	first, last := cuts[0], cuts[len(cuts)-1]
	if span := uint64(last) - uint64(first); span < 1<<13 {
		table := make([]int32, span+1)
		for v, i := first, 0; ; v++ {
			for i < len(cuts) && cuts[i] <= v {
				i++
			}
			table[v-first] = int32(i)
			if v == last {
				break
			}
		}
		return func(v int64) int {
			switch {
			case v < first:
				return 0
			case v >= last:
				return len(cuts)
			}
			return int(table[v-first])
		}
	}
	return func(v int64) int {
		lo, hi := 0, len(cuts)
		for lo < hi {
			if mid := int(uint(lo+hi) >> 1); cuts[mid] <= v {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
}

func (b *indexBuilder) finishTags(f *field, t *tagTests) {
	x := tagIndex{offset: f.offset, interned: f.interned, need: make([]uint64, b.x.words), byName: map[string]*tagRules{}}
	for r := range t.need {
		setBit(x.need, int(r))
	}
	for tag, id := range t.ids {
		rules := &tagRules{wants: b.ruleSet(t.wants[tag]), against: b.ruleSet(t.against[tag])}
		x.byName[tag] = rules
		if f.interned {
			for len(x.byID) <= int(id) {
				x.byID = append(x.byID, nil)
			}
			x.byID[id] = rules
		}
	}
	b.x.tags = append(b.x.tags, x)
}

func (b *indexBuilder) ruleSet(list []int32) (s ruleSet) {
	if len(list) <= b.x.words {
		s.list = list
		return s
	}
	s.bits = make([]uint64, b.x.words)
	for _, r := range list {
		setBit(s.bits, int(r))
	}
	return s
}
