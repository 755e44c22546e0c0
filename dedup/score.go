package dedup

import (
	"cmp"
	"math"
	"slices"

	"github.com/vefacrm/vefa/dedup/metric"
)

// A pair belongs to one of these classes: one entity, nothing to do with each
// other, or one of the relations.
const (
	classMatch  = 0
	classChance = 1
	classes     = 2 + maxRelations
)

// scorer turns patterns into weights under a model.
type scorer struct {
	p       *plan
	m       *Model
	prior   [classes]float64
	used    int // classes in use
	bits    [maxComparisons][16][classes]float64
	parents []int                                     // by comparison: the one it depends on, -1
	given   [maxComparisons]*[16][16][classes]float64 // bits by the level of that one, the last for unknown; nil without one
	fade    [maxComparisons][16]float64               // by the level of that one: what part of a value's frequency counts
	lanes   [maxRelations][]lane
	inexact [maxComparisons]float64           // the most a comparison without equality adds to match over chance
	gains   [maxComparisons][16]float64       // see gain
	from    [maxComparisons][16]float64       // the most that it adds on a level or one after it
	swapped [maxComparisons]float64           // what a swap makes of it, at least; -Inf without one
	vetoes  []veto                            // those that act
	joined  [maxRelations]map[pattern]float64 // bits of combinations of what a relation shares; nil for none
	masks   [maxRelations]pattern             // of what it shares
	splits  [maxRelations][maxWholes]bool     // relations that share a part of a whole
	rare    [maxComparisons]float64           // log2 of the frequency of an identifier that one record alone holds
	shared  [maxComparisons][]float64         // adjustment for an identifier, by the number of its holders
	order   []int                             // comparisons, those first that can raise a doubtful pair most
	held    []FrequencyModel                  // by field
	slope   float64                           // calibration
	shift   float64
}

// newScorer turns the probabilities of a model into bits, once, so that a pair is scored
// by adding.
func newScorer(p *plan, m *Model) *scorer {
	s := &scorer{p: p, m: m, used: 2 + len(m.Relations), slope: 1}
	if m.Calibration != nil {
		s.slope, s.shift = m.Calibration.Slope, m.Calibration.Shift
	}
	s.prior = m.priors()
	for r := range m.Relations {
		s.lanes[r] = p.shared[r]
	}
	for c, k := range m.Comparisons {
		for l, x := range k.Levels {
			s.bits[c][l][classMatch], s.bits[c][l][classChance] = math.Log2(x.M), math.Log2(x.U)
			for r, y := range x.Relations {
				s.bits[c][l][2+r] = math.Log2(y)
			}
		}
	}
	s.parents = m.parents(p)
	for c, k := range m.Comparisons {
		if s.parents[c] >= 0 {
			s.depend(c, k)
		}
	}
	for c, k := range m.Comparisons {
		for l := 1; l < len(k.Levels); l++ {
			s.gains[c][l] = s.gain(c, l)
			s.inexact[c] = max(s.inexact[c], s.gains[c][l])
		}
		last := len(k.Levels) - 1
		s.from[c][last] = s.gain(c, last)
		for l := last - 1; l >= 0; l-- {
			s.from[c][l] = max(s.from[c][l+1], s.gain(c, l))
		}
	}
	for c := range p.comparisons {
		s.order = append(s.order, c)
	}
	slices.SortStableFunc(s.order, func(a, b int) int {
		if settled := p.comparisons[b].impliedBy >= 0; settled != (p.comparisons[a].impliedBy >= 0) {
			if settled {
				return -1
			}
			return 1
		}
		return cmp.Compare(s.inexact[b], s.inexact[a])
	})
	for c := range s.swapped {
		s.swapped[c] = math.Inf(-1)
	}
	for _, w := range p.swaps {
		for _, c := range w[:2] {
			s.swapped[c] = s.gain(c, w[2])
		}
	}
	for _, v := range p.vetoes {
		levels := m.Comparisons[v.comparison].Levels
		if levels[len(levels)-1].M < math.Exp2(leastWeight) {
			s.vetoes = append(s.vetoes, v)
		}
	}
	for r, k := range m.Relations {
		s.masks[r] = p.mask(r)
		for _, x := range k.Together {
			if s.joined[r] == nil {
				s.joined[r] = make(map[pattern]float64, len(k.Together))
			}
			at, _ := p.together(r, x)
			s.joined[r][at] = x.Bits
		}
		for k, w := range p.wholes {
			s.splits[r][k] = slices.ContainsFunc(w.parts, func(c int) bool { return s.lanes[r][c] == byRelation })
		}
	}
	s.held = make([]FrequencyModel, len(p.schema.Fields))
	for _, f := range m.Frequencies {
		for i := range p.schema.Fields {
			if p.schema.Fields[i].Name == f.Field {
				s.held[i] = f
			}
		}
	}
	for c, k := range p.comparisons {
		if held := &s.held[k.field]; k.frequency && held.Known > 0 {
			s.rare[c] = math.Log2(held.share(0, m.Comparisons[c].Levels[0].U))
			if k.identifier {
				s.shared[c] = make([]float64, fewHolders)
				for n := range s.shared[c] {
					s.shared[c][n] = s.holders(c, n)
				}
			}
		}
	}
	return s
}

