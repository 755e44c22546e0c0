package dedup

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// asked is the number of records whose pairs are looked at while the index is held.
const asked = 256

// mostAsked bounds the questions of one call.
const mostAsked = 1 << 20

// Questions returns pairs of the index that are near even odds, down and up to one in a
// hundred, those about which an answer tells most first (see [Question.Gain]), one for any
// two clusters, and none that was decided: what [Options.Review] is for a batch. It looks at every record, some hundred at a time, so
// that other questions are answered in between. A limit of 0 or less returns none, and none returns
// more than a million.
func (x *Index) Questions(ctx context.Context, limit int) ([]Question, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	limit = min(limit, mostAsked)
	x.mu.Lock()
	ids := make([]string, 0, len(x.slots))
	for id := range x.slots {
		ids = append(ids, id)
	}
	x.mu.Unlock()
	slices.Sort(ids)
	var doubts []doubt
	for chunk := range slices.Chunk(ids, asked) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		doubts = x.doubts(doubts, chunk)
		doubts = nearestDoubts(doubts, spare*limit, false)
	}
	doubts = nearestDoubts(doubts, spare*limit, true)
	x.mu.Lock()
	defer x.mu.Unlock()
	var list []edge
	var clusters []Cluster
	seen := map[*Cluster]bool{}
	for _, d := range doubts {
		i, okA := x.slots[d.a]
		j, okB := x.slots[d.b]
		if !okA || !okB || !x.clusters[i].has(d.a) || !x.clusters[j].has(d.b) { // gone, or a copy
			continue
		}
		list = append(list, edge{i, j, d.weight})
		for _, k := range []uint32{i, j} {
			if c := x.clusters[k]; !seen[c] {
				seen[c] = true
				clusters = append(clusters, *c)
			}
		}
	}
	return review(x.t, x.scorer, list, clusters, x.settled(), limit), nil
}

// doubt is a pair near even odds, by the ids of its records.
type doubt struct {
	a, b   string // a < b
	weight float32
}

// doubts adds those of some records with others that come after them.
func (x *Index) doubts(out []doubt, ids []string) []doubt {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.scorer.frequencies(x.t)
	for _, id := range ids {
		i, ok := x.slots[id]
		if !ok {
			continue
		}
		row := x.t.row(i)
		met := x.candidates(row, i)
		for _, q := range x.promising(row, met, leastMatch) {
			j := met[q.place]
			other := x.t.id(j)
			if other <= id || x.t.rivals(i, j) {
				continue
			}
			if _, w, ok := x.scorer.settle(x.x, row, x.t.row(j), leastMatch, &q.ceiling); ok && w < -leastMatch {
				out = append(out, doubt{id, other, float32(w)})
			}
		}
	}
	return out
}

// nearestDoubts keeps those nearest to even odds, as nearest does.
func nearestDoubts(list []doubt, most int, exact bool) []doubt {
	if len(list) <= most || !exact && len(list) < 4*most {
		return list
	}
	slices.SortFunc(list, func(a, b doubt) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(a.weight)), math.Abs(float64(b.weight))), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	return list[:most]
}
