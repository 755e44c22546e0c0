package dedup

import (
	"cmp"
	"context"
	"math"
	"slices"
)

const (
	// samplePairs is the number of random pairs from which chance agreement is
	// measured: levels rarer than one in a million need no finer figure, as
	// equality, the rarest, is counted exactly.
	samplePairs = 500_000
	// learnPairs is the number of pairs per learning rule.
	learnPairs = 150_000
	// priorPairs is the weight of the assumed level shares of matches against
	// observed ones, in pairs: it decides for files of a few hundred records only.
	priorPairs = 30
	// mostRounds bounds the estimation; it ends when no share moves by 1e-4.
	mostRounds = 100
)

// learner estimates a model from a table.
type learner struct {
	p *plan
	t *table
	m [][]float64               // comparison × level
	u [][]float64               //
	r [MaxRelations][][]float64 //
	a [][]float64               // assumed m
}

// tally counts patterns.
type tally map[pattern]float64

type seen struct {
	p pattern
	n float64
}

func (t tally) sorted() []seen {
	out := make([]seen, 0, len(t))
	for p, n := range t {
		out = append(out, seen{p, n})
	}
	slices.SortFunc(out, func(a, b seen) int { return cmp.Compare(a.p, b.p) })
	return out
}

// learn estimates the model of a table, whose candidate pairs b holds.
func learn(ctx context.Context, t *table, b *blocking, limit caps, threads int) (*Model, error) {
	l := &learner{p: t.plan, t: t}
	l.assume()
	if err := l.chance(ctx, threads); err != nil {
		return nil, err
	}
	if err := l.estimate(ctx, b); err != nil {
		return nil, err
	}
	m := l.model(limit)
	return m, l.shares(ctx, m, b)
}

// assume sets the starting shares: what the schema says about matches, and for
// the rest nine tenths on equality, the remainder falling by half per level.
func (l *learner) assume() {
	for c, k := range l.p.comparisons {
		a := make([]float64, k.levels+1)
		given := 0.0
		for i, level := range l.p.schema.Comparisons[c].Levels {
			a[i] = level.M
			given += level.M
		}
		if given <= 0 || given >= 1 {
			left := 0.1
			for i := range a {
				a[i] = left / 2
				left /= 2
			}
			a[0] = 0.9
			given = 0
			for _, x := range a[:len(a)-1] {
				given += x
			}
		}
		a[len(a)-1] = max(1-given, 0.005)
		for i := range a {
			a[i] = max(a[i], 0.002)
		}
		l.a = append(l.a, normal(a))
		l.m = append(l.m, slices.Clone(l.a[c]))
	}
}

