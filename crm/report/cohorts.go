package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/internal/chart"
)

// mostPeriods is how many cohorts, and periods of each, a triangle shows.
const mostPeriods = 36

// heat is a figure with a table whose cells are shaded.
type heat struct {
	Title, Caption string
	SVG            template.HTML
	Notes, How     []string
	Head           []string // of Rows, the table of the drawing
	Rows           [][]string
	Corner         string // and the rest of the shaded table
	Columns        []string
	Heat           []heatRow
}

type heatRow struct {
	Label string
	Cells []heatCell
}

type heatCell struct {
	Text, Title string
	Shade       int // 1 to 10; 0: none
}

// Cohorts draws who came back: which share of all new customers bought in the first, second, … period after that of
// their first purchase, with its interval, and below it the triangle of the cohorts, the latest 36. A cell of what has
// not happened yet is blank, and one of a period that is not over has a star.
func Cohorts(title string, t *cohort.Table) Picture {
	return draw("heat", func(w words) any {
		out := heat{Title: w.titled(title, "cohorts"), Caption: w.Say("worth.nothing")}
		if t == nil || t.Customers == 0 {
			return out
		}
		ages := pooled(t)
		unit := strconv.Itoa(int(t.Unit))
		if len(ages) > 1 {
			first := ages[1]
			out.Caption = w.Say("worth.cohorts."+unit, w.Int(t.Customers), w.Percent(first.share, 1), w.shares(first.low, first.high, 1))
			out.SVG = html(returning(w, out.Title, out.Caption, ages))
			out.Head = []string{w.Say("worth.after." + unit), w.Say("worth.came"), w.Say("worth.interval"), w.Say("worth.n")}
			for age, a := range ages[1:] {
				out.Rows = append(out.Rows, []string{w.Int(age + 1), w.Percent(a.share, 1), w.shares(a.low, a.high, 1), w.Int(a.of)})
			}
		} else {
			out.Caption = w.Say("worth.cohorts.none", t.Customers)
		}
		cohorts := t.Cohorts
		if n := len(cohorts) - mostPeriods; n > 0 {
			cohorts = cohorts[n:]
			out.Notes = append(out.Notes, w.Say("worth.cohorts.older", n))
		}
		out.Corner = w.Say("worth.first")
		out.Columns = []string{w.Say("worth.new")}
		columns, most, partial := 0, 0.0, false
		for _, c := range cohorts {
			columns = max(columns, min(len(c.Cells), mostPeriods+1))
			for _, cell := range c.Cells[min(1, len(c.Cells)):] {
				share, _, _ := cell.Share(c.Size)
				most = max(most, share)
			}
		}
		for age := 1; age < columns; age++ {
			out.Columns = append(out.Columns, "+"+strconv.Itoa(age))
		}
		for _, c := range cohorts {
			row := heatRow{Label: w.period(t.Unit, c.Begin), Cells: []heatCell{{Text: w.Int(c.Size)}}}
			for age := 1; age < columns; age++ {
				if age >= len(c.Cells) || c.Size == 0 {
					row.Cells = append(row.Cells, heatCell{})
					continue
				}
				cell := c.Cells[age]
				share, low, high := cell.Share(c.Size)
				x := heatCell{Text: w.Part(cell.Customers, c.Size), Title: w.Say("worth.cell", w.Int(cell.Customers), w.Int(c.Size), w.shares(low, high, 0))}
				if most > 0 && cell.Customers > 0 {
					x.Shade = min(max(int(share/most*10+.5), 1), 10)
				}
				if cell.Partial {
					partial = true
					x.Text += "*"
				}
				row.Cells = append(row.Cells, x)
			}
			out.Heat = append(out.Heat, row)
		}
		if partial {
			out.Notes = append(out.Notes, w.Say("worth.cohorts.partial"))
		}
		out.How = []string{w.Say("worth.how.cohorts")}
		return out
	})
}

// pooledAge is what all cohorts together did so many periods after the first.
type pooledAge struct {
	share, low, high float64
	of               int
}

// pooled adds up the cohorts by age, periods that are not over left out.
func pooled(t *cohort.Table) (out []pooledAge) {
	for age := 0; age <= mostPeriods; age++ {
		var came, of int
		for _, c := range t.Cohorts {
			if age < len(c.Cells) && !c.Cells[age].Partial {
				came, of = came+c.Cells[age].Customers, of+c.Size
			}
		}
		if of == 0 {
			break
		}
		share, low, high := cohort.Cell{Customers: came}.Share(of)
		out = append(out, pooledAge{share, low, high, of})
	}
	return out
}

// returning draws the share of those who came back by age.
func returning(w words, title, about string, ages []pooledAge) *chart.Drawing {
	const height, top, bottom = 190.0, 12.0, 150.0
	d := chart.New("", width, height, title, about)
	hi := slices.MaxFunc(ages[1:], func(a, b pooledAge) int { return int(1e9 * (a.high - b.high)) }).high
	y := scale(0, hi, bottom, top, 5)
	axis(d, y, w.part)
	room := (right - left) / float64(len(ages)-1)
	var upper, lower, values []chart.Point
	for i, a := range ages[1:] {
		x := left + (float64(i)+.5)*room
		upper, lower = append(upper, chart.Point{X: x, Y: y.At(a.high)}), append(lower, chart.Point{X: x, Y: y.At(a.low)})
		values = append(values, chart.Point{X: x, Y: y.At(a.share)})
	}
	d.Area("ch-band", upper, lower)
	d.Curve("ch-first", values...)
	for i, v := range values {
		d.Line("ch-first ch-thin", upper[i], lower[i])
		d.Mark("ch-first", chart.Circle, v, min(3.5, room/3), fmt.Sprintf("+%d: %s", i+1, w.Percent(ages[i+1].share, 1)))
	}
	below(d, bottom+17, width, len(values), func(i int) (float64, string) { return values[i].X, "+" + strconv.Itoa(i+1) })
	d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: height - 5}, w.Say("worth.axis.age"), right-left)
	return d
}

// period writes the period that begins at a moment.
func (w words) period(unit cohort.Unit, begin time.Time) string {
	month, year := string([]rune(w.Months[begin.Month()-1])[:3]), strconv.Itoa(begin.Year())
	switch unit {
	case cohort.Year:
		return year
	case cohort.Quarter:
		return w.Say("worth.quarter", strconv.Itoa((int(begin.Month())+2)/3), year)
	case cohort.Month:
		return month + " " + year
	}
	return w.Day(begin) + " " + year
}
