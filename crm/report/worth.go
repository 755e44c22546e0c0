package report

import (
	"time"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/value"
)

// Worth is what a shop's customers are worth together.
type Worth struct {
	Customers int       // who bought at least once
	Orders    int       // all of them
	Revenue   int64     // of all of them, minor units
	Until     time.Time // the last day that is known
	Weeks     int       // looked ahead
	Level     float64   // of the intervals of the next three, such as 0.9
	Alive     value.Interval
	Purchases value.Interval // in Weeks
	Value     value.Interval // of Purchases, discounted, minor units
	Repeat    int            // customers who bought a second time
	Active    int            // customers who are active (lifecycle.Active)
	Model     string         // which model Alive, Purchases and Value are by, such as "Pareto/NBD"
}

// Summary says what customers are worth, in money first: what they are going to bring, how many still buy, how many come
// back; each figure with its interval and what it is of.
func Summary(title string, s Worth, m Money) Picture {
	return draw("figure", func(w words) any {
		if s.Customers < 1 {
			return w.nothing(title, "summary")
		}
		out := figure{Title: w.titled(title, "summary"), Open: true, Head: []string{w.Say("worth.what"), w.Say("worth.value"), w.Say("worth.interval.of"), w.Say("worth.n")}}
		level := w.Percent(s.Level, 0)
		out.Caption = w.Say("worth.summary", w.Int(s.Weeks), w.amount(m, s.Value.Expected), w.span(w.amount(m, s.Value.Low), w.amount(m, s.Value.High)), s.Customers, w.amount(m, float64(s.Revenue)), w.Date(s.Until))
		row := func(key, value, low, high, n, level string) {
			out.Rows = append(out.Rows, []string{w.Say("worth.summary." + key), value, w.span(low, high) + " (" + level + ")", n})
		}
		people := w.Say("worth.n.customers", s.Customers)
		row("value", w.amount(m, s.Value.Expected), w.amount(m, s.Value.Low), w.amount(m, s.Value.High), people, level)
		each := float64(s.Customers)
		row("each", w.amount(m, s.Value.Expected/each), w.amount(m, s.Value.Low/each), w.amount(m, s.Value.High/each), people, level)
		row("purchases", w.count(s.Purchases.Expected), w.count(s.Purchases.Low), w.count(s.Purchases.High), people, level)
		row("alive", w.count(s.Alive.Expected), w.count(s.Alive.Low), w.count(s.Alive.High), people, level)
		share := func(key string, k int) {
			v, low, high := cohort.Cell{Customers: k}.Share(s.Customers)
			row(key, w.Percent(v, 1), w.Percent(low, 1), w.Percent(high, 1), w.Say("worth.n.of", w.Int(k), w.Int(s.Customers)), w.Percent(.95, 0))
		}
		share("repeat", s.Repeat)
		share("active", s.Active)
		out.Notes = []string{w.Say("worth.summary.orders", s.Orders)}
		out.How = []string{w.Say("worth.how.summary", s.Model)}
		return out
	})
}

// Customer is what one customer is worth.
type Customer struct {
	Name     string
	Repeats  int            // purchases after the first
	Alive    float64        // the probability that he still buys
	Expected value.Interval // purchases in the time looked ahead
	Worth    int64          // of these, discounted, minor units
}

// Customers lists customers as they are given, such as the most valuable ones first.
func Customers(title string, all []Customer, level float64, m Money) Picture {
	return draw("figure", func(w words) any {
		if len(all) == 0 {
			return w.nothing(title, "customers")
		}
		out := figure{Title: w.titled(title, "customers"), Open: true, Head: []string{w.Say("worth.customer"), w.Say("worth.value"), w.Say("worth.alive"), w.Say("worth.to.buy"), w.Say("worth.level", w.Percent(level, 0)), w.Say("worth.so.far")}}
		var sum float64
		for _, c := range all {
			sum += float64(c.Worth)
			out.Rows = append(out.Rows, []string{c.Name, w.amount(m, float64(c.Worth)), w.Part(int(1000*c.Alive+.5), 1000), w.Decimal(c.Expected.Expected, 1), w.span(w.Decimal(c.Expected.Low, 0), w.Decimal(c.Expected.High, 0)), w.Int(c.Repeats + 1)})
		}
		out.Caption = w.Say("worth.customers.sum", len(all), w.amount(m, sum))
		out.How = []string{w.Say("worth.how.customers")}
		return out
	})
}
