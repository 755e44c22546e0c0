package rules

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Flip is a smallest change that would turn the outcome of a Case round.
type Flip struct {
	Row     int     // of the case; -1: the subject as a whole
	Changes []Value // one or two, each with its To
}

// The bounds of the search for flips.
const (
	maxFlips     = 50
	maxFlipTries = 20_000
)

// Flips returns the smallest changes that would turn the outcome round: each
// single thing that the condition reads, where one suffices, else each pair of
// them. Things are changed by value, so that a number which several parts of
// the condition ask for changes in all of them, and a change is only named if
// the whole condition turns; two things that depend on one another otherwise,
// as a count and a sum of the same rows do, are taken as independent. For a rule that does not fire those are the
// changes that make a case pass, fewest first; for one that fires, those that
// would have kept each passing case from it. At most 50 are returned.
func (x *Explanation) Flips() []Flip {
	want := !x.passes()
	var one, two []Flip
	left := maxFlipTries
	for i := range x.Cases {
		k := &x.Cases[i]
		if k.Pass == want {
			continue
		}
		if left <= 0 {
			break
		}
		single, pairs := k.flips(want, &left)
		one = append(one, single...)
		two = append(two, pairs...)
	}
	if len(one) == 0 || !want {
		one = append(one, two...)
	}
	return one[:min(len(one), maxFlips)]
}

// passes reports whether a case passes, whatever blocks the rule: flips are about
// conditions.
func (x *Explanation) passes() bool {
	return slices.ContainsFunc(x.Cases, func(k Case) bool { return k.Pass })
}

// source is one thing that leaves of a condition read, with the values worth
// trying for it.
type source struct {
	text   string
	from   string
	leaves []int
	tries  []try
}

// try is a value of a source and what its leaves say to it.
type try struct {
	to      string
	far     float64 // how far from the present value
	outcome []bool  // by source.leaves
}

// flipSearch is one case, taken apart.
type flipSearch struct {
	when, unless *Step
	leaves       []*Step
	outcome      []bool
	index        map[*Step]int
	left         *int // tries
}

// flips returns single changes that give the wanted outcome, or pairs if there is none.
// Each try takes one of left, which all cases share, so that a rule with a thousand rows
// ends in time.
func (k *Case) flips(want bool, left *int) (single, pairs []Flip) {
	s := &flipSearch{when: k.When, unless: k.Unless, index: map[*Step]int{}, left: left}
	s.collect(k.When)
	if k.Unless != nil {
		s.collect(k.Unless)
	}
	sources := s.sources()
	alone := make([]bool, len(sources))
	for i := range sources {
		src := &sources[i]
		if t := s.nearest(src, func() bool { return s.result() == want }); t != nil {
			alone[i] = true
			single = append(single, Flip{k.Row, []Value{{src.text, src.from, t.to}}})
		}
	}
	if len(single) > 0 {
		return single, nil
	}
	for i := range sources {
		for j := i + 1; j < len(sources) && len(pairs) < maxFlips && *s.left > 0; j++ {
			a, b := &sources[i], &sources[j]
			var second *try
			first := s.nearest(a, func() bool {
				second = s.nearest(b, func() bool { return s.result() == want })
				return second != nil
			})
			if first != nil {
				pairs = append(pairs, Flip{k.Row, []Value{{a.text, a.from, first.to}, {b.text, b.from, second.to}}})
			}
		}
	}
	return nil, pairs
}

// nearest tries the values of a source, nearest first, and returns the first
// that does; every leaf is as it was afterwards.
func (s *flipSearch) nearest(src *source, does func() bool) *try {
	old := make([]bool, len(src.leaves))
	for i, l := range src.leaves {
		old[i] = s.outcome[l]
	}
	defer func() {
		for i, l := range src.leaves {
			s.outcome[l] = old[i]
		}
	}()
	for i := range src.tries {
		t := &src.tries[i]
		for j, l := range src.leaves {
			s.outcome[l] = t.outcome[j]
		}
		if *s.left--; *s.left < 0 {
			return nil
		}
		if does() {
			return t
		}
	}
	return nil
}

// collect numbers the leaves, whose outcomes are then changed without evaluating facts
// again.
func (s *flipSearch) collect(step *Step) {
	if step.Op == stepLeaf {
		s.index[step] = len(s.leaves)
		s.leaves = append(s.leaves, step)
		s.outcome = append(s.outcome, step.Pass)
		return
	}
	for _, k := range step.Steps {
		s.collect(k)
	}
}

// result is the outcome of the case with the leaves as they are now.
func (s *flipSearch) result() bool {
	return s.eval(s.when) && (s.unless == nil || !s.eval(s.unless))
}

