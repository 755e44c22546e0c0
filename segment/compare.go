package segment

import (
	"cmp"
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// Comparison says how much segments overlap. All figures are of one View at one
// moment, after red tags.
type Comparison struct {
	Names  []string // as asked for
	Common [][]int  // members of both; on the diagonal the size
}

// Compare counts the members that each two of the segments have in common. An
// unknown segment is an *UnknownError, more than 2,000 of them a *LimitError.
func (v *View) Compare(at time.Time, names ...string) (Comparison, error) {
	const most = 2000
	if len(names) > most {
		return Comparison{}, &LimitError{What: "segments", Limit: most}
	}
	sets, err := v.Audiences(at, names...)
	if err != nil {
		return Comparison{}, err
	}
	return Comparison{Names: slices.Clone(names), Common: bitset.Overlaps(sets...)}, nil
}

// Jaccard returns the members that both have over those that either has
// (Jaccard 1901), from 0 to 1; 0 for two empty segments.
func (c Comparison) Jaccard(i, j int) float64 {
	return jaccard(c.Common[i][j], c.Common[i][i], c.Common[j][j])
}

// jaccard is |A and B| / |A or B| from the three sizes (Jaccard 1901), 0 for two empty
// sets, whose quotient is not defined.
func jaccard(common, a, b int) float64 {
	if a+b == 0 {
		return 0
	}
	return float64(common) / float64(a+b-common)
}

// share returns which share of the i-th segment is also in the j-th, from 0 to
// 1; 0 for an empty one.
func (c Comparison) share(i, j int) float64 {
	if c.Common[i][i] == 0 {
		return 0
	}
	return float64(c.Common[i][j]) / float64(c.Common[i][i])
}

// Neighbour is a segment and what it has in common with another.
type Neighbour struct {
	// Segment is the name of the other one.
	Segment string
	Size    int     // its members
	Common  int     // members of both
	Jaccard float64 // Common, of the members of either
}

// Nearest returns the n segments most like the given one, by Jaccard, then by
// name; those without a common member are left out.
func (v *View) Nearest(name string, n int, at time.Time) ([]Neighbour, error) {
	names := []string{name}
	for d := range v.Definitions() {
		if d.Name != name {
			names = append(names, d.Name)
		}
	}
	sets, err := v.Audiences(at, names...)
	if err != nil {
		return nil, err
	}
	size := sets[0].Len()
	var out []Neighbour
	for i, s := range sets[1:] {
		both := bitset.Select{Include: []*bitset.Set{sets[0], s}}.Count()
		if both > 0 {
			out = append(out, Neighbour{names[1+i], s.Len(), both, jaccard(both, size, s.Len())})
		}
	}
	// Fractions are compared as such: two that are equal must not be told apart
	// by rounding.
	slices.SortFunc(out, func(a, b Neighbour) int {
		x := uint64(a.Common) * uint64(size+b.Size-b.Common)
		y := uint64(b.Common) * uint64(size+a.Size-a.Common)
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a.Segment, b.Segment))
	})
	return out[:min(max(n, 0), len(out))], nil
}
