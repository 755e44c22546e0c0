package dedup

import (
	"context"
	"math"
)

// shares estimates how common matches and relations are among all pairs of records that may
// be one entity:
// expectation-maximisation over the candidates with everything else fixed. Pairs
// that no rule picked count as chance.
func (l *learner) shares(ctx context.Context, m *Model, b *blocking) error {
	all := l.t.pairs()
	if all < 1 {
		return nil
	}
	m.Match = min(1/float64(l.t.len()), 0.1)
	for r := range m.Relations {
		m.Relations[r].Share, m.Relations[r].Together = m.Match, nil
	}
	s := newScorer(l.p, m)
	s.adopt(l.t)
	if l.scale == 0 {
		l.draw(b)
	}
	if len(l.drawn) == 0 {
		return nil
	}
	joints := l.joints(s)
	joined := l.jointly(m)
	for range mostRounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		prior := m.priors()
		var sums [classes]float64
		joined.start()
		for i, j := range joints {
			var like [classes]float64
			most := math.Inf(-1)
			for k := 0; k < s.used; k++ {
				like[k] = float64(j[k]) + prior[k]
				if k >= 2 {
					like[k] += joined.bits(k-2, i)
				}
				most = max(most, like[k])
			}
			total := 0.0
			for k := 0; k < s.used; k++ {
				if d := like[k] - most; d > -40 {
					like[k] = math.Exp2(d)
					total += like[k]
				} else {
					like[k] = 0
				}
			}
			for k := 0; k < s.used; k++ {
				sums[k] += like[k] / total
				if k >= 2 {
					joined.count(k-2, i, like[k]/total)
				}
			}
		}
		joined.end()
		next := func(k int) float64 {
			sum, of := sums[k]*l.scale, all
			if k != classMatch {
				// A handful of records says nothing about relations: one related
				// pair for five matches is assumed, of whatever relation.
				pairs := assumedRecords * assumedRecords / 2
				sum, of = sum+pairs*m.Match/5/float64(len(m.Relations)), of+pairs
			}
			return min(max(sum/of, leastMatches/of), mostMatches)
		}
		moved := math.Abs(math.Log2(next(classMatch) / m.Match))
		m.Match = next(classMatch)
		for r := range m.Relations {
			m.Relations[r].Share = next(2 + r)
		}
		if moved < 1e-3 {
			break
		}
	}
	l.write(joined, m)
	m.Match = round9(m.Match)
	for r := range m.Relations {
		m.Relations[r].Share = round9(m.Relations[r].Share)
	}
	return nil
}

// joints returns of every pair of the sample how likely its pattern is in each class, as
// log2 and without the priors.
func (l *learner) joints(s *scorer) [][classes]float32 {
	joints := make([][classes]float32, len(l.drawn))
	x := &comparer{t: l.t}
	met := l.met
	for i, q := range l.drawn {
		for c := range x.agreed {
			if q.met>>c&1 != 0 {
				x.agreed[c], met = met[0], met[1:]
			}
		}
		for k := range l.p.wholes {
			x.wholes[k] = 0
			if q.met>>(maxComparisons+k)&1 != 0 {
				x.wholes[k], met = met[0], met[1:]
			}
		}
		j := s.joint(x, q.p)
		for k := range j { // without the priors
			joints[i][k] = float32(j[k] - s.prior[k])
		}
	}
	return joints
}

// sharePairs is the number of candidate pairs from which the shares are estimated.
var sharePairs = 250_000

// drawn is a pair of the sample: its pattern, and which comparisons and wholes name what agreed.
type drawn struct {
	p   pattern
	met uint32 // bit by comparison, then by whole
}

// draw draws candidates by the hashes of their keys and ids.
func (l *learner) draw(b *blocking) {
	var all int64
	for _, st := range b.stats {
		all += st.Pairs
	}
	part := min(1, float64(sharePairs)/float64(max(all, 1)))
	l.scale = 1 / part
	limit := uint64(part * float64(1<<32))
	expected := int(min(float64(all), float64(sharePairs)))
	l.drawn, l.met = make([]drawn, 0, expected+expected/8), make([]uint32, 0, 2*expected)
	ids := l.ids()
	x := newComparer(l.t)
	for r := range b.runs {
		run := &b.runs[r]
		for k, key := range run.keys {
			records := run.records[run.bounds[k]:run.bounds[k+1]]
			for i, a := range records {
				h := uint64(key)<<32 | uint64(ids[a])
				for _, c := range records[i+1:] {
					if part < 1 && mix(h^uint64(ids[c]))>>32 >= limit || l.t.rivals(a, c) || !b.fresh(r, key, b.live[a]&b.live[c]&(1<<r-1), b.t.row(a), b.t.row(c)) {
						continue
					}
					q := drawn{p: x.compare(l.t.row(a), l.t.row(c))}
					for c, k := range l.p.comparisons {
						if k.frequency && q.p.level(c) == 0 {
							q.met |= 1 << c
							l.met = append(l.met, x.agreed[c])
						}
					}
					for k := range l.p.wholes {
						if id := x.whole(k, q.p); id != 0 {
							q.met |= 1 << (maxComparisons + k)
							l.met = append(l.met, id)
						}
					}
					l.drawn = append(l.drawn, q)
				}
			}
		}
	}
}

// ids are the hashes of the records' ids, by which pairs are drawn.
func (l *learner) ids() []uint32 {
	if l.hashes == nil {
		l.hashes = make([]uint32, l.t.len())
		for i := range l.hashes {
			l.hashes[i] = uint32(hashString(l.t.id(uint32(i))))
		}
	}
	return l.hashes
}
