package rules

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Flip is a smallest change that would turn the outcome of a Case round.
type Flip struct {
	Row     int // of the case
	Changes []ValueChange
}

// ValueChange says what one thing that the condition reads would have to be.
type ValueChange struct {
	Text string // in the rule language: a field, a count, "vip" in Tags, or a whole leaf
	From string // its value
	To   string // the nearest value that does it
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
			single = append(single, Flip{k.Row, []ValueChange{{src.text, src.from, t.to}}})
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
				pairs = append(pairs, Flip{k.Row, []ValueChange{{a.text, a.from, first.to}, {b.text, b.from, second.to}}})
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

func (s *flipSearch) collect(step *Step) {
	if step.Op == StepLeaf {
		s.index[step] = len(s.leaves)
		s.leaves = append(s.leaves, step)
		s.outcome = append(s.outcome, step.Pass)
		return
	}
	for _, k := range step.Steps {
		s.collect(k)
	}
}

func (s *flipSearch) result() bool {
	return s.eval(s.when) && (s.unless == nil || !s.eval(s.unless))
}

func (s *flipSearch) eval(step *Step) bool {
	switch step.Op {
	case StepLeaf:
		return s.outcome[s.index[step]]
	case StepNot:
		return !s.eval(step.Steps[0])
	case StepAnd:
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
			if isNumber && v.kind != String {
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
	kind  Kind
	n     int64
	scale uint8 // of n
	f     float64
	s     string
	list  bool // none of the texts that the leaf names
}

func (v scalarValue) number() float64 {
	if v.kind == Float {
		return v.f
	}
	return float64(v.n) / math.Pow10(int(v.scale))
}

// String spells the value as valueFn does.
func (v scalarValue) String() string {
	switch v.kind {
	case Float:
		return floatText(v.f)
	case String:
		if v.list {
			return "≠ " + v.s
		}
		return strconv.Quote(v.s)
	case day:
		return dayText(v.n)
	}
	return decimalText(v.n, v.scale)
}

// probeOf recognises comparisons of one thing with constants.
func probeOf(t *term) (probe, bool) {
	switch t.op {
	case opNot:
		p, ok := probeOf(t.kids[0])
		p.negated = !p.negated
		return p, ok
	case opField:
		if t.kind == Bool && !t.nullable {
			return probe{text: t.String()}, true
		}
	case opHas:
		return probe{text: t.String()}, true
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return compareProbe(t)
	case opIn:
		return inProbe(t)
	}
	return probe{}, false
}

func compareProbe(t *term) (probe, bool) {
	a, b, o := t.kids[0], t.kids[1], t.op
	if a.isConst() {
		a, b = b, a
		o = map[op]op{opEq: opEq, opNe: opNe, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}[o]
	}
	if !b.isConst() || a.isConst() || !a.isReading() && a.op != opFloat && a.op != opDay {
		return probe{}, false
	}
	p := probe{text: a.String()}
	switch b.kind {
	case Int, day:
		c := b.num
		for _, n := range []int64{c, satAdd(c, 1), satAdd(c, -1)} {
			if least, most := bounds(a); n >= least && n <= most {
				p.candidates = append(p.candidates, scalarValue{kind: b.kind, n: n, scale: b.scale})
			}
		}
		p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.n, c)) }
	case Float:
		c := b.flo
		if a.op == opFloat { // an integer, compared with a fraction
			for _, f := range []float64{math.Floor(c), math.Ceil(c), math.Floor(c) + 1, math.Ceil(c) - 1} {
				if math.Abs(f) < 1<<53 {
					p.candidates = append(p.candidates, scalarValue{kind: Int, n: int64(f)})
				}
			}
			p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.number(), c)) }
			break
		}
		step := 0.01
		for _, f := range []float64{c, c + step, c - step} {
			p.candidates = append(p.candidates, scalarValue{kind: Float, f: f})
		}
		p.test = func(v scalarValue) bool { return inOrder(o, cmp.Compare(v.f, c)) }
	case String:
		if o != opEq && o != opNe {
			return probe{}, false
		}
		c := b.str
		p.candidates = []scalarValue{{kind: String, s: c}, {kind: String, s: strconv.Quote(c), list: true}}
		p.test = func(v scalarValue) bool { return (!v.list && v.s == c) == (o == opEq) }
	default:
		return probe{}, false
	}
	return p, true
}

func inProbe(t *term) (probe, bool) {
	a := t.kids[0]
	if !a.isReading() || a.kind != String && a.kind != Int {
		return probe{}, false
	}
	p := probe{text: a.String()}
	var words []string
	for _, c := range t.list {
		p.candidates = append(p.candidates, scalarValue{kind: a.kind, n: c.num, scale: c.scale, s: c.str})
		words = append(words, strconv.Quote(c.str))
	}
	if a.kind == String {
		p.candidates = append(p.candidates, scalarValue{kind: String, s: strings.Join(words, ", "), list: true})
	} else {
		for _, c := range t.list {
			p.candidates = append(p.candidates, scalarValue{kind: Int, n: satAdd(c.num, 1), scale: c.scale}, scalarValue{kind: Int, n: satAdd(c.num, -1), scale: c.scale})
		}
	}
	p.test = func(v scalarValue) bool {
		return !v.list && slices.ContainsFunc(t.list, func(c *term) bool { return c.num == v.n && c.str == v.s })
	}
	return p, true
}

// isReading reports whether the term is something that can be different: a
// field, a count, a number of days.
func (t *term) isReading() bool {
	return t.op == opField || t.op == opCount || t.op == opSum || t.op == opLen || t.op == opAnniversary || t.op == opFold ||
		t.op == opSub && t.kids[0].kind == day
}

// inOrder applies a comparison to the order of two values.
func inOrder(o op, c int) bool {
	switch o {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	}
	return c >= 0
}
