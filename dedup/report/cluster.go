package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/page"
)

// mostNodes is how many records of a cluster are drawn; a picture of more is a thicket.
const mostNodes = 40

type node struct{ X, Y, Label, N string }

type link struct{ X1, Y1, X2, Y2, Width, Class, Title string }

// mark is the weight of an edge, written on it.
type mark struct{ X, Y, Text string }

// bond is a row of the table beside the picture: two records, and what holds them together.
type bond struct{ A, B, Weight, Why, Class string }

type clusterView struct {
	Title   string
	Nodes   []node
	Links   []link
	Marks   []mark
	Bonds   []bond
	Members []node
	Notes   []string
}

// Cluster draws the records of a cluster and every edge that holds it together with its weight,
// the weakest one marked: cut there, it falls in two. The table beside it has the same edges, the
// weakest first. Of more than 40 records the first are drawn, and weights are written on up to
// 15 edges. Name says how a record is called; nil means by its id.
func Cluster(title string, c dedup.Cluster, name func(id string) string) Picture {
	if name == nil {
		name = func(id string) string { return id }
	}
	return draw("cluster", func(w words) any { return cluster(w, title, c, name) })
}

// Of more edges than mostMarks weights would lie over one another, and of more than mostBonds the
// table would be all there is to see.
const (
	mostMarks = 15
	mostBonds = 60
)

func cluster(w words, title string, c dedup.Cluster, name func(id string) string) clusterView {
	v := clusterView{Title: title}
	shown := c.Members[:min(len(c.Members), mostNodes)]
	at, number := map[string][2]float64{}, map[string]string{}
	for i, id := range shown {
		angle := 2*math.Pi*float64(i)/float64(len(shown)) - math.Pi/2
		x, y := 160+120*math.Cos(angle), 150+120*math.Sin(angle)
		at[id] = [2]float64{x, y}
		number[id] = w.Int(i + 1)
		n := node{page.Short(x), page.Short(y), page.Clip(name(id), 160), number[id]}
		v.Nodes, v.Members = append(v.Nodes, n), append(v.Members, n)
	}
	smaller, larger, weakest, splits := c.Split()
	var edges []dedup.Edge
	for _, e := range c.Edges {
		if number[e.A] != "" && number[e.B] != "" {
			edges = append(edges, e)
		}
	}
	slices.SortStableFunc(edges, func(a, b dedup.Edge) int { return cmp.Compare(a.Weight, b.Weight) })
	for i, e := range edges {
		a, b := at[e.A], at[e.B]
		text := w.bits(e.Weight)
		x := bond{A: number[e.A], B: number[e.B], Weight: text, Why: w.fields(e.Fields), Class: "strong"}
		switch {
		case e.Decided:
			x.Class, x.Why, x.Weight, text = "decided", w.Say("pair.said"), "", ""
		case splits && e.A == weakest.A && e.B == weakest.B:
			x.Class = "weak"
		}
		v.Links = append(v.Links, link{X1: page.Short(a[0]), Y1: page.Short(a[1]), X2: page.Short(b[0]), Y2: page.Short(b[1]),
			Width: page.Short(1 + 5*clamp(e.Weight/20)), Title: w.Say("pair.edge", x.A, x.B, or(x.Weight, "–"), x.Why), Class: x.Class})
		if len(edges) <= mostMarks && text != "" {
			// Not in the middle, where the edges of a circle cross.
			const part = 0.36
			v.Marks = append(v.Marks, mark{page.Short(a[0] + part*(b[0]-a[0])), page.Short(a[1] + part*(b[1]-a[1]) + 4), text})
		}
		if i < mostBonds {
			v.Bonds = append(v.Bonds, x)
		}
	}
	if n := len(edges) - len(v.Bonds); n > 0 {
		v.Notes = append(v.Notes, w.Say("pair.edges-left", n))
	}
	if splits && len(c.Members) > 2 {
		v.Notes = append(v.Notes, w.Say("pair.weakest", w.bits(weakest.Weight), w.Int(len(smaller)), w.Int(len(larger))))
	}
	if q := c.Quality; q != nil {
		v.Notes = append(v.Notes, w.Say("pair.density", w.share(q.Density), w.Int(q.Bridges)))
	}
	if n := len(c.Members) - len(shown); n > 0 {
		v.Notes = append(v.Notes, w.Say("pair.records-left", n))
	}
	return v
}

