package dedup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Match is a record that may be the one asked for.
type Match struct {
	ID          string   `json:"id"`
	Weight      float64  `json:"weight"`      // log2 of the odds
	Probability float64  `json:"probability"` // the same as a probability
	Fields      []string `json:"fields"`      // what agreed and how; read only
	Cluster     []string `json:"cluster"`     // ids of the entity's records; read only
}

// leastMatch is the weight above which Find returns a match: odds of one in a hundred.
const leastMatch = -6.65

// Find returns the records that may be of the same entity as r, the likeliest first,
// down to odds of one in a hundred. Nothing is stored; the id of r is not looked at. While a
// change is at work it waits, as long as the context lasts.
func (x *Index) Find(ctx context.Context, r Record) ([]Match, error) {
	if err := x.mu.within(ctx); err != nil {
		return nil, err
	}
	defer x.mu.Unlock()
	if len(r.Values) != len(x.t.dicts) {
		return nil, &RecordError{ID: r.ID, Row: 1, Err: errValues}
	}
	var out []Match
	x.with(r, func(row []uint32, c *comparer) {
		met := x.candidates(row, ^uint32(0))
		for _, q := range x.promising(row, met, leastMatch) {
			i := met[q.place]
			p, w, ok := x.scorer.settle(c, row, x.t.row(i), leastMatch, &q.ceiling)
			if !ok {
				continue
			}
			out = append(out, Match{ID: x.t.id(i), Weight: round(w), Probability: round(Probability(w)),
				Fields: x.fields.of(p), Cluster: x.clusters[i].Members})
		}
	})
	slices.SortFunc(out, func(a, b Match) int { return cmp.Or(-cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// with interns a record for the time of a call; values that were not known before
// are forgotten afterwards, so that questions do not fill the memory.
func (x *Index) with(r Record, do func(row []uint32, c *comparer)) {
	row := x.guest
	x.t.numbers(row, r.Values, true)
	x.t.derive()
	x.scorer.frequencies(x.t)
	do(row, &comparer{t: x.t}) // no memo: numbers of new values will be used again
	for f := range x.t.dicts {
		if d := &x.t.dicts[f]; len(d.guests) > 0 {
			d.forget()
		}
	}
}

// forget drops the values of guests.
func (d *dict) forget() {
	n := len(d.at)
	for k := range d.guests {
		delete(d.elements, uint32(n+k))
	}
	clear(d.guests)
	d.guests = d.guests[:0]
	for s := range d.keys {
		d.keys[s] = d.keys[s][:n]
	}
	if d.sketches != nil {
		d.sketches = d.sketches[:n]
	}
	if d.holders != nil {
		d.holders, d.ignored = d.holders[:n], d.ignored[:n]
	}
	if len(d.common) > n {
		d.common = d.common[:n]
	}
	if len(d.shift) > n {
		d.shift = d.shift[:n]
	}
}

// Explain returns the waterfall of two records of the index, or [ErrUnknownID].
func (x *Index) Explain(a, b string) (Explanation, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, okA := x.slots[a]
	j, okB := x.slots[b]
	if !okA || !okB {
		id := a
		if okA {
			id = b
		}
		return Explanation{}, &RecordError{ID: id, Err: ErrUnknownID}
	}
	e := x.scorer.explain(x.x, x.t.row(i), x.t.row(j))
	e.A, e.B = a, b
	return e, nil
}

// Explain scores two records with a model, outside of any index: identifiers count as
// held by the two only.
func (l *Linker) Explain(m *Model, a, b Record) (Explanation, error) {
	x, err := l.NewIndex(m)
	if err != nil {
		return Explanation{}, err
	}
	if a.ID == b.ID {
		return Explanation{}, fmt.Errorf("dedup: explain: %w", &RecordError{ID: a.ID, Row: 2, Err: ErrDuplicateID})
	}
	if _, err := x.Apply(context.Background(), []Record{a, b}, nil); err != nil {
		return Explanation{}, err
	}
	return x.Explain(a.ID, b.ID)
}
