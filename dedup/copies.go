package dedup

import (
	"math"
	"slices"
)

// Copies are records that share a row with an equal one, see fold.go. They take part in
// nothing but the cluster of their row, and in that only where the row is worth a link to
// itself: records that say no more than a frequent name are not one entity for it.

// holds returns a function that finds the row of a record, be it a copy of that row's: one of
// those asked about.
func (t *table) holds(asked func(id string) bool) func(id string) (uint32, bool) {
	copies := map[string]uint32{}
	for i, list := range t.copies {
		for _, id := range list {
			if asked(id) {
				copies[id] = i
			}
		}
	}
	return func(id string) (uint32, bool) {
		if i, ok := copies[id]; ok {
			return i, true
		}
		return t.find(id)
	}
}

// self is the weight of a row against a copy of it.
func (r *resolver) self(row []uint32) (float64, pattern) {
	p := r.x.compare(row, row)
	return r.s.weight(r.x, p), p
}

// copied adds the copies of a cluster's rows to it, each with its link to the first, and
// returns how many records each row has in it, nil for one each. Copies of rows that say too
// little are clusters by themselves; they go to r.alone.
func (r *resolver) copied(k *Cluster, rows []uint32) (many []int) {
	for m, i := range rows {
		list := r.t.copies[i]
		if len(list) == 0 {
			continue
		}
		w, p := r.self(r.t.row(i))
		if w <= threshold {
			r.alone = append(r.alone, list...)
			continue
		}
		if many == nil {
			many = slices.Repeat([]int{1}, len(rows))
			k.Members, k.Edges = slices.Clone(k.Members), slices.Clone(k.Edges)
		}
		many[m] += len(list)
		fields := r.fields.of(p)
		for _, id := range list {
			k.Members = append(k.Members, id)
			k.Edges = append(k.Edges, Edge{A: r.t.id(i), B: id, Weight: round(w), Probability: round(Probability(w)), Fields: fields})
		}
	}
	if many != nil {
		slices.Sort(k.Members)
	}
	return many
}

// qualityOf measures the cluster of a group, of whose members there are so many records.
func (r *resolver) qualityOf(k *Cluster, group []uint32, many []int) *Quality {
	links := r.inside
	if len(group) < 2 {
		links = nil
	}
	q := r.quality(group, links, k.Edges, many)
	if many == nil {
		return q
	}
	n, pairs := 0, 0
	for _, c := range many {
		n += c
		pairs += c * (c - 1) / 2
	}
	for _, e := range links {
		if !math.IsInf(float64(e.weight), 1) {
			a, _ := slices.BinarySearch(group, e.a)
			b, _ := slices.BinarySearch(group, e.b)
			pairs += many[a] * many[b]
		}
	}
	q.Links = pairs
	q.Density = round(float64(pairs) / (float64(n) * float64(n-1) / 2))
	return q
}

// single makes the cluster of a row that is linked to no other.
func (r *resolver) single(i uint32) Cluster {
	k := Cluster{Members: []string{r.t.id(i)}}
	if many := r.copied(&k, []uint32{i}); many != nil && len(k.Members) > 2 {
		k.Quality = r.qualityOf(&k, []uint32{0}, many)
	}
	return k
}

// merge adds clusters of single records to a list that is ordered by first members, from its
// end, so that nothing is copied if the list has room.
func merge(list []Cluster, alone []string) []Cluster {
	slices.Sort(alone)
	at := len(list) - 1
	list = append(list, make([]Cluster, len(alone))...)
	for to, k := len(list)-1, len(alone)-1; k >= 0; to-- {
		if at >= 0 && list[at].Members[0] > alone[k] {
			list[to] = list[at]
			at--
		} else {
			list[to] = Cluster{Members: alone[k : k+1 : k+1]}
			k--
		}
	}
	return list
}
