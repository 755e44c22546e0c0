package dedup

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// These are variables for a test that moves them, see TestConstants; nothing else does.
var (
	// samplePairs is the number of random pairs from which chance agreement is
	// measured: levels rarer than one in a hundred thousand
	// need no finer figure, as equality, the rarest of them, is counted exactly.
	samplePairs = 400_000
	// learnPairs is the number of pairs per learning rule.
	learnPairs = 100_000
	// priorPairs is the weight of the assumed level shares of matches against
	// observed ones, in pairs: it decides for files of a few hundred records only.
	priorPairs = 30.0
	// assumedRecords is the number of records that assumptions about chance count for.
	assumedRecords = 200.0
	// leastChance is the part of measured agreement that is chance at the least; the
	// difference of two nearly equal estimates is not known better than that.
	leastChance = 0.05
)

const (
	// mostRounds bounds the estimation; it ends when no share moves by 1e-4.
	mostRounds = 100
)

// learner estimates a model from a table.
type learner struct {
	p        *plan
	t        *table
	raw      [][]float64               // comparison × level: agreement of random pairs
	same     []float64                 // comparison: equality of random pairs, whatever was assumed
	u        [][]float64               // of pairs that have nothing to do with each other
	m        [][]float64               // of matches
	r        [maxRelations][][]float64 // of related pairs
	tree     *tree                     // the same for comparisons that depend on others
	random   []seen                    // patterns of random pairs
	a        [][]float64               // of matches, as assumed before looking
	runs     []*run                    // patterns of the learning rules
	drawn    []drawn                   // sample of all candidates
	teachers []float64                 // by comparison: rules that teach it
	met      []uint32                  // what agreed in them
	held     [maxComparisons]bool      // steady comparisons whose assumption counts, see [Comparison.Steady]
	weighed  [maxComparisons]float64   // matches seen by those
	scale    float64                   // candidates that one of them stands for

	labels    []label
	surprises []seen    // what they show beyond what the model expects
	tallies   []tallied // by field
	alone     []bool    // by comparison: taught by nothing, see tail.go
	hashes    []uint32  // of ids, by row
}

// learn estimates the model of a table, whose candidate pairs b holds.
func learn(ctx context.Context, t *table, b *blocking, limit caps, threads int, labels []Decision, step func(int64)) (*Model, error) {
	l := &learner{p: t.plan, t: t, tree: independent()}
	l.told(labels)
	l.assume()
	if err := l.chance(ctx, threads); err != nil {
		return nil, err
	}
	l.depend()
	// What random pairs show as chance contains the matches among them. In a small file
	// with many duplicates that is most of the agreement, so it is taken out once the
	// share of matches is known, and everything is estimated again.
	var m *Model
	for round := range corrections + 1 {
		if m != nil {
			l.correct(m)
			if round == corrections {
				l.surprise(m)
			}
		}
		if err := l.estimate(ctx, b); err != nil {
			return nil, err
		}
		l.alone = l.lonely()
		l.excess(b)
		next := l.model(limit, m)
		if err := l.shares(ctx, next, b); err != nil {
			return nil, err
		}
		for range surplusRounds {
			if !l.surplus(next) {
				break
			}
			if err := l.shares(ctx, next, b); err != nil {
				return nil, err
			}
		}
		m = next
		step(1)
	}
	return m, nil
}

// corrections is the number of times chance agreement is cleaned of matches; the second
// time changes little.
const corrections = 2

// correct takes matches and related pairs out of the measured agreement.
func (l *learner) correct(m *Model) {
	none := 1 - m.Match
	for _, r := range m.Relations {
		none -= r.Share
	}
	for c, raw := range l.raw {
		u := make([]float64, len(raw))
		for i, share := range raw {
			other := m.Match * l.m[c][i]
			for r := range m.Relations {
				if l.p.shared[r][c] != byChance {
					other += m.Relations[r].Share * l.r[r][c][i]
				}
			}
			u[i] = max((share-other)/none, share*leastChance, share-l.errors(c, i))
		}
		l.u[c] = normal(u)
	}
}

// errors is the most of all pairs that can be matches on a level: those that are equal, if
// the level is an error, see [Level.Error].
func (l *learner) errors(c, level int) float64 {
	if levels := l.p.schema.Comparisons[c].Levels; level < len(levels) && levels[level].Error {
		return l.same[c]
	}
	return 1
}

// across reports whether chance is that of pairs that may be one entity: a source that has
// everything once writes it in one way, and would show more chance agreement than there is
// with others. At least a pair for each record must be left.
func (l *learner) across() bool { return l.t.sources != nil && l.t.pairs() >= float64(l.t.len()) }

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

