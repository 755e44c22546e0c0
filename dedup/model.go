package dedup

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// Model is what was learnt from data: everything that a score depends on beside
// the two records and the schema. It is saved and loaded as JSON. Values appear
// in it as hashes only, which keeps names out of sight but is no anonymisation.
type Model struct {
	Format  int    `json:"format"`  // version of this form and of what its numbers mean, [ModelFormat]
	Schema  string `json:"schema"`  // name, version and fingerprint of the schema it was learnt with
	Records int    `json:"records"` // it was learnt from
	// Match is the probability that two records picked at random, of those that may be one
	// entity (see Options.OnePerSource), are one.
	Match       float64           `json:"match"`
	Relations   []RelationModel   `json:"relations,omitempty"`   // in the order of the schema
	Comparisons []ComparisonModel `json:"comparisons"`           // in the order of the schema
	Frequencies []FrequencyModel  `json:"frequencies,omitempty"` // of the fields whose comparison asks for them
	// Calibration corrects weights by what labels showed; nil without labels.
	Calibration *Calibration `json:"calibration,omitempty"`
	// SpecificCap and WideCap are the largest blocks compared, in records.
	SpecificCap int `json:"specific_cap"`
	WideCap     int `json:"wide_cap"`
}

// RelationModel is the probability that two random records are so related.
type RelationModel struct {
	// Name is that of the schema's Relation.
	Name string `json:"name"`
	// Share is of pairs of records picked at random, above 0 and below 1.
	Share float64 `json:"share"`
	// Together lists what the relation shares together more or less often than each by
	// itself: namesakes have one e-mail address where both their names are equal.
	Together []TogetherModel `json:"together,omitempty"`
}

// TogetherModel is a combination of levels of what a relation shares.
type TogetherModel struct {
	Levels map[string]string `json:"levels"` // by comparison; one that is missing is unknown
	Bits   float64           `json:"bits"`   // log2 of how much likelier it is than the product of its levels
}

// ComparisonModel holds the probabilities of a comparison's levels.
type ComparisonModel struct {
	// Name is that of the schema's Comparison.
	Name   string       `json:"name"`
	Levels []LevelModel `json:"levels"` // the last one is "none of them"
	// Assumed says that no record had a value: the probabilities are the schema's.
	Assumed bool `json:"assumed,omitempty"`
	// Given names the comparison that this one depends on: among unrelated records the
	// two agree together more often than apart, as town and postcode do. GivenLevels are
	// then the probabilities by level of that one, "none of them" last, and Levels hold
	// where it is unknown.
	Given       string         `json:"given,omitempty"`
	GivenLevels [][]LevelModel `json:"given_levels,omitempty"`
}

// LevelModel is a level's probability in a match (M), by chance (U), and in each
// relation that has its own (else U).
type LevelModel struct {
	Name      string    `json:"name"`
	M         float64   `json:"m"`
	U         float64   `json:"u"`
	Relations []float64 `json:"relations,omitempty"` // in the order of Model.Relations
}

// FrequencyModel holds the share of each common value of a field among the
// records that have one; a value not listed has the share Rest.
type FrequencyModel struct {
	// Field is the name of the field.
	Field string `json:"field"`
	// Rest is the share of a value that Values does not list.
	Rest   float64            `json:"rest"`
	Known  int                `json:"known"`            // records that had a value
	Same   float64            `json:"same"`             // other records of its own entity that have a record's value, on average
	Values map[string]float64 `json:"values,omitempty"` // by the hash of the value
}

// share is the frequency, among unrelated records, of a value that two records agree on
// and n have: the two say nothing about it, and their duplicates have it for another
// reason. In a small file a few holders are no frequency; there it is drawn to chance,
// the mean.
func (f FrequencyModel) share(n, chance float64) float64 {
	counted := max((n-2-f.Same)/float64(max(f.Known, 1)), f.Rest)
	weight := assumedRecords / (assumedRecords + float64(f.Known))
	return min(math.Exp2((1-weight)*math.Log2(counted)+weight*math.Log2(chance)), 0.9)
}

