package dedup

import (
	"cmp"
	"math"
	"slices"
)

// Comparisons are taken to agree independently of one another, given the class of a pair.
// A town and its postcode do not: counted as two, they are worth twice what they say, and
// the estimation takes the pairs of one town for matches. Where the random pairs show that
// two comparisons depend on each other, the probabilities of one are therefore learnt for
// each level of the other: a dependence tree (Chow and Liu 1968), which counts joint
// evidence once and leaves independent comparisons as they were.

// likelihoods are the probabilities of levels by class: of comparison c, where the one it
// depends on is at level g (unknown where there is none or it says nothing), of level i.
type likelihoods [maxComparisons][16][16][classes]float64

// dependent are the probabilities of a comparison's levels, by level of its parent.
type dependent [16][]float64

// tree says what comparisons depend on, and how.
type tree struct {
	parent   [maxComparisons]int // -1 for none
	branches bool                // some comparison depends on another
	u        [maxComparisons]dependent
	m        [maxComparisons]dependent
	r        [maxRelations][maxComparisons]dependent
}

// given is the level of the comparison that c depends on, unknown where there is none.
func (t *tree) given(c int, p pattern) int {
	if q := t.parent[c]; q >= 0 {
		return p.level(q)
	}
	return unknown
}

// independent is the tree without a branch.
func independent() *tree {
	t := &tree{}
	for c := range t.parent {
		t.parent[c] = -1
	}
	return t
}

// likelihoods lays out the probabilities as they are now.
func (l *learner) likelihoods(out *likelihoods) {
	for c, k := range l.p.comparisons {
		for i := 0; i <= k.levels; i++ {
			x := &out[c][unknown][i]
			x[classMatch], x[classChance] = l.m[c][i], l.u[c][i]
			for r := range l.p.schema.Relations {
				x[2+r] = l.r[r][c][i]
			}
		}
		if l.tree.parent[c] < 0 {
			continue
		}
		for g := 0; g <= l.p.comparisons[l.tree.parent[c]].levels; g++ {
			for i := 0; i <= k.levels; i++ {
				x := &out[c][g][i]
				x[classMatch], x[classChance] = l.tree.m[c][g][i], l.tree.u[c][g][i]
				for r := range l.p.schema.Relations {
					x[2+r] = l.tree.r[r][c][g][i]
				}
			}
		}
	}
}

// joined counts, by class, how often a level of a comparison met one of its parent's.
type joined [classes][maxComparisons][16][16]float64

// joint is a table of two comparisons' levels among random pairs.
type joint struct {
	a, b  int // a < b
	n     [16][16]float64
	total float64
	bits  float64 // mutual information
	// Of the pairs in a cell, how many know another comparison, and agree on it: matches
	// would, and pairs that chance brought together do not.
	known, agree [16][16][maxComparisons]float64
}

// depend finds which comparisons depend on each other among unrelated records.
func (l *learner) depend() {
	next := independent()
	if len(l.random) == 0 { // of no records
		l.tree = next
		return
	}
	var tables []joint
	for a, x := range l.p.comparisons {
		for b := a + 1; b < len(l.p.comparisons); b++ {
			if x.impliedBy < 0 && l.p.comparisons[b].impliedBy < 0 && x.field != l.p.comparisons[b].field {
				tables = append(tables, joint{a: a, b: b})
			}
		}
	}
	for _, s := range l.random {
		for k := range tables {
			t := &tables[k]
			if i, j := s.p.level(t.a), s.p.level(t.b); i != unknown && j != unknown {
				t.n[i][j] += s.n
				t.total += s.n
			}
		}
	}
	scale := l.distinct()
	tables = slices.DeleteFunc(tables, func(t joint) bool { return !t.together(l.p, scale) })
	rare := make([]rareness, len(l.p.comparisons))
	for c := range rare {
		rare[c] = l.rare(c)
	}
	for _, s := range l.random {
		for k := range tables {
			t := &tables[k]
			i, j := s.p.level(t.a), s.p.level(t.b)
			if i == unknown || j == unknown {
				continue
			}
			for c, x := range l.p.comparisons {
				if h := s.p.level(c); h != unknown && x.impliedBy < 0 {
					t.known[i][j][c] += s.n
					if h < rare[c].levels {
						t.agree[i][j][c] += s.n
					}
				}
			}
		}
	}
	witness := l.witnesses(tables, scale, rare)
	kept := tables[:0]
	for k := range tables {
		cleaned := tables[k]
		if cleaned.clean(l, scale, rare, witness); cleaned.together(l.p, scale) {
			tables[k].bits = cleaned.bits
			kept = append(kept, tables[k])
		}
	}
	tables = kept
	slices.SortStableFunc(tables, func(x, y joint) int { return cmp.Compare(y.bits, x.bits) })
	// The heaviest spanning forest (Kruskal); in each tree the root is the comparison whose
	// agreement is rarest, since its values are what the others follow from.
	component := make([]int, len(l.p.comparisons))
	for c := range component {
		component[c] = c
	}
	edges := make([][]*joint, len(l.p.comparisons))
	for k := range tables {
		t := &tables[k]
		from, to := component[t.a], component[t.b]
		if from == to {
			continue
		}
		for c := range component {
			if component[c] == from {
				component[c] = to
			}
		}
		edges[t.a], edges[t.b] = append(edges[t.a], t), append(edges[t.b], t)
	}
	order := make([]int, len(l.p.comparisons))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l.u[a][0], l.u[b][0]) })
	reached := make([]bool, len(l.p.comparisons))
	for _, root := range order {
		if reached[root] {
			continue
		}
		reached[root] = true
		for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			for _, t := range edges[at] {
				child := t.a + t.b - at
				if reached[child] {
					continue
				}
				reached[child] = true
				queue = append(queue, child)
				next.parent[child], next.branches = at, true
				next.u[child] = t.conditional(child, l.p.comparisons[at].levels, l.u[child], scale)
			}
		}
	}
	l.tree = next
}

