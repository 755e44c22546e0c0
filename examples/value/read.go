package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm/value"
)

// sale is a line of the file.
type sale struct {
	customer, order, category uint32
	at                        time.Time
	amount                    int64 // hundredths
}

// book is what the file holds.
type book struct {
	customers, categories []string
	sales                 []sale
	until                 time.Time // the last day, at its beginning
}

// layouts are how times are written.
var layouts = []string{time.DateOnly, "20060102", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "02.01.2006", "01/02/2006"}

func parseTime(s string, zone *time.Location) (time.Time, error) {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, s, zone); err == nil {
			return t.In(zone), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2026-03-31 or 2026-03-31 17:05:00", s)
}

// parseAmount reads hundredths.
func parseAmount(s string) (int64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e13 {
		return 0, fmt.Errorf("%q is no amount such as 1299.90", s)
	}
	return int64(math.Round(v * 100)), nil
}

// mostAmount bounds the sum of amounts, in hundredths: until there each whole number is one of the machine's.
const mostAmount = 1 << 53

// numbers gives texts numbers from 0 on.
type numbers struct {
	of    map[string]uint32
	names []string
}

func (n *numbers) number(s string) uint32 {
	if n.of == nil {
		n.of = map[string]uint32{}
	}
	i, ok := n.of[s]
	if !ok {
		i = uint32(len(n.names))
		n.of[s], n.names = i, append(n.names, s)
	}
	return i
}

// table reads a CSV file with a header and calls f for each row with a function that returns the
// column of a name, the first of names that there is.
func table(path string, f func(get func(names ...string) (string, bool)) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.TrimLeadingSpace, r.FieldsPerRecord = true, -1
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", path, cmp.Or(noRows(err), err))
	}
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff")))
	}
	rows := 0
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil { // with its line
			return fmt.Errorf("%s: %w", path, err)
		}
		rows++
		if err := f(func(names ...string) (string, bool) {
			for _, n := range names {
				if i := slices.Index(head, n); i >= 0 && i < len(row) {
					return strings.TrimSpace(row[i]), true
				}
			}
			return "", false
		}); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
	if rows == 0 {
		return fmt.Errorf("%s: %w", path, errNoRows)
	}
	return nil
}

var errNoRows = errors.New("no rows below the header")

func noRows(err error) error {
	if err == io.EOF {
		return errNoRows
	}
	return nil
}