// ModelFormat is the version of the models that this package writes and reads. It rises
// when a model would mean something else: with the form of the file, the metrics of this
// package, or the hashes under which values appear.
const ModelFormat = 2

// ReadModel reads a model written by [Model.WriteTo]; it is checked against the
// schema when it is used.
func ReadModel(r io.Reader) (*Model, error) {
	m := &Model{}
	if err := json.NewDecoder(r).Decode(m); err != nil {
		return nil, fmt.Errorf("dedup: read model: %w", err)
	}
	return m, nil
}

// WriteTo writes the model as indented JSON; the same model gives the same bytes.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return 0, fmt.Errorf("dedup: write model: %w", err)
	}
	n, err := w.Write(append(b, '\n'))
	return int64(n), err
}

// valueHash is the name of a value in a model; 64 bits make two values of one name
// unlikely below a billion.
func valueHash(v string) string { return strconv.FormatUint(hashString(v), 36) }

// parents returns for each comparison the one that it depends on, -1 for none.
func (m *Model) parents(p *plan) []int {
	out := make([]int, len(p.comparisons))
	for c := range out {
		out[c] = slices.IndexFunc(p.comparisons, func(k comparison) bool { return m.Comparisons[c].Given != "" && k.name == m.Comparisons[c].Given })
	}
	return out
}

// check says whether the model can be used with a plan.
func (m *Model) check(p *plan) error {
	if m.Format != ModelFormat {
		return fmt.Errorf("dedup: %w: it has format %d, this is %d", ErrModel, m.Format, ModelFormat)
	}
	if m.Schema != p.fingerprint {
		return fmt.Errorf("dedup: %w: it was learnt with schema %q, this is %q", ErrModel, m.Schema, p.fingerprint)
	}
	if c := m.Calibration; c != nil && !(c.Slope > 0 && c.Slope < 100 && math.Abs(c.Shift) < 100) {
		return fmt.Errorf("dedup: %w: calibration out of range", ErrModel)
	}
	probability := func(x float64) bool { return x > 0 && x < 1 && !math.IsNaN(x) }
	ok := probability(m.Match) && m.Records >= 0 && m.SpecificCap > 1 && m.SpecificCap <= maxShared && m.WideCap > 1 && m.WideCap <= maxShared &&
		len(m.Comparisons) == len(p.comparisons) && len(m.Relations) == len(p.schema.Relations)
	for i, r := range m.Relations {
		ok = ok && probability(r.Share)
		for _, x := range r.Together {
			_, known := p.together(i, x)
			ok = ok && known && math.Abs(x.Bits) < 100
		}
	}
	if ok {
		levels := func(c int, list []LevelModel) {
			ok = ok && len(list) == p.comparisons[c].levels+1
			for _, l := range list {
				ok = ok && probability(l.M) && probability(l.U) && len(l.Relations) == len(m.Relations)
				for _, r := range l.Relations {
					ok = ok && probability(r)
				}
			}
		}
		parents := m.parents(p)
		for c, k := range m.Comparisons {
			levels(c, k.Levels)
			if q := parents[c]; q >= 0 {
				ok = ok && len(k.GivenLevels) == p.comparisons[q].levels+1
			} else {
				ok = ok && k.Given == "" && len(k.GivenLevels) == 0
			}
			for _, list := range k.GivenLevels {
				levels(c, list)
			}
			steps := 0 // nothing may depend on itself
			for q := parents[c]; q >= 0 && steps <= len(parents); q = parents[q] {
				steps++
			}
			ok = ok && steps <= len(parents)
		}
	}
	for _, f := range m.Frequencies {
		ok = ok && probability(f.Rest) && f.Same >= 0 && f.Known >= 0
		for _, v := range f.Values {
			ok = ok && v > 0 && v <= 1
		}
	}
	if !ok {
		return fmt.Errorf("dedup: %w: sizes or probabilities out of range", ErrModel)
	}
	return nil
}
