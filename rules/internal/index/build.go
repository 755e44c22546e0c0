package index

import (
	"math"
	"slices"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// indexBuilder collects what the conjuncts of all rules ask, by field.
type indexBuilder struct {
	x     *Index
	ints  map[string]*intTests
	texts map[*ir.Field]*textTests
	bools map[*ir.Field]*boolTests
	tags  map[*ir.Field]*tagTests
	tests map[string]int32
	order []func()
}

// intTests is what rules ask of one integer: the spans in which it must lie.
type intTests struct {
	value *ir.Term
	float bool
	rules map[int32][]ir.Span // by rule
	terms map[int32]*ir.Term
}

// textTests is which texts rules ask one field for.
type textTests struct {
	rules map[int32][]string
	terms map[int32]*ir.Term
}

// boolTests is the rules that ask for a bool to be true, or false.
type boolTests struct{ yes, no []int32 }

// tagTests is which tags rules need and which they must not see.
type tagTests struct {
	need    map[int32]bool
	wants   map[string][]int32
	against map[string][]int32
	ids     map[string]uint32
}

// residual keeps a conjunct that no table answers as a closure, shared by all rules that
// have the same.
func (b *indexBuilder) residual(rule int32, k *ir.Term) {
	key := k.Canonical()
	t, ok := b.tests[key]
	if !ok {
		t = int32(len(b.x.tests))
		b.tests[key] = t
		b.x.tests = append(b.x.tests, closure.Bool(k))
	}
	b.x.todo[rule] = append(b.x.todo[rule], t)
}

// take registers a conjunct with the index of its field, if it has one.
func (b *indexBuilder) take(rule int32, k *ir.Term) bool {
	switch k.Op {
	case ir.OpConst:
		return k.Num != 0
	case ir.OpField:
		return b.boolean(rule, k, true)
	case ir.OpHas:
		return b.tag(rule, k, true)
	case ir.OpNot:
		switch in := k.Kids[0]; in.Op {
		case ir.OpField:
			return b.boolean(rule, in, false)
		case ir.OpHas:
			return b.tag(rule, in, false)
		}
	case ir.OpBetween:
		return b.integer(rule, k, k.Kids[0], []ir.Span{{Lo: k.Num, Hi: k.High()}})
	case ir.OpEq:
		if k.Kids[0].Op == ir.OpField && k.Kids[0].Kind == ir.String && k.Kids[1].IsConst() {
			return b.text(rule, k, k.Kids[0].Field, []string{k.Kids[1].Str})
		}
	case ir.OpIn:
		f := k.Kids[0]
		switch {
		case f.Op == ir.OpField && f.Kind == ir.String:
			var values []string
			for _, c := range k.List {
				values = append(values, c.Str)
			}
			return b.text(rule, k, f.Field, values)
		case f.Op == ir.OpField && f.Kind == ir.Int && len(k.List) <= 16:
			var spans []ir.Span
			for _, c := range k.List {
				spans = append(spans, ir.Span{Lo: c.Num, Hi: c.Num})
			}
			return b.integer(rule, k, f, spans)
		}
	}
	return b.float(rule, k)
}

func (b *indexBuilder) boolean(rule int32, k *ir.Term, yes bool) bool {
	t := b.bools[k.Field]
	if t == nil {
		t = &boolTests{}
		b.bools[k.Field] = t
		b.order = append(b.order, func() { b.finishBool(k, t) })
	}
	if yes {
		t.yes = append(t.yes, rule)
	} else {
		t.no = append(t.no, rule)
	}
	return true
}

func (b *indexBuilder) tag(rule int32, k *ir.Term, has bool) bool {
	f := k.Kids[0].Field
	t := b.tags[f]
	if t == nil {
		t = &tagTests{need: map[int32]bool{}, wants: map[string][]int32{}, against: map[string][]int32{}, ids: map[string]uint32{}}
		b.tags[f] = t
		b.order = append(b.order, func() { b.finishTags(f, t) })
	}
	t.ids[k.Str] = uint32(k.Num)
	switch {
	case !has:
		t.against[k.Str] = append(t.against[k.Str], rule)
	case t.need[rule]:
		return false // one tag brings the rule in, a second is tested
	default:
		t.need[rule] = true
		t.wants[k.Str] = append(t.wants[k.Str], rule)
	}
	return true
}

func (b *indexBuilder) text(rule int32, k *ir.Term, f *ir.Field, values []string) bool {
	t := b.texts[f]
	if t == nil {
		t = &textTests{rules: map[int32][]string{}, terms: map[int32]*ir.Term{}}
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
func (b *indexBuilder) integer(rule int32, k, value *ir.Term, spans []ir.Span) bool {
	days := value.Op == ir.OpSub && value.Kids[0].Kind == ir.Day
	if value.Op != ir.OpField && !days {
		return false
	}
	return b.spans(rule, k, value, spans, false)
}

func (b *indexBuilder) spans(rule int32, k, value *ir.Term, spans []ir.Span, float bool) bool {
	key := value.String()
	t := b.ints[key]
	if t == nil {
		t = &intTests{value: value, float: float, rules: map[int32][]ir.Span{}, terms: map[int32]*ir.Term{}}
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
func (b *indexBuilder) float(rule int32, k *ir.Term) bool {
	if k.Op < ir.OpEq || k.Op > ir.OpGe || k.Kids[0].Kind != ir.Float {
		return false
	}
	a, c, o := k.Kids[0], k.Kids[1], k.Op
	if a.IsConst() {
		a, c, o = c, a, ir.Mirrored[o]
	}
	if !c.IsConst() || a.Op != ir.OpField || math.IsNaN(c.Flo) {
		return false
	}
	n, least, most := ordinal(c.Flo), ordinal(math.Inf(-1)), ordinal(math.Inf(1))
	s := ir.Span{Lo: n, Hi: n}
	switch o {
	case ir.OpNe:
		return false
	case ir.OpLt:
		s = ir.Span{Lo: least, Hi: n - 1}
	case ir.OpLe:
		s = ir.Span{Lo: least, Hi: n}
	case ir.OpGt:
		s = ir.Span{Lo: n + 1, Hi: most}
	case ir.OpGe:
		s = ir.Span{Lo: n, Hi: most}
	}
	return b.spans(rule, k, a, []ir.Span{s}, true)
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
	for i := range b.x.n {
		if !asks(int32(i)) {
			planes.SetBit(w, i)
		}
	}
	return w
}

func (b *indexBuilder) finish() {
	for _, fn := range b.order {
		fn()
	}
}

func (b *indexBuilder) finishBool(k *ir.Term, t *boolTests) {
	asks := map[int32]bool{}
	for _, r := range append(slices.Clone(t.yes), t.no...) {
		asks[r] = true
	}
	yes, no := b.free(func(r int32) bool { return asks[r] }), b.free(func(r int32) bool { return asks[r] })
	for _, r := range t.yes {
		planes.SetBit(yes, int(r))
	}
	for _, r := range t.no {
		planes.SetBit(no, int(r))
	}
	test := closure.Bool(k)
	b.x.fields = append(b.x.fields, func(e closure.Env) []uint64 {
		if test(e) {
			return yes
		}
		return no
	})
}

func (b *indexBuilder) finishText(f *ir.Field, t *textTests) {
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
			planes.SetBit(m, int(r))
		}
	}
	if words > maxIndexWords {
		b.leave(t.terms)
		return
	}
	text := closure.String(ir.FieldTerm(f, ir.OfFacts, 0))
	isNull := closure.Null(ir.FieldTerm(f, ir.OfFacts, 0))
	b.x.fields = append(b.x.fields, func(e closure.Env) []uint64 {
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
func (b *indexBuilder) leave(terms map[int32]*ir.Term) {
	for r := range b.x.n {
		if k := terms[int32(r)]; k != nil {
			b.residual(int32(r), k)
		}
	}
}

// finishInt cuts the line where any rule's span begins or ends; within a piece all values
// pass the same rules, so that one search answers for all.
func (b *indexBuilder) finishInt(t *intTests) {
	var cuts []int64 // where a piece of the line begins
	for _, spans := range t.rules {
		for _, s := range spans {
			cuts = append(cuts, s.Lo)
			if s.Hi < math.MaxInt64 {
				cuts = append(cuts, s.Hi+1)
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
			i, _ := slices.BinarySearch(cuts, s.Lo)
			for ; i < len(cuts) && cuts[i] <= s.Hi; i++ {
				planes.SetBit(masks[(i+1)*words:], int(r))
			}
		}
	}
	value := closure.Int(t.value)
	if t.float {
		f := closure.Float(t.value)
		value = func(e closure.Env) int64 { return ordinal(f(e)) }
	}
	isNull := closure.Null(t.value)
	piece := pieceOf(cuts)
	b.x.fields = append(b.x.fields, func(e closure.Env) []uint64 {
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

func (b *indexBuilder) finishTags(f *ir.Field, t *tagTests) {
	x := tagIndex{offset: f.Offset, interned: f.Interned, need: make([]uint64, b.x.words), byName: map[string]*tagRules{}}
	for r := range t.need {
		planes.SetBit(x.need, int(r))
	}
	for tag, id := range t.ids {
		rules := &tagRules{wants: b.ruleSet(t.wants[tag]), against: b.ruleSet(t.against[tag])}
		x.byName[tag] = rules
		if f.Interned {
			for len(x.byID) <= int(id) {
				x.byID = append(x.byID, nil)
			}
			x.byID[id] = rules
		}
	}
	b.x.tags = append(b.x.tags, x)
}

// ruleSet keeps few rules as a list and many as bits.
func (b *indexBuilder) ruleSet(list []int32) (s ruleSet) {
	if len(list) <= b.x.words {
		s.list = list
		return s
	}
	s.bits = make([]uint64, b.x.words)
	for _, r := range list {
		planes.SetBit(s.bits, int(r))
	}
	return s
}
