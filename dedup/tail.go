package dedup

import (
	"math"
	"slices"
)

// A comparison that no learning rule says anything about, as the only column of a file of
// names, cannot be learnt from what else agrees: chance is measured on pairs that contain
// the matches, and what looks like a match looks like chance. What is left is the shape.
// Chance agreement of many words or letters falls ever faster from one step of a metric to
// the next (it is log-concave, as sums of independent agreements are); matches lie where it
// has become rare. So the fall is measured where chance is frequent and continued from there:
// the excess over it is matches (an empirical null: Efron 2004).

// lonely returns which graded comparisons no learning rule has taught: fewer pairs than what
// is assumed counts for.
func (l *learner) lonely() []bool {
	seen := make([]float64, len(l.p.comparisons))
	for _, x := range l.runs {
		for _, s := range x.seen {
			for c := range seen {
				if !x.left[c] && s.p.level(c) != unknown {
					seen[c] += s.n
				}
			}
		}
	}
	out := make([]bool, len(seen))
	for c, k := range l.p.comparisons {
		_, known := l.counts(k.field)
		out[c] = k.graded && known > 1 && seen[c] < priorPairs
	}
	return out
}

// excess replaces the chance agreement of lonely comparisons by the tail of what was measured.
// Related pairs, whose agreement cannot be told from that of matches, are as by chance.
func (l *learner) excess(b *blocking) {
	if slices.Contains(l.alone, true) && l.scale == 0 {
		l.draw(b)
	}
	for c, yes := range l.alone {
		if !yes {
			continue
		}
		l.u[c] = tail(l.measured(c), l.p.comparisons[c].groups[0].mins)
		for r := range l.p.schema.Relations {
			l.r[r][c] = l.u[c]
		}
	}
}

// exactly is the number of random pairs from which a share is known to a tenth.
const exactly = 100

// measured returns how the pairs that know a comparison are distributed over its levels: by
// the random pairs where they are many, and where they are few by the candidates, which hold
// nearly all that agree so well.
func (l *learner) measured(c int) []float64 {
	out := slices.Clone(l.raw[c])
	counts := make([]float64, len(out))
	for _, q := range l.drawn {
		if k := q.p.level(c); k != unknown {
			counts[k] += l.scale
		}
	}
	pairs := l.pairsOf(c)
	for k := range out[:len(out)-1] {
		if out[k]*float64(samplePairs) < exactly {
			out[k] = (counts[k] + 0.5) / pairs
		}
	}
	return normal(out)
}

// pairsOf is the number of pairs that know a comparison and may be one entity.
func (l *learner) pairsOf(c int) float64 {
	f := l.p.comparisons[c].field
	all, sources := 0.0, map[uint32]float64{}
	for i := range l.t.len() {
		if l.t.row(uint32(i))[f] == 0 {
			continue
		}
		all++
		if l.t.sources != nil && l.t.sources[i] != 0 {
			sources[l.t.sources[i]]++
		}
	}
	pairs := all * (all - 1) / 2
	for _, n := range sources { // whole numbers: their order does not matter
		pairs -= n * (n - 1) / 2
	}
	return max(pairs, 1)
}

// tail returns shares of levels (equality, the steps with these least values, none of them)
// with the upper ones at most what the fall of the lower ones, made steady, leaves of them.
func tail(raw, mins []float64) []float64 {
	out := slices.Clone(raw)
	n := len(mins) // the weakest step is level n
	width := func(level int) float64 {
		if level == 1 {
			return 1 - mins[0]
		}
		return mins[level-2] - mins[level-1]
	}
	// rise is the logarithm of the widths of two neighbours; equality is a point and has none.
	rise := func(level int) float64 {
		if level == 0 {
			return 0
		}
		return math.Log(width(level) / width(level+1))
	}
	type step struct {
		fall, weight float64
		n            int
	}
	var steps []step // from the weakest up, pooled so that each falls faster than the one before
	for level := n - 1; level >= 0; level-- {
		steps = append(steps, step{math.Log(raw[level]/raw[level+1]) - rise(level), raw[level], 1})
		for k := len(steps) - 1; k > 0 && steps[k].fall > steps[k-1].fall; k-- {
			a, b := steps[k-1], steps[k]
			w := a.weight + b.weight
			steps[k-1] = step{(a.fall*a.weight + b.fall*b.weight) / w, w, a.n + b.n}
			steps = steps[:k]
		}
	}
	level := n - 1
	for _, s := range steps {
		for range s.n {
			out[level] = min(out[level], out[level+1]*math.Exp(s.fall+rise(level)))
			level--
		}
	}
	return normal(out)
}

// surplusRounds is the number of times that matches and their share are learnt from each
// other; the last ones change little.
const surplusRounds = 10

// surplus learns from the candidates as the model judges them what matches agree on in
// lonely comparisons, and what is left to chance, and reports whether that changed the model.
func (l *learner) surplus(m *Model) bool {
	if !slices.Contains(l.alone, true) || len(l.drawn) == 0 {
		return false
	}
	s := newScorer(l.p, m)
	s.adopt(l.t)
	matches := make([][16]float64, len(l.alone))
	for i, j := range l.joints(s) {
		var like [classes]float64
		for k := 0; k < s.used; k++ {
			like[k] = float64(j[k]) + s.prior[k]
		}
		match := Probability(s.odds(like)) * l.scale
		for c, yes := range l.alone {
			if k := l.drawn[i].p.level(c); yes && k != unknown {
				matches[c][k] += match
			}
		}
	}
	moved := 0.0
	for c, yes := range l.alone {
		if !yes {
			continue
		}
		n := len(l.m[c])
		// Records of one entity are rather alike than not: what rises again below their most
		// frequent level is pairs that are related.
		top, mins := 0, l.p.comparisons[c].groups[0].mins
		for k := 1; k < n-1 && mins[k-1] >= 0.5; k++ {
			if matches[c][k] > matches[c][top] {
				top = k
			}
		}
		pairs := l.pairsOf(c)
		u := tail(l.measured(c), mins)
		for k := top + 1; k < n; k++ {
			if over := matches[c][k] - matches[c][k-1]; over > 0 {
				matches[c][k] = matches[c][k-1]
				u[k] += over / pairs
			}
		}
		normal(u)
		next := blend(matches[c][:n], l.a[c], priorPairs)
		for k, p := range next {
			moved = max(moved, math.Abs(p-l.m[c][k]))
			m.Comparisons[c].Levels[k].M, m.Comparisons[c].Levels[k].U = round9(p), round9(u[k])
		}
		l.m[c], l.u[c] = next, u
	}
	return moved > 1e-3
}