// coincide reports whether a relation explains why two comparisons agree together by
// coincidence, as namesakes do e-mail addresses made of their names.
func (p *plan) coincide(a, b int) bool {
	return slices.ContainsFunc(p.shared, func(lanes []lane) bool {
		return lanes[a] != byChance && lanes[b] != byChance && (lanes[a] == byNamesakes || lanes[b] == byNamesakes)
	})
}

// distinct is how many different pairs one of the random pairs stands for: in a small file
// they repeat.
func (l *learner) distinct() float64 {
	n := float64(l.t.len())
	drawn := 0.0
	for _, s := range l.random {
		drawn += s.n
	}
	return min(1, n*(n-1)/2/max(drawn, 1))
}

// coincidencePairs is how many pairs must agree on both where a relation explains some of
// them already: ten times as many as elsewhere, for e-mail addresses that are made of given
// names in such numbers that those who share them need not be namesakes.
var coincidencePairs = 300.0

// together reports whether the two depend: on some agreement of both there are at least
// thirty pairs, and twice as many as chance brings.
func (t *joint) together(p *plan, scale float64) bool {
	var a, b [16]float64
	for i := range t.n {
		for j, n := range t.n[i] {
			a[i] += n
			b[j] += n
		}
	}
	depends := false
	t.bits = 0
	least := priorPairs
	if p.coincide(t.a, t.b) {
		least = coincidencePairs
	}
	for i := range t.n {
		for j, n := range t.n[i] {
			if n <= 0 {
				continue
			}
			expected := a[i] * b[j] / t.total
			t.bits += n / t.total * math.Log2(n/expected)
			if i < p.comparisons[t.a].levels && j < p.comparisons[t.b].levels && n*scale >= least && n >= math.Exp2(leastExcess)*expected {
				depends = true
			}
		}
	}
	return depends
}

// leastExcess is the number of bits from which dependence counts: a pair that agrees on both
// comparisons is then overrated by it.
var leastExcess = 1.0

// rareness is how far a comparison's levels are agreement that chance hardly brings.
type rareness struct {
	levels int     // the first of them, from the closest
	chance float64 // how often two unrelated records agree by them
}

// rare finds them: as many as leave a match, which agrees leastAgreement of the time, apart
// from unrelated records. Rows of one evening differ by a digit as often as not, which says
// nothing of who wrote them.
func (l *learner) rare(c int) (out rareness) {
	for out.levels < l.p.comparisons[c].levels {
		next := out.chance + l.raw[c][out.levels]
		if leastAgreement-next < leastApart {
			break
		}
		out.levels++
		out.chance = next
	}
	return out
}

// leastApart is how much more often than chance a match must agree for the difference to count
// matches: with less, what is counted is divided by nearly nothing.
var leastApart = 0.1

// share is the part of a cell that comparison c takes for matches, and its standard error
// where there are none; not ok if c cannot say.
func (t *joint) share(c, i, j int, rare rareness, scale float64) (share, err float64, ok bool) {
	known := t.known[i][j][c]
	if c == t.a || c == t.b || known*scale < priorPairs || rare.levels == 0 {
		return 0, 0, false
	}
	apart := leastAgreement - rare.chance
	return (t.agree[i][j][c]/known - rare.chance) / apart, math.Sqrt(rare.chance*(1-rare.chance)/(known*scale)) / apart, true
}