type barRow struct {
	Label, Note, N, Width string
}

type rowsView struct {
	Title, Caption, What, Count string
	Rows                        []barRow
	Notes                       []string
}

func widths(rows []barRow, values []float64) {
	most := slices.Max(append(values, 1e-9))
	for i := range rows {
		w := 100 * values[i] / most
		if values[i] > 0 {
			w = max(w, 0.6)
		}
		rows[i].Width = page.Short(w)
	}
}

// Sizes draws how many clusters there are of each size.
func Sizes(title string, clusters []dedup.Cluster) Picture {
	counts := map[int]int{}
	records := 0
	for _, c := range clusters {
		counts[len(c.Members)]++
		records += len(c.Members)
	}
	sizes := make([]int, 0, len(counts))
	for n := range counts {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	return draw("bars", func(w words) any { return sizesView(w, title, counts, sizes, records, len(clusters)) })
}

func sizesView(w words, title string, counts map[int]int, sizes []int, records, clusters int) rowsView {
	v := rowsView{Title: title, What: w.Say("pair.size"), Count: w.Say("pair.clusters"), Caption: w.Say("pair.sizes", w.Int(records), w.Int(clusters))}
	const most = 15
	var values []float64
	rest := 0
	for i, n := range sizes {
		if i >= most-1 && len(sizes) > most {
			rest += counts[n]
			continue
		}
		v.Rows = append(v.Rows, barRow{Label: w.Int(n), N: w.Int(counts[n])})
		values = append(values, float64(counts[n]))
	}
	if rest > 0 {
		v.Rows = append(v.Rows, barRow{Label: w.Say("pair.more"), Note: w.Say("pair.up-to", w.Int(sizes[len(sizes)-1])), N: w.Int(rest)})
		values = append(values, float64(rest))
	}
	widths(v.Rows, values)
	return v
}

// Blocks draws what the blocking rules brought, and the blocks that were left out as too
// large and the largest that were compared. Rules that brought no pair are counted in a note.
func Blocks(title string, s dedup.Stats) Picture {
	return draw("bars", func(w words) any { return blocks(w, title, s) })
}

func blocks(w words, title string, s dedup.Stats) rowsView {
	v := rowsView{Title: title, What: w.Say("pair.rule"), Count: w.Say("pair.pairs"), Caption: w.Say("pair.compared", w.Int(int(s.Pairs)))}
	if s.Matches > 0 {
		v.Caption += " " + w.Say("pair.missed", w.share(1-s.Recall))
	}
	var values []float64
	idle := 0
	for _, b := range s.Blocks {
		if b.New == 0 && b.Capped == 0 {
			idle++
			continue
		}
		r := barRow{Label: b.Rule, N: w.Int(int(b.New)), Note: w.Say("pair.matches", w.Int(int(math.Round(b.Matches))), w.Int(int(math.Round(b.Only))))}
		if b.Capped > 0 {
			r.Note += "; " + w.Say("pair.capped", b.Capped)
		}
		v.Rows = append(v.Rows, r)
		values = append(values, float64(b.New))
	}
	widths(v.Rows, values)
	if idle > 0 {
		v.Notes = append(v.Notes, w.Say("pair.idle", idle))
	}
	keys := func(list []dedup.HotKey, key string) {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b dedup.HotKey) int { return cmp.Compare(b.Records, a.Records) })
		for _, k := range list[:min(len(list), 5)] {
			v.Notes = append(v.Notes, w.Say(key, k.Records, page.Clip(strings.Join(k.Values, ", "), 200), k.Rule))
		}
	}
	keys(s.HotKeys, "pair.hot")
	keys(s.LargestBlocks, "pair.large")
	return v
}
