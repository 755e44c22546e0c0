package rfm

import (
	"cmp"
	"slices"
)

// Group is a named part of the score space: a box, or a list of cells.
type Group struct {
	Name    string
	R, F, M Range // of each score
	Cells   []int // scores as numbers of three digits, such as 543; if not empty the ranges are not looked at
	// Value says what customers of the group are worth: a move to a greater one is a rise,
	// one between equal values is neither rise nor fall. Where no group of a list has a
	// value, the mean of the scores that are the group's stands for it (see Values).
	Value float64
}

// Values returns what the groups of a list are worth, by name. The order of the list
// does not count: it says which group takes a score that several have. Other is not in
// it, and a group whose scores are all taken by earlier ones only with a Value.
func Values(groups []Group) map[string]float64 {
	out := make(map[string]float64, len(groups))
	if slices.ContainsFunc(groups, func(g Group) bool { return g.Value != 0 }) {
		for _, g := range slices.Backward(groups) {
			out[g.Name] = g.Value
		}
		return out
	}
	count := make(map[string]float64, len(groups))
	for cell := 111; cell <= 999; cell++ {
		s := Score{R: cell / 100, F: cell / 10 % 10, M: cell % 10}
		if s.F == 0 || s.M == 0 {
			continue
		}
		if name := Name(s, groups); name != Other {
			out[name] += float64(s.R + s.F + s.M)
			count[name]++
		}
	}
	for name, n := range count {
		out[name] /= n
	}
	return out
}

// Range is a span of scores, both ends included.
type Range struct{ Low, High int }

func (r Range) has(n int) bool { return r.Low <= n && n <= r.High }

// has reports whether the score lies in the group.
func (g Group) has(s Score) bool {
	if len(g.Cells) > 0 {
		return slices.Contains(g.Cells, s.cell())
	}
	return g.R.has(s.R) && g.F.has(s.F) && g.M.has(s.M)
}

// Other is the name of scores that no group has.
const Other = "Other"

// Name returns the name of the first group that has the score, else Other.
func Name(s Score, groups []Group) string {
	for _, g := range groups {
		if g.has(s) {
			return g.Name
		}
	}
	return Other
}

// RPackageGroups returns the ten groups of the R package rfm, for quintiles, in the
// order in which the package looks through them. Their values are ours.
func RPackageGroups() []Group {
	box := func(name string, r, f, m Range, value float64) Group {
		return Group{Name: name, R: r, F: f, M: m, Value: value}
	}
	return []Group{
		box("Champions", Range{5, 5}, Range{5, 5}, Range{5, 5}, 10),
		box("Potential Loyalist", Range{3, 5}, Range{3, 5}, Range{2, 5}, 8),
		box("Loyal Customers", Range{2, 4}, Range{2, 4}, Range{2, 4}, 9),
		box("Promising", Range{3, 4}, Range{1, 3}, Range{3, 5}, 6),
		box("New Customers", Range{4, 5}, Range{1, 3}, Range{1, 5}, 7),
		box("Can't Lose Them", Range{1, 2}, Range{3, 4}, Range{4, 5}, 2),
		box("At Risk", Range{1, 2}, Range{2, 5}, Range{4, 5}, 3),
		box("Need Attention", Range{1, 3}, Range{3, 5}, Range{3, 5}, 5),
		box("About To Sleep", Range{2, 3}, Range{1, 3}, Range{1, 4}, 4),
		box("Lost", Range{1, 1}, Range{1, 5}, Range{1, 5}, 1),
	}
}

// PyMCGroups returns the five groups that pymc-marketing uses by default, for
// the convention "qcut" with 4 bins.
func PyMCGroups() []Group {
	return []Group{
		{Name: "Premium Customer", Value: 5, Cells: []int{333, 334, 343, 344, 433, 434, 443, 444}},
		{Name: "Repeat Customer", Value: 4, Cells: []int{143, 232, 233, 234, 243, 244, 332}},
		{Name: "Top Spender", Value: 3, Cells: []int{124, 133, 134, 144, 224, 313, 314, 323, 324, 413, 414, 423, 424}},
		{Name: "At Risk Customer", Value: 2, Cells: []int{122, 123, 132, 212, 214, 222, 223, 312, 322, 412, 422}},
		{Name: "Inactive Customer", Value: 1, Cells: []int{111, 112, 113, 114, 211, 311, 411}},
	}
}

// Move is a number of customers that went from one group to another.
type Move struct {
	From, To  string // empty: the customer had no row at that date
	Customers int
}

// Migrate counts the moves between two scorings, by From, then To. Customers who
// stayed are counted as moves from a group to itself.
func Migrate(before, after []Score, groups []Group) []Move {
	from := make(map[string]string, len(before))
	for _, s := range before {
		from[s.Customer] = Name(s, groups)
	}
	type pair struct{ from, to string }
	count := make(map[pair]int)
	for _, s := range after {
		count[pair{from[s.Customer], Name(s, groups)}]++
		delete(from, s.Customer)
	}
	for _, group := range from { // gone since
		count[pair{group, ""}]++
	}
	moves := make([]Move, 0, len(count))
	for p, n := range count {
		moves = append(moves, Move{p.from, p.to, n})
	}
	slices.SortFunc(moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return moves
}