// witnesses reports which comparisons follow matches: in some cell where two others agree, they
// agree more often than chance has it. Those of a row's own number or time do nowhere, and
// would say of every cell that it holds no match.
func (l *learner) witnesses(tables []joint, scale float64, rare []rareness) []bool {
	out := make([]bool, len(l.p.comparisons))
	for k := range tables {
		t := &tables[k]
		for i := range l.p.comparisons[t.a].levels {
			for j := range l.p.comparisons[t.b].levels {
				for c := range out {
					if share, err, ok := t.share(c, i, j, rare[c], scale); ok && share >= max(leastFollowing, 5*err) {
						out[c] = true
					}
				}
			}
		}
	}
	return out
}

// leastFollowing is the least share of matches in a cell by which a comparison shows that it
// follows them.
var leastFollowing = 0.125

// clean takes matches out of the cells where both agree. A match agrees on any other
// comparison half of the time at least, so no more of a cell can be matches than the one it
// agrees on least allows, nor more than the errors there can be. A cell of few pairs, or of
// which half may be matches, cannot tell and is left out. Nor can a comparison that follows
// matches nowhere, unless there is no other.
func (t *joint) clean(l *learner, scale float64, rare []rareness, witness []bool) {
	for i := range l.p.comparisons[t.a].levels {
		for j := range l.p.comparisons[t.b].levels {
			if t.n[i][j] == 0 {
				continue
			}
			most, alone, others := 1.0, 1.0, false
			for c := range l.p.comparisons {
				share, _, ok := t.share(c, i, j, rare[c], scale)
				if !ok {
					continue
				}
				if alone = min(alone, share); witness[c] {
					most, others = min(most, share), true
				}
			}
			if !others {
				most = alone
			}
			most = min(max(most, 0), 1)
			if most > 0.5 {
				most = 1
			}
			most = min(most, t.total/t.n[i][j]*min(l.errors(t.a, i), l.errors(t.b, j)))
			t.total -= most * t.n[i][j]
			t.n[i][j] *= 1 - most
		}
	}
}

// leastAgreement is the part of the matches that agree, somehow, on a field that both know:
// one that fails for more tells nothing of use.
var leastAgreement = 0.5

// conditional is the probability of each level of child by level of the other. Where few
// pairs were seen it is drawn to that of the next weaker level of the other, as closer
// agreement of the other makes no less of this one; the weakest to the one whatever the other's.
func (t *joint) conditional(child, parentLevels int, u []float64, scale float64) (out dependent) {
	for g := parentLevels; g >= 0; g-- {
		counts := make([]float64, len(u))
		for i := range counts {
			if child == t.a {
				counts[i] = t.n[i][g] * scale
			} else {
				counts[i] = t.n[g][i] * scale
			}
		}
		u = blend(counts, u, priorPairs)
		out[g] = u
	}
	return out
}

// sprout starts the estimation of what the tree holds of matches and relations: as if
// nothing depended.
func (l *learner) sprout() {
	t := l.tree
	for c, q := range t.parent {
		if q < 0 {
			continue
		}
		for g := 0; g <= l.p.comparisons[q].levels; g++ {
			t.m[c][g] = slices.Clone(l.m[c])
			for r := range l.p.schema.Relations {
				if l.p.shared[r][c] == byChance {
					t.r[r][c][g] = t.u[c][g]
				} else {
					t.r[r][c][g] = slices.Clone(l.r[r][c])
				}
			}
		}
	}
}

// grow is the part of a round that is about comparisons that depend on others.
func (l *learner) grow(both *joined) {
	t := l.tree
	for c, q := range t.parent {
		if q < 0 {
			continue
		}
		for g := 0; g <= l.p.comparisons[q].levels; g++ {
			t.m[c][g] = blend(both[classMatch][c][g][:len(l.m[c])], l.m[c], priorPairs)
			for r := range l.p.schema.Relations {
				if l.p.shared[r][c] == byChance {
					continue
				}
				counts := both[2+r][c][g][:len(l.m[c])]
				if l.p.shared[r][q] == byChance { // the relation shares the one and not what it depends on
					counts = make([]float64, len(l.m[c]))
				}
				t.r[r][c][g] = blend(counts, l.r[r][c], priorPairs)
			}
		}
	}
}
