package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/dedup"
)

// measures compare a result with the truth. Recall is of all true pairs, whether they were
// compared or not.
type measures struct {
	TruePairs      int64   `json:"true_pairs"`
	Edges          quality `json:"edges"`
	Clusters       quality `json:"clusters"`
	BCubed         float64 `json:"b_cubed"`
	BlockingRecall float64 `json:"blocking_recall"`
	curve          []point
}

type quality struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

func qualityOf(right, found, all int64) quality {
	q := quality{ratio(right, found), ratio(right, all), 0}
	if q.Precision+q.Recall > 0 {
		q.F1 = 2 * q.Precision * q.Recall / (q.Precision + q.Recall)
	}
	return q
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// point is the quality of the edges at and above a weight.
type point struct {
	weight float64
	quality
}

// readTruth reads who every row really is.
func (j *job) readTruth(ctx context.Context) error {
	numbers := map[string]int32{}
	for _, t := range j.tables {
		base, last := len(j.truth), 0
		put := func(n int, person int32) {
			j.truth = append(j.truth, person)
			last = n
		}
		err := t.rows(func(n int, row []string) error {
			name := row[t.layout.truth]
			id := numbers[name]
			if id == 0 && name != "" {
				id = int32(len(numbers) + 1)
				numbers[strings.Clone(name)] = id
			}
			put(n, id)
			return ctx.Err()
		}, func(n int, _ *rowError) error { put(n, 0); return nil })
		if err != nil {
			return err
		}
		j.truth = j.truth[:base+last]
	}
	return nil
}

// true reports whether a pair of rows is one person.
func (j *job) true(p scored) bool {
	return j.truth[p.a] == j.truth[p.b] && j.truth[p.a] != 0
}

// evaluate measures edges, clusters and blocking against the truth.
func (j *job) evaluate() {
	m := dedup.Evaluate(j.result.Clusters, func(id string) (string, bool) {
		e := j.truth[rowOf(id)]
		if e == 0 {
			return "", false
		}
		return strconv.Itoa(int(e)), true
	})
	out := &measures{TruePairs: m.TruePairs, Clusters: quality{m.Precision, m.Recall, m.F1}, BCubed: m.BCubed}
	known := make([]scored, 0, len(j.pairs))
	var candidates, found, right int64
	for _, p := range j.pairs {
		if j.truth[p.a] == 0 || j.truth[p.b] == 0 {
			continue
		}
		known = append(known, p)
		same := j.true(p)
		if same {
			candidates++
		}
		if p.weight > 0 {
			if found++; same {
				right++
			}
		}
	}
	out.BlockingRecall = ratio(candidates, m.TruePairs)
	out.Edges = qualityOf(right, found, m.TruePairs)
	out.curve = j.curve(known, m.TruePairs)
	j.measure = out
	j.pairs = slices.DeleteFunc(j.pairs, func(p scored) bool { return p.weight <= 0 })
}

// curve returns the quality of edges for every whole weight that some pair reaches.
func (j *job) curve(pairs []scored, all int64) []point {
	slices.SortFunc(pairs, func(a, b scored) int { return cmp.Compare(b.weight, a.weight) })
	var out []point
	var found, right int64
	i := 0
	for w := 40; w >= 0; w-- { // lower ones are not worked out
		before := i
		for ; i < len(pairs) && float64(pairs[i].weight) >= float64(w); i++ {
			if found++; j.true(pairs[i]) {
				right++
			}
		}
		if i > before {
			out = append(out, point{float64(w), qualityOf(right, found, all)})
		}
	}
	return out
}
