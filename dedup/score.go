package dedup

import "math"

// A pair belongs to one of these classes: one entity, nothing to do with each
// other, or one of the relations.
const (
	classMatch  = 0
	classChance = 1
	classes     = 2 + MaxRelations
)

// scorer turns patterns into weights under a model.
type scorer struct {
	p     *plan
	m     *Model
	prior [classes]float64
	used  int // classes in use
	bits  [MaxComparisons][16][classes]float64
	lanes [MaxRelations][]lane
	rest  []float64 // by field: shift of a value whose frequency the model does not know
	known []float64 // by field: records that had a value, for identifiers
}

func newScorer(p *plan, m *Model) *scorer {
	s := &scorer{p: p, m: m, used: 2 + len(m.Relations)}
	none := 1 - m.Match
	for r, k := range m.Relations {
		s.prior[2+r] = math.Log2(k.Share)
		s.lanes[r] = p.shared[r]
		none -= k.Share
	}
	s.prior[classMatch], s.prior[classChance] = math.Log2(m.Match), math.Log2(max(none, 1e-9))
	for c, k := range m.Comparisons {
		for l, x := range k.Levels {
			s.bits[c][l][classMatch], s.bits[c][l][classChance] = math.Log2(x.M), math.Log2(x.U)
			for r, y := range x.Relations {
				s.bits[c][l][2+r] = math.Log2(y)
			}
		}
	}
	s.known = make([]float64, len(p.schema.Fields))
	s.rest = make([]float64, len(p.schema.Fields))
	for _, f := range m.Frequencies {
		for i := range p.schema.Fields {
			if p.schema.Fields[i].Name == f.Field {
				s.known[i] = float64(max(f.Known, 1))
				s.rest[i] = f.Rest
			}
		}
	}
	return s
}

// frequencies writes the frequency adjustments of the model into a table's dictionaries,
// from value number first on.
func (s *scorer) frequencies(t *table) {
	for i, c := range s.p.comparisons {
		if !c.frequency || c.identifier {
			continue
		}
		d := &t.dicts[c.field]
		var values map[string]float64
		for _, f := range s.m.Frequencies {
			if f.Field == s.p.schema.Fields[c.field].Name {
				values = f.Values
			}
		}
		u := s.m.Comparisons[i].Levels[0].U
		for id := len(d.shift); id < len(d.values); id++ {
			share := s.rest[c.field]
			if len(values) > 0 {
				if v, ok := values[valueHash(d.values[id])]; ok {
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
		n := s.known[k.field]
		if n == 0 {
			return 0
		}
		return math.Log2(min(1, float64(d.holders[id])/n) / s.m.Comparisons[c].Levels[0].U)
	}
	if int(id) < len(d.shift) {
		return float64(d.shift[id])
	}
	return 0
}

// joint returns log2 of the joint probability of each class and the pattern.
func (s *scorer) joint(x *comparer, p pattern) [classes]float64 {
	sum := s.prior
	for c := range s.p.comparisons {
		l := p.level(c)
		if l == unknown {
			continue
		}
		b := &s.bits[c][l]
		for k := 0; k < s.used; k++ {
			sum[k] += b[k]
		}
		if l == 0 {
			if shift := s.adjustment(x, c); shift != 0 {
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

// weight is the logarithm to base 2 of the odds that the pair is a match.
func (s *scorer) weight(x *comparer, p pattern) float64 {
	return s.odds(s.joint(x, p))
}

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
