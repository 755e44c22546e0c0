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
	left  []bool             // by comparison: those its blocks were chosen by, which teach nothing
	tells [maxRelations]bool // relations that it can tell from a match
}

// told says which relations a rule's pairs can tell from matches: those that leave to
// chance something that the pairs show. Where all that is known is what the relation
// shares, it would take matches for itself, those with typing errors first.
func (x *run) told(p *plan) {
	var known [maxRelations]float64
	for _, s := range x.seen {
		for r := range p.schema.Relations {
			for c := range p.comparisons {
				if p.shared[r][c] == byChance && !x.left[c] && s.p.level(c) != unknown {
					known[r] += s.n
					break
				}
			}
		}
	}
	for r, n := range known {
		x.tells[r] = n >= priorPairs
	}
}

// startShares are the shares of the classes among a rule's pairs from which the estimation
// starts.
func startShares() [classes]float64 { return [classes]float64{0.3, 0.5, 0.1, 0.1, 0.1} }

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
				x := &run{seen: t.sorted(), left: rule.learn}
				x.told(l.p)
				l.runs = append(l.runs, x)
			}
		}
		l.teachers = make([]float64, len(l.p.comparisons))
		for c := range l.teachers {
			for _, x := range l.runs {
				if !x.left[c] && slices.ContainsFunc(x.seen, func(s seen) bool { return s.p.level(c) != unknown }) {
					l.teachers[c]++
				}
			}
			l.teachers[c] = max(l.teachers[c], 1)
		}
	}
	for _, x := range l.runs {
		x.share = startShares()
		for r, tells := range x.tells {
			if !tells {
				x.share[2+r] = 0
			}
		}
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
	l.sprout()
	for c, k := range l.p.comparisons {
		l.held[c] = k.steady > 0
	}
	for {
		for range mostRounds {
			if err := ctx.Err(); err != nil {
				return err
			}
			if l.round(l.runs) < 1e-4 {
				break
			}
		}
		if !l.release() {
			return nil
		}
	}
}

// release lets the data alone speak about the steady comparisons on which matches differ too
// often for an assumption that fewer pairs stand for, and reports whether there are such. Where nothing that a relation
// leaves to chance says that these pairs are matches, the relation has taken them by now.
func (l *learner) release() (any bool) {
	for c, p := range l.m {
		if !l.held[c] || l.weighed[c] < priorPairs*l.teachers[c] {
			continue
		}
		differ := 0.0
		for _, share := range p[l.p.comparisons[c].steady:] {
			differ += share
		}
		if differ >= math.Exp2(leastWeight) {
			l.held[c], any = false, true
		}
	}
	return any
}

// told takes in the labelled pairs. Those of a record count as one pair together: a split of
// a cluster is one word of a person, however many pairs it parts.
func (l *learner) told(labels []Decision) {
	if len(labels) == 0 {
		return
	}
	must, cannot := resolve(labels, l.t.holds(named(labels)))
	about := map[uint32]float64{}
	for k, pairs := range [][][2]uint32{cannot, must} {
		for _, q := range pairs {
			l.labels = append(l.labels, label{q, k == 1, 0})
			about[q[0]]++
			about[q[1]]++
		}
	}
	for i, x := range l.labels {
		l.labels[i].weight = 1 / max(about[x.pair[0]], about[x.pair[1]])
	}
}

// label is a pair that is known to be one entity or not, and for how much it counts.
type label struct {
	pair   [2]uint32
	same   bool
	weight float64
}

// surprise tallies by how much labels exceed what a model expects of their pairs, negative
// where fewer are matches than it takes them for. Labelled pairs are no sample: people are
// asked about what is in doubt, and complain about what is wrong. Counted like others they
// would make doubtful pairs common; labels that come out as expected teach nothing this way.
func (l *learner) surprise(m *Model) {
	if len(l.labels) == 0 {
		return
	}
	s := newScorer(l.p, m)
	s.adopt(l.t)
	x := newComparer(l.t)
	out := tally{}
	for _, q := range l.labels {
		p := x.compare(l.t.row(q.pair[0]), l.t.row(q.pair[1]))
		known := 0.0
		if q.same {
			known = 1
		}
		out[p] += q.weight * (known - Probability(s.weight(x, p)))
	}
	l.surprises = out.sorted()
}

// teach adds what labels showed to the sums of a round; what matches gain is lost by chance
// and the relations as the guess goes, and the other way round.
func (l *learner) teach(tab *likelihoods, sums *[classes][maxComparisons][16]float64, both *joined, share [classes]float64) {
	relations := len(l.p.schema.Relations)
	for _, s := range l.surprises {
		var part [classes]float64
		total := 0.0
		for k := 1; k < 2+relations; k++ {
			part[k] = share[k]
			for c := range l.p.comparisons {
				if i := s.p.level(c); i != unknown {
					part[k] *= tab[c][l.tree.given(c, s.p)][i][k]
				}
			}
			total += part[k]
		}
		for k := range part {
			part[k] *= -s.n / max(total, 1e-300)
		}
		part[classMatch] = s.n
		for k, w := range part {
			if k != classChance && w != 0 {
				l.note(sums, both, nil, s.p, k, w)
			}
		}
	}
	for k := range sums {
		for c := range sums[k] {
			for i := range sums[k][c] {
				sums[k][c][i] = max(0, sums[k][c][i])
				if both != nil && l.tree.parent[c] >= 0 {
					for j := range both[k][c][i] {
						both[k][c][i][j] = max(0, both[k][c][i][j])
					}
				}
			}
		}
	}
}