// eval combines outcomes of leaves as the condition does.
func (s *flipSearch) eval(step *Step) bool {
	switch step.Op {
	case stepLeaf:
		return s.outcome[s.index[step]]
	case stepNot:
		return !s.eval(step.Steps[0])
	case stepAnd:
		for _, k := range step.Steps {
			if !s.eval(k) {
				return false
			}
		}
		return true
	}
	for _, k := range step.Steps {
		if s.eval(k) {
			return true
		}
	}
	return false
}

// sources groups the leaves by what they read. A leaf that reads more than one
// thing, or reads it in a way that has no nearest value, stands for itself.
func (s *flipSearch) sources() []source {
	var out []source
	byText := map[string]int{}
	for i, leaf := range s.leaves {
		text := leaf.Text
		if p, ok := probeOf(leaf.from.term); ok {
			text = p.text
		}
		at, ok := byText[text]
		if !ok {
			at = len(out)
			byText[text] = at
			out = append(out, source{text: text})
		}
		out[at].leaves = append(out[at].leaves, i)
	}
	for i := range out {
		s.tries(&out[i])
	}
	return out
}

// tries finds the values worth trying for a source.
func (s *flipSearch) tries(src *source) {
	first := s.leaves[src.leaves[0]]
	p, ok := probeOf(first.from.term)
	if !ok || p.test == nil { // a leaf that stands for itself, or for a tag or bool
		src.from = yesNo(first.Pass)
		t := try{to: yesNo(!first.Pass), outcome: make([]bool, len(src.leaves))}
		if ok { // all leaves read the same bool, some of them negated
			now := first.Pass != p.negated
			src.from, t.to = yesNo(now), yesNo(!now)
		}
		for i, l := range src.leaves {
			t.outcome[i] = !s.leaves[l].Pass
		}
		src.tries = []try{t}
		return
	}
	if len(first.Values) > 0 { // fold(City) is read as City
		src.from = first.Values[0].Value
	}
	for _, v := range first.Values {
		if v.Text == src.text {
			src.from = v.Value
		}
	}
	var probes []probe
	for _, l := range src.leaves {
		q, _ := probeOf(s.leaves[l].from.term)
		probes = append(probes, q)
	}
	seen := map[string]bool{src.from: true}
	now, isNumber := parseValue(src.from)
	for _, q := range probes {
		for _, v := range q.candidates {
			text := v.String()
			if seen[text] {
				continue
			}
			seen[text] = true
			t := try{to: text, outcome: make([]bool, len(probes))}
			if isNumber && v.kind != ir.String {
				t.far = math.Abs(v.number() - now)
			}
			for i, r := range probes {
				t.outcome[i] = r.test(v) != r.negated
			}
			src.tries = append(src.tries, t)
		}
	}
	slices.SortStableFunc(src.tries, func(a, b try) int { return cmp.Compare(a.far, b.far) })
}

func yesNo(b bool) string { return strconv.FormatBool(b) }

// parseValue reads a number or a date, as valueFn spells them.
func parseValue(s string) (float64, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, true
	}
	d, ok := parseDay(s)
	return float64(d), ok
}

// probe is a leaf seen as a question about one thing.
type probe struct {
	text       string // what is read
	negated    bool
	test       func(scalarValue) bool // nil: the leaf is the value, a bool
	candidates []scalarValue
}

// scalarValue is a value to try.
type scalarValue struct {
	kind  ir.Kind
	n     int64
	scale uint8 // of n
	f     float64
	s     string
	list  bool // none of the texts that the leaf names
}

// number is the value on the scale of its field, to tell how far a try is from the present
// value; it is never compared for equality.
func (v scalarValue) number() float64 {
	if v.kind == ir.Float {
		return v.f
	}
	return float64(v.n) / math.Pow10(int(v.scale))
}

// String spells the value as valueFn does.
func (v scalarValue) String() string {
	switch v.kind {
	case ir.Float:
		return floatText(v.f)
	case ir.String:
		if v.list {
			return "≠ " + v.s
		}
		return strconv.Quote(v.s)
	case ir.Day:
		return ir.DayText(v.n)
	}
	return ir.DecimalText(v.n, v.scale)
}

// probeOf recognises comparisons of one thing with constants.
func probeOf(t *ir.Term) (probe, bool) {
	switch t.Op {
	case ir.OpNot:
		p, ok := probeOf(t.Kids[0])
		p.negated = !p.negated
		return p, ok
	case ir.OpField:
		if t.Kind == ir.Bool && !t.Nullable {
			return probe{text: t.String()}, true
		}
	case ir.OpHas:
		return probe{text: t.String()}, true
	case ir.OpEq, ir.OpNe, ir.OpLt, ir.OpLe, ir.OpGt, ir.OpGe:
		return compareProbe(t)
	case ir.OpIn:
		return inProbe(t)
	}
	return probe{}, false
}

