package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// measure waits until there is something to see, asks for each page n times and prints how long
// the answers took. Each customer's page is another customer's, each search another name's.
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
	ids, names, err := c.some(ctx, n)
	if err != nil {
		return err
	}
	table := terminal.Table{Right: map[int]bool{1: true, 2: true, 3: true, 4: true}}
	table.Row("page", "bytes", "p50 ms", "p95 ms", "max ms")
	for _, x := range []struct {
		name string
		path func(i int) string
	}{
		{"tonight", func(int) string { return "/" }},
		{"customers", func(int) string { return "/customers" }},
		{"search", func(i int) string { return c.searched(names[i%len(names)]) }},
		{"customer", func(i int) string { return "/customers/" + string(ids[i%len(ids)]) }},
		{"alike", func(i int) string { return "/customers/" + string(ids[i%len(ids)]) + "/alike" }},
		{"duplicates", func(int) string { return "/duplicates" }},
		{"segments", func(int) string { return "/segments" }},
		{"rules", func(int) string { return "/rules" }},
		{"campaigns", func(int) string { return "/campaigns" }},
		{"campaign", func(int) string { return "/campaigns/" + c.town.cfg.Campaigns[0].Name }},
		{"surveys", func(int) string { return "/surveys" }},
		{"survey", func(int) string { return "/surveys/" + c.town.cfg.Surveys[0].Name }},
	} {
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

// searched starts a search and returns the page with what it finds.
func (c *console) searched(name string) string {
	return "/customers?" + url.Values{"s": {c.kept.put(search{For: name})}}.Encode()
}

// some returns customers spread over the record, and names to search for.
func (c *console) some(ctx context.Context, n int) (ids []crm.CustomerID, names []string, err error) {
	var after crm.ProfileKey
	for len(ids) < n {
		page, next, err := c.svc.CustomerPage(ctx, after, 100)
		if err != nil {
			return nil, nil, err
		}
		for _, x := range page {
			ids = append(ids, x.ID)
			if name := strings.TrimSpace(x.Name.Family); name != "" && !strings.ContainsAny(name, "@0123456789") {
				names = append(names, name)
			}
		}
		if next.IsZero() {
			break
		}
		after = next
	}
	if len(ids) == 0 || len(names) == 0 {
		return nil, nil, fmt.Errorf("there are no customers to look at")
	}
	return ids, names, nil
}