func normal(p []float64) []float64 {
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// chance measures how often unrelated records agree.
func (l *learner) chance(ctx context.Context, threads int) error {
	n := uint64(len(l.t.ids))
	counts := make([][17]float64, len(l.p.comparisons))
	if n > 1 {
		parts, err := parallel(ctx, threads, samplePairs/4096, func(chunk int, x *worker) error {
			if x.counts == nil {
				x.comparer = newComparer(l.t)
				x.counts = make([][17]float64, len(l.p.comparisons))
			}
			for s := uint64(chunk) * 4096; s < uint64(chunk+1)*4096; s++ {
				i, j := mix(s)%n, mix(s+1<<40)%n
				if i == j {
					continue
				}
				p := x.comparer.compare(l.t.row(uint32(i)), l.t.row(uint32(j)))
				for c := range x.counts {
					x.counts[c][p.level(c)]++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, x := range parts {
			for c := range x.counts {
				for i, v := range x.counts[c] {
					counts[c][i] += v
				}
			}
		}
	}
	for c, k := range l.p.comparisons {
		u := make([]float64, k.levels+1)
		total := 0.0
		for i := range u {
			u[i] = counts[c][i] + 0.5
			total += u[i]
		}
		for i := range u {
			u[i] /= total
		}
		if k.impliedBy < 0 {
			u[0] = l.equal(k.field)
			rest := 0.0
			for _, x := range u[1:] {
				rest += x
			}
			for i := range u[1:] {
				u[i+1] *= (1 - u[0]) / rest
			}
		}
		l.u = append(l.u, u)
	}
	return nil
}

// equal is the share of pairs of records that agree on a field among those where
// both know it.
func (l *learner) equal(f int) float64 {
	counts, known := l.counts(f)
	pairs := 0.0
	for _, n := range counts {
		pairs += float64(n) * float64(n-1)
	}
	all := float64(known) * float64(known-1)
	if all < 2 {
		return 0.01
	}
	// a file where nothing agrees says no more than "less than one pair", and
	// a value cannot be rarer than once in the file
	return min(max(pairs/all, 1/all, 0.1/float64(known)), 0.9)
}

// counts returns how many records have each value (element, for sets) of a field,
// without ignored ones.
func (l *learner) counts(f int) ([]int, int) {
	d := &l.t.dicts[f]
	counts, known := make([]int, len(d.values)), 0
	var buf [1]uint32
	for i := range l.t.ids {
		any := false
		for _, e := range d.parts(l.t.row(uint32(i))[f], &buf) {
			if d.ignored == nil || !d.ignored[e] {
				counts[e]++
				any = true
			}
		}
		if any {
			known++
		}
	}
	return counts, known
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
	var all []*run
	for r, rule := range l.p.blocks {
		if rule.learn == nil {
			continue
		}
		t := l.sample(b, r)
		if len(t) == 0 {
			continue
		}
		x := &run{seen: t.sorted()}
		x.share = [classes]float64{0.3, 0.5, 0.1, 0.1}
		all = append(all, x)
	}
	for r := range l.p.schema.Relations {
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
		if l.round(all) < 1e-4 {
			break
		}
	}
	return nil
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
	var sums [classes][MaxComparisons][16]float64
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

// model writes down what was learnt; the shares of the classes follow in shares.
func (l *learner) model(limit caps) *Model {
	m := &Model{
		Schema: l.p.fingerprint, Records: len(l.t.ids), Match: 1e-4,
		SpecificCap: limit.specific, WideCap: limit.wide,
	}
	for _, r := range l.p.schema.Relations {
		m.Relations = append(m.Relations, RelationModel{r.Name, 1e-4})
	}
	done := map[int]bool{}
	for c, k := range l.p.comparisons {
		cm := ComparisonModel{Name: k.name}
		for i := range l.m[c] {
			name := "else"
			if i < k.levels {
				name = l.p.schema.Comparisons[c].Levels[i].Name
			}
			lm := LevelModel{Name: name, M: round9(l.m[c][i]), U: round9(l.u[c][i])}
			for r := range l.p.schema.Relations {
				lm.Relations = append(lm.Relations, round9(l.r[r][c][i]))
			}
			cm.Levels = append(cm.Levels, lm)
		}
		m.Comparisons = append(m.Comparisons, cm)
		if k.frequency && !done[k.field] {
			done[k.field] = true
			m.Frequencies = append(m.Frequencies, l.frequency(k.field, k.identifier))
		}
	}
	return m
}

// round9 keeps nine significant digits, so that a model read back is the model written.
func round9(x float64) float64 {
	x = min(max(x, 1e-12), 1-1e-9)
	scale := math.Pow(10, 9-math.Ceil(math.Log10(x)))
	return math.Round(x*scale) / scale
}

// mostValues is the number of values of a field whose frequency a model keeps.
const mostValues = 20_000

func (l *learner) frequency(f int, identifier bool) FrequencyModel {
	counts, known := l.counts(f)
	out := FrequencyModel{Field: l.p.schema.Fields[f].Name, Known: known, Rest: 0.5 / float64(max(known, 1))}
	out.Rest = min(max(out.Rest, 1e-9), 0.5)
	if identifier {
		return out
	}
	type value struct {
		id uint32
		n  int
	}
	var common []value
	for id, n := range counts {
		if n > 1 {
			common = append(common, value{uint32(id), n})
		}
	}
	d := &l.t.dicts[f]
	slices.SortFunc(common, func(a, b value) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(d.values[a.id], d.values[b.id]))
	})
	if len(common) > mostValues {
		common = common[:mostValues]
	}
	out.Rest = round9(1 / float64(max(known, 2)))
	out.Values = make(map[string]float64, len(common))
	for _, v := range common {
		out.Values[valueHash(d.values[v.id])] = round9(float64(v.n) / float64(known))
	}
	return out
}

// shares estimates how common matches and relations are among all pairs of records:
// expectation-maximisation over the candidates with everything else fixed. Pairs
// that no rule picked count as chance.
func (l *learner) shares(ctx context.Context, m *Model, b *blocking) error {
	all := float64(len(l.t.ids)) * float64(len(l.t.ids)-1) / 2
	if all < 1 {
		return nil
	}
	m.Match = min(1/float64(len(l.t.ids)), 0.1)
	for r := range m.Relations {
		m.Relations[r].Share = m.Match
	}
	s := newScorer(l.p, m)
	s.frequencies(l.t)
	joints, scale := b.sampleJoint(s)
	if len(joints) == 0 {
		return nil
	}
	for k := range s.prior { // joints were scored with these priors; take them out
		for i := range joints {
			joints[i][k] -= float32(s.prior[k])
		}
	}
	for range mostRounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		prior := newScorer(l.p, m).prior
		var sums [classes]float64
		for _, j := range joints {
			var like [classes]float64
			most := math.Inf(-1)
			for k := 0; k < s.used; k++ {
				like[k] = float64(j[k]) + prior[k]
				most = max(most, like[k])
			}
			total := 0.0
			for k := 0; k < s.used; k++ {
				like[k] = math.Exp2(like[k] - most)
				total += like[k]
			}
			for k := 0; k < s.used; k++ {
				sums[k] += like[k] / total
			}
		}
		next := func(k int) float64 { return min(max(sums[k]*scale/all, 0.1/all), 0.3) }
		moved := math.Abs(math.Log2(next(classMatch) / m.Match))
		m.Match = next(classMatch)
		for r := range m.Relations {
			m.Relations[r].Share = next(2 + r)
		}
		if moved < 1e-3 {
			break
		}
	}
	m.Match = round9(m.Match)
	for r := range m.Relations {
		m.Relations[r].Share = round9(m.Relations[r].Share)
	}
	return nil
}

// sharePairs is the number of candidate pairs from which the shares are estimated.
const sharePairs = 400_000

// sampleJoint scores candidates of a sample of blocks, drawn by their hashed keys; scale
// is the number of candidates that one of them stands for.
func (b *blocking) sampleJoint(s *scorer) (joints [][classes]float32, scale float64) {
	var pairs int64
	for _, st := range b.stats {
		pairs += st.Pairs
	}
	part := min(1, sharePairs/float64(max(pairs, 1)))
	limit := uint64(part * float64(1<<32))
	x := newComparer(b.t)
	ids := make([]uint32, len(b.t.ids))
	for i, id := range b.t.ids {
		ids[i] = uint32(hashString(id))
	}
	for r := range b.runs {
		run := &b.runs[r]
		for k, key := range run.keys {
			records := run.records[run.bounds[k]:run.bounds[k+1]]
			for i, a := range records {
				for _, c := range records[i+1:] {
					if part < 1 && mix(uint64(key)<<32|uint64(ids[a]^ids[c]))>>32 >= limit {
						continue
					}
					if !b.fresh(r, key, a, c) {
						continue
					}
					j := s.joint(x, x.compare(b.t.row(a), b.t.row(c)))
					var f [classes]float32
					for q := range f {
						f[q] = float32(j[q])
					}
					joints = append(joints, f)
				}
			}
		}
	}
	return joints, 1 / part
}