// compareProbe recognises a comparison of one reading with a constant. Around the constant
// c it tries c, c+1 and c-1 (0.01 for floats), of which one satisfies any of the six
// operators; beyond what a field can hold nothing is tried.
func compareProbe(t *ir.Term) (probe, bool) {
	a, b, o := t.Kids[0], t.Kids[1], t.Op
	if a.IsConst() {
		a, b = b, a
		o = map[ir.Op]ir.Op{ir.OpEq: ir.OpEq, ir.OpNe: ir.OpNe, ir.OpLt: ir.OpGt, ir.OpLe: ir.OpGe, ir.OpGt: ir.OpLt, ir.OpGe: ir.OpLe}[o]
	}
	if !b.IsConst() || a.IsConst() || !isReading(a) && a.Op != ir.OpFloat && a.Op != ir.OpDay {
		return probe{}, false
	}
	p := probe{text: a.String()}
	switch b.Kind {
	case ir.Int, ir.Day:
		c := b.Num
		for _, n := range []int64{c, satAdd(c, 1), satAdd(c, -1)} {
			if least, most := ir.Bounds(a); n >= least && n <= most {
				p.candidates = append(p.candidates, scalarValue{kind: b.Kind, n: n, scale: b.Scale})
			}
		}
		p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.n, c)) }
	case ir.Float:
		c := b.Flo
		if a.Op == ir.OpFloat { // an integer, compared with a fraction
			for _, f := range []float64{math.Floor(c), math.Ceil(c), math.Floor(c) + 1, math.Ceil(c) - 1} {
				if math.Abs(f) < 1<<53 {
					p.candidates = append(p.candidates, scalarValue{kind: ir.Int, n: int64(f)})
				}
			}
			p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.number(), c)) }
			break
		}
		step := 0.01
		for _, f := range []float64{c, c + step, c - step} {
			p.candidates = append(p.candidates, scalarValue{kind: ir.Float, f: f})
		}
		p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.f, c)) }
	case ir.String:
		if o != ir.OpEq && o != ir.OpNe {
			return probe{}, false
		}
		c := b.Str
		p.candidates = []scalarValue{{kind: ir.String, s: c}, {kind: ir.String, s: strconv.Quote(c), list: true}}
		p.test = func(v scalarValue) bool { return (!v.list && v.s == c) == (o == ir.OpEq) }
	default:
		return probe{}, false
	}
	return p, true
}

// inProbe recognises membership of one reading in a list: it tries each member, and a
// value that is none of them.
func inProbe(t *ir.Term) (probe, bool) {
	a := t.Kids[0]
	if !isReading(a) || a.Kind != ir.String && a.Kind != ir.Int {
		return probe{}, false
	}
	p := probe{text: a.String()}
	var words []string
	for _, c := range t.List {
		p.candidates = append(p.candidates, scalarValue{kind: a.Kind, n: c.Num, scale: c.Scale, s: c.Str})
		words = append(words, strconv.Quote(c.Str))
	}
	if a.Kind == ir.String {
		p.candidates = append(p.candidates, scalarValue{kind: ir.String, s: strings.Join(words, ", "), list: true})
	} else {
		for _, c := range t.List {
			p.candidates = append(p.candidates, scalarValue{kind: ir.Int, n: satAdd(c.Num, 1), scale: c.Scale}, scalarValue{kind: ir.Int, n: satAdd(c.Num, -1), scale: c.Scale})
		}
	}
	p.test = func(v scalarValue) bool {
		return !v.list && slices.ContainsFunc(t.List, func(c *ir.Term) bool { return c.Num == v.n && c.Str == v.s })
	}
	return p, true
}

// isReading reports whether the term is something that can be different: a
// field, a count, a number of days.
func isReading(t *ir.Term) bool {
	return t.Op == ir.OpField || t.Op == ir.OpCount || t.Op == ir.OpSum || t.Op == ir.OpPick || t.Op == ir.OpLen || t.Op == ir.OpAnniversary || t.Op == ir.OpFold ||
		t.Op == ir.OpSub && t.Kids[0].Kind == ir.Day
}

// inOrder applies a comparison to the order of two values.
func inOrder(o ir.Op, c int) bool {
	switch o {
	case ir.OpEq:
		return c == 0
	case ir.OpNe:
		return c != 0
	case ir.OpLt:
		return c < 0
	case ir.OpLe:
		return c <= 0
	case ir.OpGt:
		return c > 0
	}
	return c >= 0
}