// note adds a pattern's levels to the sums of a class, w times: not those that were left
// out, nor, unless by the level of the other, those that depend on them.
func (l *learner) note(sums *[classes][maxComparisons][16]float64, both *joined, left []bool, p pattern, k int, w float64) {
	var skip [maxComparisons]bool
	if l.tree.branches {
		for c := range left {
			if q := l.tree.parent[c]; q >= 0 && (left[c] || left[q]) && p.level(c) != unknown && p.level(q) != unknown {
				skip[c], skip[q] = true, true
			}
		}
	}
	for c := range l.p.comparisons {
		i := p.level(c)
		if i == unknown || left != nil && left[c] {
			continue
		}
		if !skip[c] {
			sums[k][c][i] += w
		}
		if q := l.tree.parent[c]; q >= 0 {
			both[k][c][p.level(q)][i] += w
		}
	}
}

// blockPairs is the number of pairs that one block teaches with at most: a hundred blocks
// at least make up a sample, so that what is common in one of them is not taken for a rule.
var blockPairs = learnPairs / 100

// sample tallies the patterns of a learning rule, blocks in the order of their hashed keys
// until there are enough pairs.
func (l *learner) sample(b *blocking, r int) tally {
	if l.t.len() == 0 {
		return tally{}
	}
	run := &b.runs[r]
	order := make([]int, len(run.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Compare(mix(uint64(run.keys[i])), mix(uint64(run.keys[j])))
	})
	ids := l.ids()
	x, out, n := newComparer(l.t), tally{}, 0
	for _, k := range order {
		records := run.records[run.bounds[k]:run.bounds[k+1]]
		pairs := len(records) * (len(records) - 1) / 2
		limit := uint64(min(1, float64(blockPairs)/float64(pairs)) * (1 << 32))
		for i, a := range records {
			h := uint64(run.keys[k])<<32 | uint64(ids[a])
			for _, c := range records[i+1:] {
				if pairs > blockPairs && mix(h^uint64(ids[c]))>>32 >= limit || l.t.rivals(a, c) {
					continue
				}
				out[x.compare(l.t.row(a), l.t.row(c))]++
				n++
			}
		}
		if n >= learnPairs {
			break
		}
	}
	// An entity that was written more than once in the same way is a match, too: one, however
	// many copies there are.
	all := 0
	for k := range run.keys {
		size := int(run.bounds[k+1] - run.bounds[k])
		all += size * (size - 1) / 2
	}
	part := 1.0
	if all > 0 {
		part = float64(n) / float64(all)
	}
	for _, i := range l.t.doubled() {
		if key := b.t.firstKey(i, r); key != 0 && mix(uint64(key)<<32|uint64(ids[i]))>>32 < uint64(part*(1<<32)) {
			out[x.compare(l.t.row(i), l.t.row(i))]++
		}
	}
	return out
}

// round is one step of the estimation; it returns the largest change of a share of m.
func (l *learner) round(all []*run) float64 {
	relations := len(l.p.schema.Relations)
	var sums [classes][maxComparisons][16]float64
	both, tab := &joined{}, &likelihoods{}
	l.likelihoods(tab)
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
				g := l.tree.given(c, s.p)
				t := &tab[c][g][i]
				if !x.left[c] {
					for k := range 2 + relations {
						like[k] *= t[k]
					}
				} else if g != unknown && !x.left[l.tree.parent[c]] {
					// The block fixed this level; what it depends on is then likelier on some levels.
					for k := range 2 + relations {
						like[k] *= t[k] / tab[c][unknown][i][k]
					}
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
				l.note(&sums, both, x.left, s.p, k, w)
			}
			total += s.n
		}
		for k := range x.share {
			if k < 2 || x.tells[k-2] {
				x.share[k] = (shares[k] + 0.1) / (total + 0.4)
			}
		}
	}
	if len(l.surprises) > 0 {
		share := startShares()
		if len(all) > 0 {
			share = all[0].share
		}
		l.teach(tab, &sums, both, share)
	}
	moved := 0.0
	for c := range l.p.comparisons {
		next := blend(sums[classMatch][c][:len(l.m[c])], l.a[c], priorPairs*l.teachers[c])
		if l.held[c] {
			l.weighed[c] = 0
			for _, n := range sums[classMatch][c] {
				l.weighed[c] += n
			}
			for i := l.p.comparisons[c].steady; i < len(next); i++ {
				next[i] = min(next[i], math.Sqrt(next[i]*l.a[c][i]))
			}
			normal(next)
		}
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
				l.r[r][c] = blend(sums[2+r][c][:len(l.m[c])], prior, priorPairs*l.teachers[c])
			}
		}
	}
	l.grow(both)
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