// normal scales probabilities to the sum 1, in place.
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
	n := uint64(l.t.len())
	counts := make([][17]float64, len(l.p.comparisons))
	across := l.across()
	if n > 1 {
		chunks := min(uint64(samplePairs), 2*n*n)/4096 + 1 // a small file has no more pairs than that
		parts, err := parallel(ctx, threads, int(chunks), func(chunk int, x *worker) error {
			if x.counts == nil {
				x.comparer = newComparer(l.t)
				x.counts, x.random = make([][17]float64, len(l.p.comparisons)), tally{}
			}
			for s := uint64(chunk) * 4096; s < uint64(chunk+1)*4096; s++ {
				i, j := mix(s)%n, mix(s+1<<40)%n
				if i == j || across && l.t.rivals(uint32(i), uint32(j)) {
					continue
				}
				p := x.comparer.compare(l.t.row(uint32(i)), l.t.row(uint32(j)))
				x.random[p]++
				for c := range x.counts {
					x.counts[c][p.level(c)]++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		random := tally{}
		for _, x := range parts {
			for p, n := range x.random {
				random[p] += n
			}
			for c := range x.counts {
				for i, v := range x.counts[c] {
					counts[c][i] += v
				}
			}
		}
		l.random = random.sorted()
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
		if k.impliedBy < 0 && !k.crossed {
			u[0] = l.equal(k.field)
			rest := 0.0
			for _, x := range u[1:] {
				rest += x
			}
			for i := range u[1:] {
				u[i+1] *= (1 - u[0]) / rest
			}
		}
		l.same = append(l.same, u[0])
		l.temper(c, u, total*l.distinct())
		l.u = append(l.u, u)
		l.raw = append(l.raw, slices.Clone(u))
	}
	return nil
}

// temper draws measured chance agreement of a small file towards what the schema assumes
// of a population, as the geometric mean with the assumption counting as so many records.
// Errors that are oftener than equality are no assumption but seen, in so many pairs.
func (l *learner) temper(c int, u []float64, pairs float64) {
	equal := u[0]
	weight := assumedRecords / (assumedRecords + float64(l.t.len()))
	rest := 1.0
	for i, level := range l.p.schema.Comparisons[c].Levels {
		assumed := level.U
		if assumed == 0 {
			assumed = 0.01
		}
		rest -= assumed
		seen := u[i] - equal
		u[i] = math.Exp2((1-weight)*math.Log2(u[i]) + weight*math.Log2(assumed))
		if level.Error && seen*pairs >= priorPairs {
			u[i] = max(u[i], seen)
		}
	}
	last := len(u) - 1
	u[last] = math.Exp2((1-weight)*math.Log2(u[last]) + weight*math.Log2(max(rest, 0.01)))
	normal(u)
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
	if l.across() {
		agree, know := l.rivals(f)
		pairs, all = pairs-agree, all-know
	}
	if all < 2 {
		return 0.01
	}
	// a file where nothing agrees says no more than "less than one pair", and
	// a value cannot be rarer than once in the file
	return min(max(pairs/all, 1/all, 0.1/float64(known)), 0.9)
}

// rivals returns how many ordered pairs of records that cannot be one entity agree on a field,
// and how many know it.
func (l *learner) rivals(f int) (agree, know float64) {
	d := &l.t.dicts[f]
	values, sources := map[[2]uint32]float64{}, map[uint32]float64{}
	var buf [1]uint32
	for i, s := range l.t.sources {
		parts := d.parts(l.t.row(uint32(i))[f], &buf)
		if s == 0 || len(parts) == 0 {
			continue
		}
		know += 2 * sources[s]
		sources[s]++
		for _, e := range parts {
			agree += 2 * values[[2]uint32{e, s}]
			values[[2]uint32{e, s}]++
		}
	}
	return agree, know
}

// tallied is how many records have each value (element, for sets) of a field.
type tallied struct {
	counts []uint32
	known  int
	common []held // see learner.common
}

// counts tallies a field, without ignored values, once.
func (l *learner) counts(f int) ([]uint32, int) {
	if l.tallies == nil {
		l.tallies = make([]tallied, len(l.t.dicts))
	}
	out := &l.tallies[f]
	if out.counts != nil {
		return out.counts, out.known
	}
	d := &l.t.dicts[f]
	out.counts = make([]uint32, d.len())
	var buf [1]uint32
	for i := range l.t.len() {
		any := false
		for _, e := range d.parts(l.t.row(uint32(i))[f], &buf) {
			if d.ignored == nil || !d.ignored[e] {
				out.counts[e]++
				any = true
			}
		}
		if any {
			out.known++
		}
	}
	return out.counts, out.known
}

// model writes down what was learnt; the shares of the classes follow in shares.
func (l *learner) model(limit caps, before *Model) *Model {
	m := &Model{
		Format: ModelFormat, Schema: l.p.fingerprint, Records: l.t.len(), Match: 1e-4,
		SpecificCap: limit.specific, WideCap: limit.wide,
	}
	for _, r := range l.p.schema.Relations {
		m.Relations = append(m.Relations, RelationModel{Name: r.Name, Share: 1e-4})
	}
	done := map[int]bool{}
	for c, k := range l.p.comparisons {
		_, known := l.counts(k.field)
		cm := ComparisonModel{Name: k.name, Assumed: known == 0}
		for i := range l.m[c] {
			name := none
			if i < k.levels {
				name = l.p.schema.Comparisons[c].Levels[i].Name
			}
			lm := LevelModel{Name: name, M: round9(l.m[c][i]), U: round9(l.u[c][i])}
			for r := range l.p.schema.Relations {
				lm.Relations = append(lm.Relations, round9(l.r[r][c][i]))
			}
			cm.Levels = append(cm.Levels, lm)
		}
		if q := l.tree.parent[c]; q >= 0 {
			cm.Given = l.p.comparisons[q].name
			for g := 0; g <= l.p.comparisons[q].levels; g++ {
				levels := slices.Clone(cm.Levels)
				for i := range levels {
					levels[i].M, levels[i].U, levels[i].Relations = round9(l.tree.m[c][g][i]), round9(l.tree.u[c][g][i]), nil
					for r := range l.p.schema.Relations {
						levels[i].Relations = append(levels[i].Relations, round9(l.tree.r[r][c][g][i]))
					}
				}
				cm.GivenLevels = append(cm.GivenLevels, levels)
			}
		}
		m.Comparisons = append(m.Comparisons, cm)
		if k.frequency && !done[k.field] {
			done[k.field] = true
			same := 0.0
			if before != nil {
				n := float64(l.t.len())
				same = before.Match * l.m[c][0] * l.t.pairs() / max(n*(n-1)/2, 1)
			}
			m.Frequencies = append(m.Frequencies, l.frequency(k.field, k.identifier, l.u[c][0], same))
		}
	}
	for _, w := range l.p.wholes {
		if done[w.field] {
			continue
		}
		done[w.field] = true
		chance, same := 1.0, 0.0
		if before != nil {
			same = before.Match
		}
		for _, c := range w.parts {
			chance *= l.u[c][0]
			same *= l.m[c][0]
		}
		m.Frequencies = append(m.Frequencies, l.frequency(w.field, false, chance, same))
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

// held is a value and how many records have it.
type held struct{ id, n uint32 }

// common lists the values of a field that more than two records have, the most frequent
// first, once.
func (l *learner) common(f int) []held {
	counts, _ := l.counts(f)
	out := &l.tallies[f]
	if out.common == nil {
		out.common = []held{}
		for id, n := range counts {
			if n > 2 {
				out.common = append(out.common, held{uint32(id), n})
			}
		}
		d := &l.t.dicts[f]
		slices.SortFunc(out.common, func(a, b held) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(d.text(a.id), d.text(b.id)))
		})
		out.common = slices.Clip(out.common[:min(len(out.common), mostValues)])
	}
	return out.common
}

// frequency measures how common the values of a field are among unrelated records:
// chance is the mean agreement, and same the share of all pairs that agree because they
// are one entity.
func (l *learner) frequency(f int, identifier bool, chance, same float64) FrequencyModel {
	_, known := l.counts(f)
	out := FrequencyModel{Field: l.p.schema.Fields[f].Name, Known: known, Same: round9(same * float64(known))}
	out.Rest = round9(min(chance, 0.5/float64(max(known, 1))))
	if identifier {
		return out
	}
	d := &l.t.dicts[f]
	common := l.common(f)
	for n := len(common); n > 0 && float64(common[n-1].n) <= 2+out.Same; n-- {
		common = common[:n-1]
	}
	if len(common) > 0 {
		out.Values = make(map[string]float64, len(common))
	}
	for _, v := range common {
		out.Values[valueHash(d.text(v.id))] = round9(out.share(float64(v.n), chance))
	}
	return out
}
