package idea

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// Query says which ideas are ranked. The zero value ranks all.
type Query struct {
	// Product takes the ideas that are about a product, or one of whose duplicates is; empty: all.
	Product string
	// Person returns who a voter is now, such as the customer that several records became; nil takes
	// each as it is. Votes of one person count once, the latest.
	Person func(id string) string
}

// Ranked is an idea with what people think of it.
type Ranked struct {
	Idea
	// Duplicates are the ideas that were merged into it, by id. Products are those of all of them.
	Duplicates []string
	// For and Against count persons; N is both.
	For, Against, N int64
	// Share is For of N in percent with its 95 % interval (Wilson 1927). Without a vote its value
	// is 0 and its interval 0 to 100.
	Share survey.Rate
}

// Ranking returns the ideas with the most agreement first: by the lower end of the interval of the
// share that is for it, so that two votes of two put none above ninety of a hundred; then by the
// number for it, then by the earlier one, then by id. A duplicate is no idea of its own: its votes count
// for what it was merged into. Merges that go in a circle end at the earliest idea of it; a merge into an
// idea that is not there is not followed.
func (b *Board) Ranking(q Query) []Ranked {
	root := b.roots()
	votes := b.counted(root, q.Person)
	out := map[string]*Ranked{}
	for _, id := range slices.Sorted(maps.Keys(b.ideas)) {
		top := root[id]
		r := out[top]
		if r == nil {
			r = &Ranked{Idea: b.ideas[top]}
			r.Products = slices.Clone(r.Products)
			out[top] = r
		}
		if id != top {
			r.Duplicates = append(r.Duplicates, id)
			r.Products = append(r.Products, b.ideas[id].Products...)
		}
	}
	list := make([]Ranked, 0, len(out))
	for id, r := range out {
		r.Products = slices.Compact(slices.Sorted(slices.Values(r.Products)))
		if q.Product != "" && !slices.Contains(r.Products, q.Product) {
			continue
		}
		for _, v := range votes[id] {
			if v.For {
				r.For++
			} else {
				r.Against++
			}
		}
		r.N = r.For + r.Against
		r.Share = survey.NewRate(r.For, r.N)
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(b.Share.Interval.Low, a.Share.Interval.Low), cmp.Compare(b.For, a.For), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// later tells whether what was done at a under an id comes after what was done at b.
func later(a time.Time, id string, b time.Time, other string) bool {
	return cmp.Or(a.Compare(b), cmp.Compare(id, other)) > 0
}

// roots returns for each idea the one that it was merged into in the end, itself if into none.
func (b *Board) roots() map[string]string {
	latest := map[string]Merge{}
	for _, m := range b.merges {
		if was, ok := latest[m.Idea]; !ok || later(m.At, m.ID, was.At, was.ID) {
			latest[m.Idea] = m
		}
	}
	next := func(id string) string {
		m, ok := latest[id]
		if _, there := b.ideas[m.Into]; !ok || m.Undone || !there {
			return ""
		}
		return m.Into
	}
	out := make(map[string]string, len(b.ideas))
	for id := range b.ideas {
		var path []string
		place := map[string]int{} // in path
		at := id
		for out[at] == "" {
			if i, again := place[at]; again { // a circle: its earliest idea
				out[at] = slices.MinFunc(path[i:], func(x, y string) int {
					return cmp.Or(b.ideas[x].At.Compare(b.ideas[y].At), cmp.Compare(x, y))
				})
				break
			}
			place[at], path = len(path), append(path, at)
			into := next(at)
			if into == "" {
				out[at] = at
				break
			}
			at = into
		}
		for _, x := range path {
			out[x] = out[at]
		}
	}
	return out
}

// counted returns the votes that count: for each idea that is none's duplicate the latest of each person who
// has not taken it back.
func (b *Board) counted(root map[string]string, who func(string) string) map[string]map[string]Vote {
	out := map[string]map[string]Vote{}
	for _, v := range b.votes {
		top, ok := root[v.Idea]
		if !ok {
			continue // of an idea that is not there
		}
		person := v.Person
		if who != nil {
			person = who(person)
		}
		if out[top] == nil {
			out[top] = map[string]Vote{}
		}
		if was, ok := out[top][person]; !ok || later(v.At, v.ID, was.At, was.ID) {
			out[top][person] = v
		}
	}
	for _, votes := range out {
		maps.DeleteFunc(votes, func(_ string, v Vote) bool { return v.Taken })
	}
	return out
}
