package dedup

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// tally counts patterns.
type tally map[pattern]float64

// seen is a pattern and how many pairs have it.
type seen struct {
	p pattern
	n float64
}

// sorted lists patterns in rising order: sums of floats depend on their order, and maps
// have none.
func (t tally) sorted() []seen {
	out := make([]seen, 0, len(t))
	for p, n := range t {
		out = append(out, seen{p, n})
	}
	slices.SortFunc(out, func(a, b seen) int { return cmp.Compare(a.p, b.p) })
	return out
}

// run is a learning rule's pairs.
type run struct {
	seen  []seen
	share [classes]float64
}

// estimate runs expectation-maximisation over the learning rules at once: every
// rule has its own shares of the classes, the probabilities are common, and a rule
// says nothing about the comparisons its blocks were chosen by.
func (l *learner) estimate(ctx context.Context, b *blocking) error {
	if l.runs == nil {
		for r, rule := range l.p.blocks {
			if rule.learn == nil {
				continue
			}
			if t := l.sample(b, r); len(t) > 0 {
				l.runs = append(l.runs, &run{seen: t.sorted()})
			}
		}
	}
	for _, x := range l.runs {
		x.share = [classes]float64{0.3, 0.5, 0.1, 0.1}
	}
	for r := range l.p.schema.Relations {
		l.r[r] = nil
		for c := range l.p.comparisons {
			p := slices.Clone(l.u[c])
			switch l.p.shared[r][c] {
			case byRelation:
				for i := range p {
					p[i] = (p[i] + l.m[c][i]) / 2
				}
			case byNamesakes:
				copy(p, l.m[c])
			}
			l.r[r] = append(l.r[r], p)
		}
	}
	for range mostRounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.round(l.runs) < 1e-4 {
			break
		}
	}
	return nil
}

// told tallies the patterns of labelled pairs.
func (l *learner) told(labels []Decision) {
	if len(labels) == 0 {
		return
	}
	must, cannot := resolve(labels, l.t.find)
	l.pairs = [2][][2]uint32{cannot, must}
	x := newComparer(l.t)
	for k, pairs := range l.pairs {
		out := tally{}
		for _, q := range pairs {
			out[x.compare(l.t.row(q[0]), l.t.row(q[1]))]++
		}
		l.labelled[k] = out.sorted()
	}
}

// teach adds the labelled pairs to the sums of a round: a match is one, and what is no
// match is divided among chance and the relations as the guess goes.
func (l *learner) teach(sums *[classes][maxComparisons][16]float64, share [classes]float64) {
	relations := len(l.p.schema.Relations)
	for known, patterns := range l.labelled {
		for _, s := range patterns {
			var part [classes]float64
			if known == 1 {
				part[classMatch] = s.n
			} else {
				total := 0.0
				for k := 1; k < 2+relations; k++ {
					part[k] = share[k]
					for c := range l.p.comparisons {
						if i := s.p.level(c); i == unknown {
							continue
						} else if k == classChance {
							part[k] *= l.u[c][i]
						} else {
							part[k] *= l.r[k-2][c][i]
						}
					}
					total += part[k]
				}
				for k := range part {
					part[k] *= s.n / max(total, 1e-300)
				}
			}
			for k, w := range part {
				if k == classChance || w == 0 {
					continue
				}
				for c := range l.p.comparisons {
					if i := s.p.level(c); i != unknown {
						sums[k][c][i] += w
					}
				}
			}
		}
	}
}

// sample tallies the patterns of a learning rule, whole blocks in the order of
// their hashed keys until there are enough.
func (l *learner) sample(b *blocking, r int) tally {
	run := &b.runs[r]
	order := make([]int, len(run.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Compare(mix(uint64(run.keys[i])), mix(uint64(run.keys[j])))
	})
	x, out, n := newComparer(l.t), tally{}, 0
	for _, k := range order {
		records := run.records[run.bounds[k]:run.bounds[k+1]]
		for i, a := range records {
			for _, c := range records[i+1:] {
				if l.t.rivals(a, c) {
					continue
				}
				p := x.compare(l.t.row(a), l.t.row(c))
				for k, left := range l.p.blocks[r].learn {
					if left {
						p |= unknown << (4 * k)
					}
				}
				out[p]++
				n++
			}
		}
		if n >= learnPairs {
			break
		}
	}
	return out
}

// round is one step of the estimation; it returns the largest change of a share of m.
func (l *learner) round(all []*run) float64 {
	relations := len(l.p.schema.Relations)
	var sums [classes][maxComparisons][16]float64
	for _, x := range all {
		var shares [classes]float64
		total := 0.0
		for _, s := range x.seen {
			like := x.share
			for c := range l.p.comparisons {
				i := s.p.level(c)
				if i == unknown {
					continue
				}
				like[classMatch] *= l.m[c][i]
				like[classChance] *= l.u[c][i]
				for r := range relations {
					like[2+r] *= l.r[r][c][i]
				}
			}
			all := 0.0
			for k := 0; k < 2+relations; k++ {
				all += like[k]
			}
			if all <= 0 {
				continue
			}
			for k := 0; k < 2+relations; k++ {
				w := like[k] / all * s.n
				shares[k] += w
				if k == classChance {
					continue
				}
				for c := range l.p.comparisons {
					if i := s.p.level(c); i != unknown {
						sums[k][c][i] += w
					}
				}
			}
			total += s.n
		}
		for k := range x.share {
			x.share[k] = (shares[k] + 0.1) / (total + 0.4)
		}
	}
	if l.labelled[0] != nil || l.labelled[1] != nil {
		share := [classes]float64{0.3, 0.5, 0.1, 0.1}
		if len(all) > 0 {
			share = all[0].share
		}
		l.teach(&sums, share)
	}
	moved := 0.0
	for c := range l.p.comparisons {
		next := blend(sums[classMatch][c][:len(l.m[c])], l.a[c], priorPairs)
		for i := range next {
			moved = max(moved, math.Abs(next[i]-l.m[c][i]))
		}
		l.m[c] = next
		for r := range relations {
			if l.p.shared[r][c] != byChance {
				prior := slices.Clone(l.u[c])
				for i := range prior {
					prior[i] = (prior[i] + l.a[c][i]) / 2
				}
				l.r[r][c] = blend(sums[2+r][c][:len(l.m[c])], prior, priorPairs)
			}
		}
	}
	return moved
}

// blend is the share of observed counts with the assumed ones as so many pairs.
func blend(counts, assumed []float64, pairs float64) []float64 {
	out, total := make([]float64, len(counts)), pairs
	for _, n := range counts {
		total += n
	}
	for i, n := range counts {
		out[i] = max((n+assumed[i]*pairs)/total, 1e-6)
	}
	return normal(out)
}
