package dedup

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
	held := 0.0
	for _, c := range clusters {
		n := float64(len(c.Members))
		held += n * (n - 1) / 2
	}
	// One in a hundred records that is expected to have a match and has none is no reason.
	if expected > doubtful*held+float64(t.len())/100 {
		return []Warning{Doubtful}
	}
	return nil
}
