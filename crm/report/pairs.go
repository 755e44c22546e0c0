package report

import (
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/internal/page"
)

// rows is a table with an interval drawn in each row.
type rows struct {
	Title, Caption, Name, Value string
	Lo, Hi                      string // the ends of the axis
	Rows                        []row
	Notes, How                  []string
}

// row is one line of rows. Coordinates are percent of the width of the axis.
type row struct {
	Label, Detail, Value, Mean, Lo, Width, At string
}

// mostPairs is how many pairs are shown.
const mostPairs = 30

// Pairs draws what is bought together, as basket.Baskets.Pairs returns it: how many times as often as chance would
// bring it, with the interval at 95 %, the first 30. Rules that contradict themselves are left out. name gives the name of an item.
func Pairs(title string, rules []basket.Rule, name func(item uint32) string) Picture {
	return draw("rows", func(w words) any {
		out := rows{Title: w.titled(title, "pairs"), Name: w.Say("worth.pair"), Value: w.Say("worth.lift")}
		rules := slices.DeleteFunc(slices.Clone(rules), func(r basket.Rule) bool { return r.NAB < 1 || r.NA < r.NAB || r.NB < r.NAB || r.N < r.NAB })
		shown := rules[:min(len(rules), mostPairs)]
		if len(shown) == 0 {
			out.Caption = w.Say("worth.pairs.none")
			return out
		}
		hi := 0.0
		for _, r := range shown {
			_, high := liftInterval(r)
			hi = max(hi, min(high, 4*r.Lift()))
		}
		ends := func(v float64) float64 { return math.Log(max(v, .5) / .5) }
		x := scale(0, 1, 0, 100, 1)
		at := func(v float64) float64 { return x.At(ends(v) / ends(hi)) }
		out.Lo, out.Hi = w.Decimal(.5, 1), w.Decimal(hi, 1)
		best := shown[0]
		out.Caption = w.Say("worth.pairs", name(best.A), name(best.B), w.Decimal(best.Lift(), 1), w.Int(best.NAB), w.Int(best.N))
		for _, r := range shown {
			low, high := liftInterval(r)
			a, _ := r.Confidence()
			lo, up := at(low), at(high)
			out.Rows = append(out.Rows, row{
				Label:  w.Say("worth.pair.names", name(r.A), name(r.B)),
				Detail: w.Say("worth.pair.detail", w.Int(r.NAB), w.span(w.Decimal(low, 2), w.Decimal(high, 2)), w.Percent(a, 0), name(r.A)),
				Value:  w.Decimal(r.Lift(), 2), Mean: page.Short(at(1)),
				Lo: page.Short(lo), Width: page.Short(max(up-lo, .5)), At: page.Short(min(max(at(r.Lift()), .7), 99.3)),
			})
		}
		if n := len(rules) - mostPairs; n > 0 {
			out.Notes = append(out.Notes, w.Say("worth.pairs.more", n))
		}
		out.How = []string{w.Say("worth.how.pairs")}
		return out
	})
}

// liftInterval returns the interval of a lift at 95 %, by the delta method for its logarithm over the four cells of baskets
// with both, one or none.
func liftInterval(r basket.Rule) (low, high float64) {
	n, both, a, b := float64(r.N), float64(r.NAB), float64(r.NA), float64(r.NB)
	pa, pb, p := a/n, b/n, both/n
	g := 1/p - 1/pa - 1/pb
	// Σ p·g² − (Σ p·g)², of which the sum of p·g is −1.
	v := p*g*g + (pa-p)/(pa*pa) + (pb-p)/(pb*pb) - 1
	half := 1.959963984540054 * math.Sqrt(max(0, v)/n)
	return r.Lift() * math.Exp(-half), r.Lift() * math.Exp(half)
}
