package dedup

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Question asks a person whether two records are one entity.
type Question struct {
	A           string  `json:"a"`
	B           string  `json:"b"`
	Weight      float64 `json:"weight"`      // log2 of the odds
	Probability float64 `json:"probability"` // the same as a probability
	// Fields are the comparisons that reached one of their levels, and which, "given unlike"
	// too; read only. What no level holds for is not among them: Linker.Explain has every
	// comparison, with the values.
	Fields []string `json:"fields"`
	// Pairs is the number of pairs of records that hang on the answer: those between the
	// two clusters, or between a record and the rest of the cluster that both are in.
	Pairs int `json:"pairs"`
	// Gain is what an answer tells, in bits: the entropy of the pair times Pairs.
	Gain float64 `json:"gain"`
}

// spare is the number of doubtful pairs that are kept for each question, as several
// may be about the same two clusters.
const spare = 16

// nearest keeps the pairs nearest to even odds; unless it is to be exact, it does so
// only now and then.
func nearest(list []edge, questions int, exact bool) []edge {
	most := spare * questions
	if len(list) <= most || !exact && len(list) < 4*most {
		return list
	}
	slices.SortFunc(list, func(a, b edge) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(a.weight)), math.Abs(float64(b.weight))), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	list = slices.Compact(list)
	return list[:min(len(list), most)]
}

// entropy of a yes or no with probability p, in bits.
func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// review ranks doubtful pairs by what an answer would tell, one for any two clusters, and
// leaves out what was decided.
func review(t *table, s *scorer, doubtful []edge, clusters []Cluster, decisions []Decision, questions int) []Question {
	if questions <= 0 || len(doubtful) == 0 {
		return nil
	}
	decided := make(map[[2]string]bool, len(decisions))
	for _, d := range decisions {
		decided[d.key()] = true
	}
	of := map[string]int{}
	for _, e := range doubtful {
		of[t.id(e.a)], of[t.id(e.b)] = -1, -1
	}
	for k, c := range clusters {
		for _, id := range c.Members {
			if _, asked := of[id]; asked {
				of[id] = k
			}
		}
	}
	x := newComparer(t)
	fields := &fieldNames{p: t.plan}
	var out []Question
	for _, e := range doubtful {
		a, b := t.id(e.a), t.id(e.b)
		if decided[[2]string{a, b}] {
			continue
		}
		p := x.compare(t.row(e.a), t.row(e.b))
		w := s.weight(x, p)
		q := Question{A: a, B: b, Weight: round(w), Probability: round(Probability(w)), Fields: fields.of(p)}
		if i, j := of[a], of[b]; i == j {
			q.Pairs = len(clusters[i].Members) - 1
		} else {
			q.Pairs = len(clusters[i].Members) * len(clusters[j].Members)
		}
		q.Gain = round(entropy(Probability(w)) * float64(q.Pairs))
		out = append(out, q)
	}
	slices.SortFunc(out, func(a, b Question) int {
		return cmp.Or(-cmp.Compare(a.Gain, b.Gain), strings.Compare(a.A, b.A), strings.Compare(a.B, b.B))
	})
	asked := map[[2]int]bool{}
	out = slices.DeleteFunc(out, func(q Question) bool {
		k := [2]int{min(of[q.A], of[q.B]), max(of[q.A], of[q.B])}
		again := asked[k]
		asked[k] = true
		return again
	})
	return out[:min(len(out), questions)]
}
