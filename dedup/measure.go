package dedup

// Measure compares a partition with the truth.
type Measure struct {
	TruePairs  int64   `json:"true_pairs"`  // of one entity
	FoundPairs int64   `json:"found_pairs"` // in one cluster
	RightPairs int64   `json:"right_pairs"` // both
	Precision  float64 `json:"precision"`   // of pairs implied by the clusters
	Recall     float64 `json:"recall"`      // of all true pairs, whether compared or not
	F1         float64 `json:"f1"`          // harmonic mean of the two
	BCubed     float64 `json:"b_cubed"`     // F1 of the means over records
}

// Evaluate measures clusters against truth, which names the entity of a record;
// records it does not know are left out. Precision and recall are over unordered
// pairs of records of one entity, B-cubed is the mean over records (Bagga and
// Baldwin 1998).
func Evaluate(clusters []Cluster, truth func(id string) (entity string, ok bool)) Measure {
	var m Measure
	pairs := func(n int) int64 { return int64(n) * int64(n-1) / 2 }
	size := map[string]int{}
	for _, c := range clusters {
		for _, id := range c.Members {
			if e, ok := truth(id); ok {
				size[e]++
			}
		}
	}
	for _, n := range size {
		m.TruePairs += pairs(n)
	}
	var precision, recall float64
	records := 0
	in := map[string]int{}
	for _, c := range clusters {
		clear(in)
		n := 0
		for _, id := range c.Members {
			if e, ok := truth(id); ok {
				in[e]++
				n++
			}
		}
		m.FoundPairs += pairs(n)
		records += n
		for e, k := range in {
			m.RightPairs += pairs(k)
			precision += float64(k) * float64(k) / float64(n)
			recall += float64(k) * float64(k) / float64(size[e])
		}
	}
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	m.Precision = ratio(float64(m.RightPairs), float64(m.FoundPairs))
	m.Recall = ratio(float64(m.RightPairs), float64(m.TruePairs))
	m.F1 = ratio(2*m.Precision*m.Recall, m.Precision+m.Recall)
	p, r := ratio(precision, float64(records)), ratio(recall, float64(records))
	m.BCubed = ratio(2*p*r, p+r)
	return m
}