// priors are the shares of the classes as bits.
func (m *Model) priors() (out [classes]float64) {
	none := 1 - m.Match
	for r, k := range m.Relations {
		out[2+r] = math.Log2(k.Share)
		none -= k.Share
	}
	out[classMatch], out[classChance] = math.Log2(m.Match), math.Log2(max(none, 1e-9))
	return out
}

// depend lays out the bits of a comparison that depends on another.
func (s *scorer) depend(c int, k ComparisonModel) {
	rows := &[16][16][classes]float64{unknown: s.bits[c]}
	for g, levels := range k.GivenLevels {
		for l, x := range levels {
			rows[g][l][classMatch], rows[g][l][classChance] = math.Log2(x.M), math.Log2(x.U)
			for r, y := range x.Relations {
				rows[g][l][2+r] = math.Log2(y)
			}
		}
		// Of a value that follows from what agreed already, how common it is says nothing: a
		// town, where the postcode is the same.
		s.fade[c][g] = min(max(rows[g][0][classChance]/s.bits[c][0][classChance], 0), 1)
	}
	s.fade[c][unknown] = 1
	s.given[c] = rows
}

// gain is the most that level l of a comparison adds to match over chance.
func (s *scorer) gain(c, l int) float64 {
	out := s.bits[c][l][classMatch] - s.bits[c][l][classChance]
	if rows := s.given[c]; rows != nil {
		for g := range s.m.Comparisons[c].GivenLevels {
			out = max(out, rows[g][l][classMatch]-rows[g][l][classChance])
		}
	}
	return out
}

// equal is the most that equality adds, of a value whose frequency shifts chance by so
// many bits.
func (s *scorer) equal(c int, shift float64) float64 {
	out := s.bits[c][0][classMatch] - s.bits[c][0][classChance] - shift
	if rows := s.given[c]; rows != nil {
		for g := range s.m.Comparisons[c].GivenLevels {
			out = max(out, rows[g][0][classMatch]-rows[g][0][classChance]-s.fade[c][g]*shift)
		}
	}
	return out
}

// row is the bits of a comparison's levels in a pattern, and what part of a value's
// frequency counts.
func (s *scorer) row(c int, p pattern) (*[16][classes]float64, float64) {
	rows := s.given[c]
	if rows == nil {
		return &s.bits[c], 1
	}
	g := p.level(s.parents[c])
	return &rows[g], s.fade[c][g]
}

// fewHolders is the number of holders below which adjustments are kept at hand.
const fewHolders = 64

// holders is the frequency adjustment of an identifier with n holders.
func (s *scorer) holders(c, n int) float64 {
	u := s.m.Comparisons[c].Levels[0].U
	return math.Log2(s.held[s.p.comparisons[c].field].share(float64(n), u) / u)
}

// manyValues is the size of a dictionary whose strings are too many for a cache.
const manyValues = 1 << 16

// adopt makes a table's dictionaries hold the frequency adjustments of this model, and
// has strings that are dear to fetch compared last.
func (s *scorer) adopt(t *table) {
	slices.SortStableFunc(s.order, func(a, b int) int {
		dear := func(c int) int {
			k := &s.p.comparisons[c]
			if k.impliedBy >= 0 || t.dicts[k.field].len() < manyValues {
				return 0
			}
			return 1
		}
		return dear(a) - dear(b)
	})
	for f := range t.dicts {
		t.dicts[f].shift, t.dicts[f].common = t.dicts[f].shift[:0], t.dicts[f].common[:0]
	}
	s.frequencies(t)
}

