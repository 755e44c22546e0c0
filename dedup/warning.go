package dedup

import "math"

// Warning says that a result is not to be trusted as it stands.
type Warning string

// The warnings there are.
const (
	// NoMatches says that the share of matches is at its floor, less than one in all pairs:
	// there are none, or what was compared cannot tell them from chance.
	NoMatches Warning = "no matches"
	// AllMatches says that the share of matches is at its ceiling: what was compared is so
	// common that nearly everything agrees.
	AllMatches Warning = "all matches"
	// Doubtful says that the model expects four times as many matches as the clusters hold or
	// more, two bits of every weight: most of what looks like a match contradicts the rest.
	Doubtful Warning = "doubtful"
	// Contradicted says that of the pairs that the clusters of a file of few records hold far more
	// differ in something than the model takes matches to. It learnt nothing about that, such as
	// the model numbers in a short list of products, and what it did learn joins variants; or
	// its assumption is wrong, as of two shops with numbers of their own. Answers of a person tell.
	Contradicted Warning = "contradicted"
)

// String explains the warning in a sentence.
func (w Warning) String() string {
	switch w {
	case NoMatches:
		return "hardly anything agrees more often than by chance: there are no duplicates, or these columns cannot tell them"
	case AllMatches:
		return "nearly everything agrees: these columns are too common to tell one record from another"
	case Doubtful:
		return "far more pairs look like matches than can be put together: these columns agree for other reasons, too"
	case Contradicted:
		return "what was put together differs too often in something that matches agree on: the records are too few to learn what tells them apart"
	}
	return string(w)
}

const (
	// leastMatches is the number of matches among all pairs below which their share cannot be
	// estimated to fall.
	leastMatches = 0.1
	// mostMatches is the share of matches above which it cannot be estimated to rise.
	mostMatches = 0.3
	// doubtful is how many times the matches that clusters hold a model may expect.
	doubtful = 4
)

// warn returns what is wrong with a result, as far as it can be seen without the truth.
func warn(m *Model, t *table, clusters []Cluster) []Warning {
	pairs := t.pairs()
	expected := m.Match * pairs
	switch {
	case t.len() < 2 || t.len() < m.Records: // a few records of those that were learnt from
		return nil
	case m.Match >= mostMatches*(1-1e-6):
		return []Warning{AllMatches}
	case expected <= leastMatches*(1+1e-6) && t.copied() == 0: // copies are matches, and no pairs
		return []Warning{NoMatches}
	}
	var out []Warning
	if contradicted(m, t, clusters) {
		out = append(out, Contradicted)
	}
	held := 0.0
	for _, c := range clusters {
		n := float64(len(c.Members))
		held += n * (n - 1) / 2
	}
	// One in a hundred records that is expected to have a match and has none is no reason.
	if expected > doubtful*held+float64(t.len())/100 {
		out = append(out, Doubtful)
	}
	return out
}

const (
	// fewRecords is the number of records up to which a comparison may matter that nothing taught:
	// a longer file has pairs that teach it.
	fewRecords = 5000
	// leastLinked is the number of pairs from which on they say something about all.
	leastLinked = 8
	// mostLinked bounds the pairs that are looked at, mostOfCluster those of one cluster.
	mostLinked, mostOfCluster = 10_000, 100
	// chanceExcess by the root of a number of pairs is the largest excess of a distribution
	// over its own sample, on average (Smirnov 1939).
	chanceExcess = 0.63
	// mostContrary is in how many comparisons more than matches do by the model linked pairs may
	// differ, each. It is .4 at most in the files of things/numbers_test.go and the small
	// populations of dedup/people, and about 1 in short lists whose precision is below a half.
	mostContrary = 0.6
)

// contradicted reports whether the pairs that clusters hold differ in what is compared far more
// often than the model says of matches. In those that it learnt they do not, as it learnt them from such
// pairs.
func contradicted(m *Model, t *table, clusters []Cluster) bool {
	if t.len() > fewRecords {
		return false
	}
	x := newComparer(t)
	counts := make([][17]float64, len(m.Comparisons))
	pairs := 0
	var rows []uint32
	for _, c := range clusters {
		rows = rows[:0]
		for _, id := range c.Members {
			if i, ok := t.find(id); ok { // a copy has no row
				rows = append(rows, i)
			}
		}
		looked := 0
		for k, i := range rows {
			for _, j := range rows[:k] {
				if looked >= mostOfCluster || pairs >= mostLinked {
					break
				}
				looked++
				pairs++
				p := x.compare(t.row(j), t.row(i))
				for c := range counts {
					if level := p.level(c); level != unknown {
						counts[c][level]++
					}
				}
			}
		}
	}
	contrary := 0.0
	for c, k := range m.Comparisons {
		total := 0.0
		for level := range k.Levels {
			total += counts[c][level]
		}
		if total < leastLinked {
			continue
		}
		seen, expected, excess := 0.0, 0.0, 0.0 // at a level or worse
		for level := len(k.Levels) - 1; level > 0; level-- {
			seen += counts[c][level] / total
			expected += k.Levels[level].M
			excess = max(excess, seen-expected)
		}
		contrary += max(0, excess-chanceExcess/math.Sqrt(total))
	}
	return contrary > mostContrary
}
