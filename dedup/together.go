package dedup

import (
	"cmp"
	"math"
	"slices"
)

// What a relation shares need not be shared independently: namesakes whose names are both
// equal have one e-mail address made of them much oftener than those whose names are only
// alike. The candidates show how often each combination of levels occurs.

// mask has the four bits of each comparison that relation r shares.
func (p *plan) mask(r int) (out pattern) {
	for c, lane := range p.shared[r] {
		if lane != byChance {
			out |= 15 << (4 * c)
		}
	}
	return out
}

// together returns the pattern of a combination, unknown in all that the relation does not
// share, and false if a name is wrong.
func (p *plan) together(r int, x TogetherModel) (pattern, bool) {
	out, found := ^pattern(0), 0
	for c, k := range p.comparisons {
		name, ok := x.Levels[k.name]
		if !ok {
			continue
		}
		l := p.level(c, name)
		if l < 0 || p.shared[r][c] == byChance {
			return out, false
		}
		found++
		out &^= 15 << (4 * c)
		out |= pattern(l) << (4 * c)
	}
	return out, found == len(x.Levels)
}

// none is the name of the level below the last.
const none = "else"

// level returns the number of a level by its name, -1 if there is none.
func (p *plan) level(c int, name string) int {
	levels := p.schema.Comparisons[c].Levels
	if i := slices.IndexFunc(levels, func(l Level) bool { return l.Name == name }); i >= 0 || name != none {
		return i
	}
	return len(levels)
}

// combinations are those of one relation in the drawn candidates.
type combinations struct {
	of      []int32   // by candidate
	pattern []pattern // by combination; what the relation does not share is unknown
	known   []int32   // by combination: which comparisons are known, as a number
	apart   []float64 // by combination: the product of its levels' probabilities
	counts  []float64
	bits    []float64
	totals  []float64 // by what is known
}

// jointly are the combinations of all relations.
type jointly []*combinations

// jointly numbers the combinations in the drawn candidates.
func (l *learner) jointly(m *Model) (out jointly) {
	for r := range m.Relations {
		k := &combinations{of: make([]int32, len(l.drawn))}
		mask := l.p.mask(r)
		numbers, masks := map[pattern]int32{}, map[uint32]int32{}
		for i, q := range l.drawn {
			at := q.p | ^mask
			n, ok := numbers[at]
			if !ok {
				n = int32(len(k.pattern))
				numbers[at] = n
				apart, known := 1.0, uint32(0)
				for c := range l.p.comparisons {
					if x := at.level(c); x != unknown {
						apart *= l.r[r][c][x]
						known |= 1 << c
					}
				}
				if _, ok := masks[known]; !ok {
					masks[known] = int32(len(masks))
				}
				k.pattern, k.apart, k.known = append(k.pattern, at), append(k.apart, apart), append(k.known, masks[known])
			}
			k.of[i] = n
		}
		k.counts, k.bits, k.totals = make([]float64, len(k.pattern)), make([]float64, len(k.pattern)), make([]float64, len(masks))
		out = append(out, k)
	}
	return out
}

func (j jointly) start() {
	for _, k := range j {
		clear(k.counts)
		clear(k.totals)
	}
}

// bits is what the combination of a candidate adds to the product of its levels.
func (j jointly) bits(r, candidate int) float64 { return j[r].bits[j[r].of[candidate]] }

// count notes that a candidate is so related with a probability.
func (j jointly) count(r, candidate int, p float64) {
	n := j[r].of[candidate]
	j[r].counts[n] += p
	j[r].totals[j[r].known[n]] += p
}

// end compares the counts with what the products make expect; thirty pairs more on both sides
// keep a few coincidences, or matches that pass for related, from counting.
func (j jointly) end() {
	for _, k := range j {
		for n := range k.bits {
			k.bits[n] = math.Log2((k.counts[n] + priorPairs) / (k.totals[k.known[n]]*k.apart[n] + priorPairs))
		}
	}
}

// write adds what was found to a model: the combinations that differ from the product.
func (l *learner) write(j jointly, m *Model) {
	for r, k := range j {
		order := make([]int, len(k.pattern))
		for n := range order {
			order[n] = n
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(k.pattern[a], k.pattern[b]) })
		for _, n := range order {
			if bits := round(k.bits[n]); math.Abs(bits) >= leastTogether {
				x := TogetherModel{Levels: map[string]string{}, Bits: bits}
				for c, q := range m.Comparisons {
					if i := k.pattern[n].level(c); i != unknown {
						x.Levels[q.Name] = q.Levels[i].Name
					}
				}
				m.Relations[r].Together = append(m.Relations[r].Together, x)
			}
		}
	}
}

// leastTogether is the number of bits from which a combination is worth a line of a model.
const leastTogether = 0.1
