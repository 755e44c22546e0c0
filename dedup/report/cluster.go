package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/page"
)

// mostNodes is how many records of a cluster are drawn; a picture of more is a thicket.
const mostNodes = 40

type node struct{ X, Y, Label, N string }

type link struct{ X1, Y1, X2, Y2, Width, Class, Title string }

type clusterView struct {
	Title   string
	Nodes   []node
	Links   []link
	Members []node
	Notes   []string
}

// Cluster draws the records of a cluster and the edges that hold it together, the weakest
// one marked: cut there, it falls in two. Name says how a record is called; nil means by
// its id.
func Cluster(title string, c dedup.Cluster, name func(id string) string) Picture {
	if name == nil {
		name = func(id string) string { return id }
	}
	v := clusterView{Title: title}
	shown := c.Members[:min(len(c.Members), mostNodes)]
	at := map[string][2]float64{}
	for i, id := range shown {
		angle := 2*math.Pi*float64(i)/float64(len(shown)) - math.Pi/2
		x, y := 160+120*math.Cos(angle), 150+120*math.Sin(angle)
		at[id] = [2]float64{x, y}
		n := node{page.Short(x), page.Short(y), page.Clip(name(id), 160), page.English.Int(i + 1)}
		v.Nodes, v.Members = append(v.Nodes, n), append(v.Members, n)
	}
	smaller, larger, weakest, splits := c.Split()
	for _, e := range c.Edges {
		a, okA := at[e.A]
		b, okB := at[e.B]
		if !okA || !okB {
			continue
		}
		l := link{X1: page.Short(a[0]), Y1: page.Short(a[1]), X2: page.Short(b[0]), Y2: page.Short(b[1]),
			Width: page.Short(1 + 5*clamp(e.Weight/20)), Title: bits(e.Weight) + " bits: " + fields(e.Fields), Class: "strong"}
		switch {
		case e.Decided:
			l.Class, l.Title = "decided", "a person said so"
		case splits && e.A == weakest.A && e.B == weakest.B:
			l.Class = "weak"
		}
		v.Links = append(v.Links, l)
	}
	if splits && len(c.Members) > 2 {
		v.Notes = append(v.Notes, "Its weakest edge ("+bits(weakest.Weight)+" bits, dashed) parts "+page.English.Int(len(smaller))+" from "+page.English.Int(len(larger))+" records.")
	}
	if q := c.Quality; q != nil {
		v.Notes = append(v.Notes, "Density "+share(q.Density)+" of all pairs are links; bridges: "+page.English.Int(q.Bridges)+".")
	}
	if s := left(len(c.Members)-len(shown), "records"); s != "" {
		v.Notes = append(v.Notes, s)
	}
	return kit.Draw("cluster", v)
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
	v := rowsView{Title: title, What: "Records in a cluster", Count: "Clusters", Caption: page.English.Int(records) + " records in " + page.English.Int(len(clusters)) + " clusters."}
	const most = 15
	var values []float64
	rest := 0
	for i, n := range sizes {
		if i >= most-1 && len(sizes) > most {
			rest += counts[n]
			continue
		}
		v.Rows = append(v.Rows, barRow{Label: page.English.Int(n), N: page.English.Int(counts[n])})
		values = append(values, float64(counts[n]))
	}
	if rest > 0 {
		v.Rows = append(v.Rows, barRow{Label: "more", Note: "up to " + page.English.Int(sizes[len(sizes)-1]), N: page.English.Int(rest)})
		values = append(values, float64(rest))
	}
	widths(v.Rows, values)
	return kit.Draw("bars", v)
}

// Blocks draws what the blocking rules brought, and the blocks that were left out as too
// large and the largest that were compared.
func Blocks(title string, s dedup.Stats) Picture {
	v := rowsView{Title: title, What: "Rule", Count: "Pairs", Caption: page.English.Int(int(s.Pairs)) + " pairs were compared. By its own estimate blocking missed at least " +
		share(1-s.Recall) + " of the matches."}
	if s.Matches == 0 {
		v.Caption = page.English.Int(int(s.Pairs)) + " pairs were compared."
	}
	var values []float64
	for _, b := range s.Blocks {
		r := barRow{Label: b.Rule, N: page.English.Int(int(b.New)), Note: "matches " + page.English.Int(int(math.Round(b.Matches))) + ", by no other rule " + page.English.Int(int(math.Round(b.Only)))}
		if b.Capped > 0 {
			r.Note += "; blocks left out: " + page.English.Int(b.Capped)
		}
		v.Rows = append(v.Rows, r)
		values = append(values, float64(b.New))
	}
	widths(v.Rows, values)
	keys := func(list []dedup.HotKey, what string) {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b dedup.HotKey) int { return cmp.Compare(b.Records, a.Records) })
		for _, k := range list[:min(len(list), 5)] {
			v.Notes = append(v.Notes, what+": "+page.English.Int(k.Records)+" records with "+fields(k.Values)+" ("+k.Rule+")")
		}
	}
	keys(s.HotKeys, "Left out as too common")
	keys(s.LargestBlocks, "Large")
	return kit.Draw("bars", v)
}