// readSales reads the file, or simulates a shop.
func readSales(ctx context.Context, o options) (*book, error) {
	b := &book{}
	if o.in == "" {
		b = simulated(o.zone)
	} else {
		var customers, categories, orders numbers
		var all float64 // of the amounts, without their signs
		err := table(o.in, func(get func(...string) (string, bool)) error {
			customer, ok := get("customer", "customer_id", "customerid", "id")
			at, timed := get("time", "date", "at", "timestamp", "invoicedate")
			amount, priced := get("amount", "value", "total", "revenue", "dollar_value")
			if !ok || !timed || !priced {
				return errors.New("the header needs customer, time and amount")
			}
			if customer == "" {
				return errors.New("customer is empty")
			}
			var s sale
			var err error
			if s.at, err = parseTime(at, o.zone); err != nil {
				return err
			}
			if s.amount, err = parseAmount(amount); err != nil {
				return err
			}
			if all += math.Abs(float64(s.amount)); all > mostAmount {
				return fmt.Errorf("the amounts until here are more than %d together", int64(mostAmount/100))
			}
			category, _ := get("category", "product", "item")
			if !utf8.ValidString(customer) || !utf8.ValidString(category) {
				return errors.New("customer or category is no UTF-8: save the file with that encoding")
			}
			s.customer = customers.number(customer)
			order, ok := get("order", "order_id", "invoice", "invoiceno", "basket")
			if !ok { // what is bought on one day
				order = customer + "\x00" + s.at.Format(time.DateOnly)
			}
			s.order = orders.number(order)
			s.category = categories.number(category)
			b.sales = append(b.sales, s)
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		b.customers, b.categories = customers.names, categories.names
	}
	last := b.sales[0].at
	for _, s := range b.sales {
		if s.at.After(last) {
			last = s.at
		}
	}
	b.until = dayOf(last)
	if !o.until.IsZero() {
		if b.until.After(o.until) { // what is later is not known yet
			b.sales = slices.DeleteFunc(b.sales, func(s sale) bool { return dayOf(s.at).After(o.until) })
			if len(b.sales) == 0 {
				return nil, fmt.Errorf("no sales until %s", o.until.Format(time.DateOnly))
			}
		}
		b.until = o.until
	}
	return b, nil
}

// person is a customer with the days on which he bought.
type person struct {
	id   string
	days []int   // from the last day of the book back, 0 or below, in ascending order, each once
	sums []int64 // what was bought on each, hundredths
}

// people returns the customers who bought, in the order of their numbers.
func (b *book) people() []person {
	type day struct {
		at     int
		amount int64
	}
	bought := make([][]day, len(b.customers))
	for _, s := range b.sales {
		bought[s.customer] = append(bought[s.customer], day{-days(s.at, b.until), s.amount})
	}
	var out []person
	for c, all := range bought {
		if len(all) == 0 {
			continue
		}
		slices.SortFunc(all, func(x, y day) int { return cmp.Compare(x.at, y.at) })
		p := person{id: b.customers[c]}
		for _, d := range all {
			if n := len(p.days); n > 0 && p.days[n-1] == d.at {
				p.sums[n-1] += d.amount
			} else {
				p.days, p.sums = append(p.days, d.at), append(p.sums, d.amount)
			}
		}
		out = append(out, p)
	}
	return out
}

// history is what models need to know of a person, in weeks.
func (p person) history() value.Purchases {
	first, last := p.days[0], p.days[len(p.days)-1]
	return value.Purchases{Repeats: len(p.days) - 1, Last: float64(last-first) / 7, Age: float64(-first) / 7}
}

func dayOf(t time.Time) time.Time { return midnight(t, t.Location()) }

// midnight returns the first instant in a zone of the day that a time is in where it is. Clocks may go forward then: time.Date
// may return an hour of the day before.
func midnight(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.Date()
	t = time.Date(y, m, d, 0, 0, 0, 0, zone)
	if t.Day() != d {
		_, t = t.ZoneBounds()
	}
	return t
}

// tomorrow returns when the day after a day begins.
func tomorrow(day time.Time) time.Time {
	y, m, d := day.Date()
	return dayOf(time.Date(y, m, d+1, 12, 0, 0, 0, day.Location()))
}

// days returns how many days lie between two days, whatever clocks did.
func days(from, to time.Time) int {
	number := func(t time.Time) int64 {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400 // a Duration ends after 292 years
	}
	return int(number(to) - number(from))
}

// simulated is a shop of watches over two years.
func simulated(zone *time.Location) *book {
	r := rand.New(rand.NewPCG(2026, 1))
	b := &book{categories: []string{"watch", "strap", "battery", "clock", "gift"}}
	begin := time.Date(2024, 1, 1, 10, 0, 0, 0, zone)
	order := uint32(0)
	for i := range uint32(1500) {
		b.customers = append(b.customers, fmt.Sprintf("c-%04d", i+1))
		at, rate, leave := float64(r.IntN(730)), r.ExpFloat64()/60, r.Float64()*r.Float64()
		scale := 20_000 * math.Exp(0.7*r.NormFloat64())
		for ; at < 731; at += r.ExpFloat64() / rate {
			when := begin.AddDate(0, 0, int(at))
			for range 1 + r.IntN(2) {
				b.sales = append(b.sales, sale{i, order, uint32(r.IntN(5) * r.IntN(5) % 5), when, int64(scale * (0.3 + r.ExpFloat64()))})
			}
			if order++; r.Float64() < leave {
				break
			}
		}
	}
	return b
}

// maxRepeats is how many purchases a line of a summary may have: models take each of them in turn, four of them a hundred times.
const maxRepeats = 1_000_000

// summary is a file of frequencies.
type summary struct {
	histories []value.Purchases
	spending  []value.Spending
	chances   map[value.Chances]int
}

// readSummary reads the columns of the papers: x, t_x and T, and what purchases were worth on
// average, zbar; or opportunities with how many customers have each.
func readSummary(path string) (*summary, error) {
	s := &summary{chances: map[value.Chances]int{}}
	err := table(path, func(get func(...string) (string, bool)) error {
		number := func(names ...string) (float64, bool, error) {
			text, ok := get(names...)
			if !ok {
				return 0, false, nil
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return 0, true, fmt.Errorf("%s: %q is no number", names[0], text)
			}
			return v, true, nil
		}
		x, okX, err1 := number("x", "frequency", "repeats")
		last, okLast, err2 := number("t_x", "tx", "recency")
		age, okAge, err3 := number("t", "age")
		mean, okMean, err4 := number("zbar", "monetary_value", "mean")
		offered, okOffered, err5 := number("periods", "n")
		weight, okWeight, err6 := number("weights", "weight", "count")
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			return err
		}
		if !okX || !okLast || !okAge && !okOffered {
			return errors.New("the header needs x, t_x and T, or frequency, recency and periods")
		}
		if x != math.Trunc(x) || math.Abs(x) > maxRepeats {
			return fmt.Errorf("x: %v is no number of purchases, from 0 to %d", x, maxRepeats)
		}
		if !okAge {
			if !okWeight {
				weight = 1
			}
			for _, c := range []struct {
				name string
				v    float64
			}{{"recency", last}, {"periods", offered}, {"weights", weight}} {
				if c.v != math.Trunc(c.v) || math.Abs(c.v) > 1e9 {
					return fmt.Errorf("%s: %v is no whole number", c.name, c.v)
				}
			}
			s.chances[value.Chances{Taken: int(x), Last: int(last), Offered: int(offered)}] += int(weight)
			return nil
		}
		p := value.Purchases{Repeats: int(x), Last: last, Age: age}
		if err := p.Validate(); err != nil {
			return err
		}
		s.histories = append(s.histories, p)
		if okMean && x > 0 && mean > 0 {
			s.spending = append(s.spending, value.Spending{Purchases: int(x), Mean: mean})
		}
		return nil
	})
	return s, err
}