// frequencies writes the frequency adjustments of the model into a table's dictionaries
// for the values that are new.
func (s *scorer) frequencies(t *table) {
	for _, w := range s.p.wholes {
		d, held := &t.dicts[w.field], &s.held[w.field]
		for id := len(d.common); id < d.len(); id++ {
			share := float32(seldom)
			if len(held.Values) > 0 {
				if v, ok := held.Values[valueHash(d.text(uint32(id)))]; ok {
					share = float32(math.Log2(v))
				}
			}
			d.common = append(d.common, share)
		}
	}
	for i, c := range s.p.comparisons {
		if !c.frequency || c.identifier {
			continue
		}
		d := &t.dicts[c.field]
		held := &s.held[c.field]
		u := s.m.Comparisons[i].Levels[0].U
		unlisted := held.share(0, u)
		for id := len(d.shift); id < d.len(); id++ {
			share := unlisted
			if len(held.Values) > 0 {
				if v, ok := held.Values[valueHash(d.text(uint32(id)))]; ok {
					share = v
				}
			}
			shift := 0.0
			if share > 0 {
				shift = math.Log2(share / u)
			}
			d.shift = append(d.shift, float32(shift))
		}
	}
}

// seldom is the logarithm of the frequency of a whole that says nothing beyond its parts.
const seldom = -1000

// adjustment is the number of bits by which chance agreement on the value that
// agreed is likelier than on the average value.
func (s *scorer) adjustment(x *comparer, c int) float64 {
	k := &s.p.comparisons[c]
	if !k.frequency {
		return 0
	}
	d := &x.t.dicts[k.field]
	id := x.agreed[c]
	if k.identifier {
		shared := s.shared[c]
		if shared == nil {
			return 0
		}
		n := d.holders[id]
		if n < uint32(len(shared)) {
			return shared[n]
		}
		return s.holders(c, int(n))
	}
	if int(id) < len(d.shift) {
		return float64(d.shift[id])
	}
	return 0
}

// more is the number of bits by which agreement on whole k is likelier by chance than its
// parts make it.
func (s *scorer) more(x *comparer, k int, p pattern) float64 {
	id := x.whole(k, p)
	if id == 0 {
		return 0
	}
	common := x.t.dicts[s.p.wholes[k].field].common
	if int(id) >= len(common) || common[id] <= seldom {
		return 0
	}
	apart := 0.0
	for _, c := range s.p.wholes[k].parts {
		row, fade := s.row(c, p)
		apart += row[0][classChance] + s.adjustment(x, c)*fade
	}
	return max(float64(common[id])-apart, 0)
}

// joint returns log2 of the joint probability of each class and the pattern.
func (s *scorer) joint(x *comparer, p pattern) [classes]float64 {
	sum := s.prior
	for r := 0; r < s.used-2; r++ {
		if s.joined[r] != nil {
			sum[2+r] += s.joined[r][p|^s.masks[r]]
		}
	}
	for k := range s.p.wholes {
		if more := s.more(x, k, p); more > 0 {
			sum[classChance] += more
			for r := 0; r < s.used-2; r++ {
				if !s.splits[r][k] {
					sum[2+r] += more
				}
			}
		}
	}
	for c := range s.p.comparisons {
		l := p.level(c)
		if l == unknown {
			continue
		}
		row, fade := s.row(c, p)
		b := &row[l]
		for k := 0; k < s.used; k++ {
			sum[k] += b[k]
		}
		if l == 0 {
			if shift := s.adjustment(x, c) * fade; shift != 0 {
				sum[classChance] += shift
				for r := 0; r < s.used-2; r++ {
					if s.lanes[r][c] != byRelation {
						sum[2+r] += shift
					}
				}
			}
		}
	}
	return sum
}

// ceiling is the most that a pair's weight before calibration can be.
type ceiling struct {
	most  float64
	parts [maxComparisons]float64 // each comparison's part of it
	swaps uint16                  // comparisons that may be swapped
}

// ceiling finds it without comparing strings. Relations only take weight away, so they need
// not be looked at.
func (s *scorer) ceiling(t *table, a, b []uint32, out *ceiling) {
	out.most = s.prior[classMatch] - s.prior[classChance]
	out.swaps = s.swaps(t, a, b)
	for c := range s.p.comparisons {
		k := &s.p.comparisons[c]
		va, vb := a[k.field], b[k.field]
		most := 0.0
		if va != 0 && vb != 0 {
			d := &t.dicts[k.field]
			several := k.set && d.elements != nil // elements, perhaps
			switch {
			case k.crossed:
				out.parts[c] = max(s.from[c][0], 0) // or it turns out to be unknown
				out.most += out.parts[c]
				continue
			case va == vb:
				most = math.Inf(-1)
			case d.sketches == nil:
				most = s.from[c][1]
			default:
				l := 1
				if x, y := d.sketches[va], d.sketches[vb]; x != 0 && y != 0 {
					l, several = k.possible(x, y), false
				}
				most = s.from[c][l]
			}
			if va == vb || several {
				shift := 0.0
				switch {
				case !k.frequency:
				case k.identifier:
					if s.shared[c] != nil {
						shift = s.rare[c] - s.bits[c][0][classChance]
					}
				case va == vb && int(va) < len(d.shift):
					shift = float64(d.shift[va])
				default:
					shift = -60
				}
				most = max(most, s.equal(c, shift))
			} else if out.swaps>>c&1 != 0 {
				most = max(most, s.swapped[c])
			}
			// it may turn out to be unknown
			if k.impliedBy >= 0 || several || d.ignored != nil && (d.ignored[va] || d.ignored[vb]) {
				most = max(most, 0)
			}
		}
		out.parts[c] = most
		out.most += most
	}
}

