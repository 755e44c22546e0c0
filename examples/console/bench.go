package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// measure waits until there is something to see, asks for each page n times and prints how long
// the answers took. Each customer's page is another customer's, each search for another one.
func (c *console) measure(ctx context.Context, n int, where string, out io.Writer) error {
	began := time.Now()
	for {
		p, changed := c.jobs.far()
		if p.Err != nil {
			return p.Err
		}
		if !p.Running {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
	f := c.last.Get()
	fmt.Fprintf(out, "%s, %d customers, %d evenings; ready after %.1f s\n\n", where, f.Results.Customers, c.town.far().Day, time.Since(began).Seconds())
	known, err := c.some(ctx, n)
	if err != nil {
		return err
	}
	table := terminal.Table{Right: map[int]bool{1: true, 2: true, 3: true, 4: true}}
	table.Row("page", "bytes", "p50 ms", "p95 ms", "max ms")
	for _, x := range c.asked(known) {
		took, size, err := c.times(ctx, n, x.path)
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		ms := func(share int) string {
			return fmt.Sprintf("%.1f", float64(took[min(len(took)-1, len(took)*share/100)].Microseconds())/1000)
		}
		table.Row(x.name, fmt.Sprint(size), ms(50), ms(95), ms(100))
	}
	return table.Write(out, 0)
}

// asking is a page and the path of the i-th request for it.
type asking struct {
	name string
	path func(i int) string
}

// asked are all pages, and all ways to look for customers.
func (c *console) asked(known []acquaintance) []asking {
	at := func(i int) acquaintance { return known[i%len(known)] }
	always := func(path string) func(int) string { return func(int) string { return path } }
	found := func(of func(a, b acquaintance) string) func(int) string {
		return func(i int) string { return "/customers?s=" + c.kept.put(search{For: of(at(i), at(i+1))}) }
	}
	about := func(page string) func(int) string {
		return func(i int) string { return "/customers/" + string(at(i).ID) + page }
	}
	tried := func(page, text string) func(int) string {
		return func(int) string { return page + "?d=" + c.kept.put(draft(text)) }
	}
	return []asking{
		{"tonight", always("/")},
		{"customers", always("/customers")},
		{"customers, a further page", func(i int) string { return "/customers?s=" + c.kept.put(search{From: at(i).Record}) }},
		{"search: a family name", found(func(a, _ acquaintance) string { return a.Name.Family })},
		{"search: a whole name", found(func(a, _ acquaintance) string { return a.Name.String() })},
		{"search: three letters", found(func(a, _ acquaintance) string { return beginning(a.Name.Family, 3) })},
		{"search: beginnings of both names", found(func(a, _ acquaintance) string { return beginning(a.Name.Family, 3) + " " + beginning(a.Name.Given, 2) })},
		{"search: names of two people", found(func(a, b acquaintance) string { return a.Name.Given + " " + b.Name.Family })},
		{"search: a name that few have", found(func(a, _ acquaintance) string { return a.Name.Family + " xq" })},
		{"search: an address", found(func(a, _ acquaintance) string { return a.Address })},
		{"search: an order", found(func(a, _ acquaintance) string { return a.Order })},
		{"search: a source's number", found(func(a, _ acquaintance) string { return a.Record.Source + "/" + a.Record.ID })},
		{"customer", about("")},
		{"alike", about("/alike")},
		{"why", about("/why?cause=campaign/" + c.town.cfg.Campaigns[0].Name)},
		{"duplicates", always("/duplicates")},
		{"segments", always("/segments")},
		{"segments, one that is tried", tried("/segments", exampleSegment)},
		{"rules", always("/rules")},
		{"rules, one that is tried", tried("/rules", exampleRule)},
		{"campaigns", always("/campaigns")},
		{"campaign", always("/campaigns/" + c.town.cfg.Campaigns[0].Name)},
		{"surveys", always("/surveys")},
		{"survey", always("/surveys/" + c.town.cfg.Surveys[0].Name)},
	}
}

// times asks for a page n times and returns how long that took, sorted, and the largest page.
func (c *console) times(ctx context.Context, n int, path func(i int) string) (took []time.Duration, size int, err error) {
	h := c.handler()
	for i := range n {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, path(i), nil)
		if c.o.password != "" {
			r.SetBasicAuth("bench", c.o.password)
		}
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, r)
		took = append(took, time.Since(start))
		if w.Code != http.StatusOK {
			return nil, 0, fmt.Errorf("%s answered %d", r.URL.Path, w.Code)
		}
		size = max(size, w.Body.Len())
	}
	slices.Sort(took)
	return took, size, nil
}

// acquaintance is a customer with what others look for him by.
type acquaintance struct {
	ID             crm.CustomerID
	Record         crm.ProfileKey
	Name           crm.Name
	Address, Order string
}

// some returns customers spread over the record of whom a name, an address and an order are known.
func (c *console) some(ctx context.Context, n int) (out []acquaintance, err error) {
	var after crm.ProfileKey
	for len(out) < n {
		page, next, err := c.svc.CustomerPage(ctx, after, 100)
		if err != nil {
			return nil, err
		}
		for _, x := range page {
			a := acquaintance{ID: x.ID, Record: x.Profiles[0], Name: x.Name}
			for _, k := range x.Contacts {
				if a.Address = k.Value; !k.Masked {
					break
				}
			}
			facts, err := c.svc.Facts(ctx, x.ID, crm.KindOrder)
			if err != nil {
				return nil, err
			}
			for _, f := range facts {
				if o, ok := f.Data.(*crm.Order); ok {
					a.Order = o.Number
				}
			}
			if len(out) < n && a.Order != "" && a.Address != "" && a.Name.Given != "" && a.Name.Family != "" && !strings.ContainsAny(a.Name.Family+a.Name.Given, "@0123456789") {
				out = append(out, a)
			}
		}
		if next.IsZero() {
			break
		}
		after = next
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there are no customers to look at")
	}
	return out, nil
}

// beginning returns the first n letters.
func beginning(text string, n int) string {
	r := []rune(text)
	return string(r[:min(n, len(r))])
}
