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

// RPackageGroups returns the ten groups of the R package rfm, for quintiles.
func RPackageGroups() []Group {
	box := func(name string, r, f, m Range) Group { return Group{Name: name, R: r, F: f, M: m} }
	return []Group{
		box("Champions", Range{5, 5}, Range{5, 5}, Range{5, 5}),
		box("Potential Loyalist", Range{3, 5}, Range{3, 5}, Range{2, 5}),
		box("Loyal Customers", Range{2, 4}, Range{2, 4}, Range{2, 4}),
		box("Promising", Range{3, 4}, Range{1, 3}, Range{3, 5}),
		box("New Customers", Range{4, 5}, Range{1, 3}, Range{1, 5}),
		box("Can't Lose Them", Range{1, 2}, Range{3, 4}, Range{4, 5}),
		box("At Risk", Range{1, 2}, Range{2, 5}, Range{4, 5}),
		box("Need Attention", Range{1, 3}, Range{3, 5}, Range{3, 5}),
		box("About To Sleep", Range{2, 3}, Range{1, 3}, Range{1, 4}),
		box("Lost", Range{1, 1}, Range{1, 5}, Range{1, 5}),
	}
}

// PyMCGroups returns the five groups that pymc-marketing uses by default, for
// QCut with 4 bins.
func PyMCGroups() []Group {
	return []Group{
		{Name: "Premium Customer", Cells: []int{333, 334, 343, 344, 433, 434, 443, 444}},
		{Name: "Repeat Customer", Cells: []int{143, 232, 233, 234, 243, 244, 332}},
		{Name: "Top Spender", Cells: []int{124, 133, 134, 144, 224, 313, 314, 323, 324, 413, 414, 423, 424}},
		{Name: "At Risk Customer", Cells: []int{122, 123, 132, 212, 214, 222, 223, 312, 322, 412, 422}},
		{Name: "Inactive Customer", Cells: []int{111, 112, 113, 114, 211, 311, 411}},
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
