package main

import (
	"context"
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
}

type quality struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
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

// person names the person that a row is, by the truth.
func (j *job) person(id string) (string, bool) {
	n := j.truth[rowOf(id)]
	return strconv.Itoa(int(n)), n != 0
}

// evaluate measures edges, clusters and blocking against the truth.
func (j *job) evaluate() {
	m, pairs := dedup.Evaluate(j.result.Clusters, j.person), j.result.Stats.Truth
	j.measure = &measures{TruePairs: m.TruePairs, Clusters: quality{m.Precision, m.Recall, m.F1}, BCubed: m.BCubed,
		Edges: quality{pairs.Precision, pairs.Recall, pairs.F1}, BlockingRecall: pairs.BlockingRecall}
}
