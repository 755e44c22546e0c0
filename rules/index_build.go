package rules

import (
	"math"
	"slices"
)

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