// swaps returns the comparisons whose values may be exchanged in two rows.
func (s *scorer) swaps(t *table, a, b []uint32) (out uint16) {
	for _, w := range s.p.swaps {
		f, g := s.p.comparisons[w[0]].field, s.p.comparisons[w[1]].field
		if a[f] == 0 || b[f] == 0 || a[g] == 0 || b[g] == 0 {
			continue
		}
		if s.p.outlined[f] && s.p.outlined[g] {
			a0, b0, a1, b1 := t.dicts[f].sketches[a[f]], t.dicts[f].sketches[b[f]], t.dicts[g].sketches[a[g]], t.dicts[g].sketches[b[g]]
			if a0 != 0 && b1 != 0 && (metric.JaroWinkler{}).Bound(a0, b1) < alike || a1 != 0 && b0 != 0 && (metric.JaroWinkler{}).Bound(a1, b0) < alike {
				continue
			}
		}
		out |= 1<<w[0] | 1<<w[1]
	}
	return out
}

// link returns the weight of a pair if it is above the threshold.
func (s *scorer) link(x *comparer, a, b []uint32) (weight float64, ok bool) {
	_, w, ok := s.above(x, a, b, threshold)
	return w, ok
}

// above returns the pattern and weight of a pair if it is above a weight. It compares no
// further once that cannot be.
func (s *scorer) above(x *comparer, a, b []uint32, least float64) (p pattern, weight float64, ok bool) {
	var most ceiling
	s.ceiling(x.t, a, b, &most)
	return s.settle(x, a, b, least, &most)
}

// bound is the weight before calibration above which a pair must be.
func (s *scorer) bound(least float64) float64 { return (least - s.shift) / s.slope }

// settle is above for a pair with a known ceiling.
func (s *scorer) settle(x *comparer, a, b []uint32, least float64, limit *ceiling) (p pattern, weight float64, ok bool) {
	bound, most := s.bound(least), limit.most
	x.a, x.b = a, b
	for _, c := range s.order {
		if most <= bound {
			return 0, 0, false
		}
		l := x.level(c, a, b, p)
		p |= pattern(l) << (4 * c)
		switch {
		case l == unknown:
			most -= limit.parts[c]
		case l > 0:
			gain := s.gains[c][l]
			if limit.swaps>>c&1 != 0 {
				gain = max(gain, s.swapped[c])
			}
			most += gain - limit.parts[c]
		}
	}
	if most <= bound {
		return 0, 0, false
	}
	p = x.swaps(p, a, b)
	w := s.weight(x, p)
	return p, w, w > least
}

// weight is the logarithm to base 2 of the odds that the pair is a match.
func (s *scorer) weight(x *comparer, p pattern) float64 {
	w := s.shift + s.slope*s.odds(s.joint(x, p))
	if s.vetoed(p) >= 0 {
		return min(w, leastWeight)
	}
	return w
}

// share is what the weight of a pair contributes to the average of a cluster.
func (s *scorer) share(x *comparer, p pattern) float64 {
	if s.vetoed(p) >= 0 {
		return min(vetoWeight, leastWeight)
	}
	return clamp(s.weight(x, p))
}

// vetoed returns the comparison that forbids a match, or -1.
func (s *scorer) vetoed(p pattern) int {
next:
	for _, v := range s.vetoes {
		if p.level(v.comparison) != s.p.comparisons[v.comparison].levels {
			continue
		}
		for _, c := range v.unless {
			if p.level(c) == 0 {
				continue next
			}
		}
		return v.comparison
	}
	return -1
}

// odds are the bits by which a match is likelier than all other explanations together.
// Their logarithm of a sum is taken around the largest, which neither overflows nor loses
// small ones.
func (s *scorer) odds(j [classes]float64) float64 {
	most := j[classChance]
	for k := 2; k < s.used; k++ {
		most = max(most, j[k])
	}
	sum := 0.0
	for k := 1; k < s.used; k++ {
		if d := j[k] - most; d > -30 {
			sum += math.Exp2(d)
		}
	}
	return j[classMatch] - most - math.Log2(sum)
}

// Probability turns a weight (log2 of odds) into a probability.
func Probability(weight float64) float64 {
	return 1 / (1 + math.Exp2(-weight))
}
