package dedup

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// fieldNames shares the lists of what agreed between edges.
type fieldNames struct {
	p     *plan
	known sync.Map // pattern -> []string
}

// of names the comparisons that agree and their levels. Few patterns occur, so that
// millions of edges share some thousand lists.
func (f *fieldNames) of(p pattern) []string {
	if v, ok := f.known.Load(p); ok {
		return v.([]string)
	}
	var out []string
	for c, k := range f.p.comparisons {
		if l := p.level(c); l < k.levels {
			out = append(out, k.name+" "+f.p.schema.Comparisons[c].Levels[l].Name)
		}
	}
	v, _ := f.known.LoadOrStore(p, out)
	return v.([]string)
}

// Reason is one step of an explanation: what a comparison added to the weight.
type Reason struct {
	Field string `json:"field"`       // name of the comparison
	Level string `json:"level"`       // "unknown" when a value is missing or settled by another comparison
	A     string `json:"a,omitempty"` // the value that was compared, normalised
	B     string `json:"b,omitempty"`
	// Given is the comparison that this one depends on, and its level: M, U and Weight are
	// then what this one adds to it.
	Given     string  `json:"given,omitempty"`
	M         float64 `json:"m,omitempty"`         // probability of the level in a match
	U         float64 `json:"u,omitempty"`         // and by chance
	Frequency float64 `json:"frequency,omitempty"` // bits taken off for a common value, added for a rare one
	Weight    float64 `json:"weight"`              // bits, frequency included
}

// Explanation is the waterfall of a pair: starting at Prior, the reasons in the
// order of the schema, what the relations (household, namesakes) explain away and what
// labels corrected add up to Weight, unless there is a Veto.
type Explanation struct {
	// A and B are the ids of the records.
	A     string  `json:"a"`
	B     string  `json:"b"`
	Prior float64 `json:"prior"` // bits: the odds of two random records
	// Reasons are one per comparison, those that say nothing included.
	Reasons     []Reason `json:"reasons"`
	Relations   float64  `json:"relations"`             // bits, never positive
	Calibration float64  `json:"calibration,omitempty"` // bits, by what labels showed
	Veto        string   `json:"veto,omitempty"`        // comparison that forbids a match; Weight is then at most -5
	Weight      float64  `json:"weight"`                // log2 of the odds of a match
	Probability float64  `json:"probability"`           // the same as a probability
}

// explain scores a pair with all steps.
func (s *scorer) explain(x *comparer, a, b []uint32) Explanation {
	p := x.compare(a, b)
	j := s.joint(x, p)
	out := Explanation{Prior: s.prior[classMatch] - s.prior[classChance], Weight: s.odds(j)}
	out.Relations = out.Weight - (j[classMatch] - j[classChance])
	if s.m.Calibration != nil {
		raw := out.Weight
		out.Weight = s.shift + s.slope*raw
		out.Calibration = out.Weight - raw
	}
	if c := s.vetoed(p); c >= 0 {
		out.Veto = s.p.comparisons[c].name
		out.Weight = min(out.Weight, leastWeight)
	}
	out.Probability = Probability(out.Weight)
	var more [maxComparisons]float64 // a whole's share is told at its last part
	for k, w := range s.p.wholes {
		more[slices.Max(w.parts)] += s.more(x, k, p)
	}
	for c, k := range s.p.comparisons {
		l := p.level(c)
		d := &x.t.dicts[k.field]
		r := Reason{Field: k.name, Level: "unknown",
			A: strings.ReplaceAll(d.text(a[k.field]), Sep, ", "), B: strings.ReplaceAll(d.text(b[k.field]), Sep, ", ")}
		if l != unknown {
			level, fade := s.m.Comparisons[c].Levels[l], 1.0
			if q := s.parents[c]; q >= 0 && p.level(q) != unknown {
				g := p.level(q)
				level, fade = s.m.Comparisons[c].GivenLevels[g][l], s.fade[c][g]
				r.Given = s.p.comparisons[q].name + " " + s.m.Comparisons[q].Levels[g].Name
			}
			r.Level, r.M, r.U = level.Name, level.M, level.U
			r.Weight = math.Log2(level.M / level.U)
			if l == 0 {
				r.Frequency = -s.adjustment(x, c)*fade - more[c]
				r.Weight += r.Frequency
			}
		}
		out.Reasons = append(out.Reasons, r)
	}
	return out
}

// String prints the waterfall as text, one line per step.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ~ %s: %+.1f bits, probability %.4f\n", e.A, e.B, e.Weight, e.Probability)
	sum := e.Prior
	fmt.Fprintf(&b, "  %-12s %-14s %+7.1f %+7.1f\n", "prior", "", e.Prior, sum)
	for _, r := range e.Reasons {
		if r.Level == "unknown" {
			continue
		}
		sum += r.Weight
		fmt.Fprintf(&b, "  %-12s %-14s %+7.1f %+7.1f  m=%.3g u=%.3g", r.Field, r.Level, r.Weight, sum, r.M, r.U)
		if r.Frequency != 0 {
			fmt.Fprintf(&b, " frequency=%+.1f", r.Frequency)
		}
		if r.Given != "" {
			fmt.Fprintf(&b, " given %s", r.Given)
		}
		fmt.Fprintf(&b, "  %q ~ %q\n", r.A, r.B)
	}
	if e.Relations < -0.05 {
		fmt.Fprintf(&b, "  %-12s %-14s %+7.1f %+7.1f\n", "relations", "", e.Relations, sum+e.Relations)
	}
	if e.Calibration != 0 {
		fmt.Fprintf(&b, "  %-12s %-14s %+7.1f %+7.1f\n", "calibration", "", e.Calibration, sum+e.Relations+e.Calibration)
	}
	if e.Veto != "" {
		fmt.Fprintf(&b, "  %-12s %-14s %7s %+7.1f\n", "veto", e.Veto, "", e.Weight)
	}
	return b.String()
}
