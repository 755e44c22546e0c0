package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

func (c *console) customerRoutes(mux *http.ServeMux) {
	c.get(mux, "/customers", c.customers)
	c.post(mux, "/customers", func(r *http.Request) (string, error) {
		q := strings.TrimSpace(r.PostFormValue("q"))
		if q == "" {
			return "/customers", nil
		}
		return "/customers?s=" + c.kept.put(search{For: q}), nil
	})
	c.get(mux, "/customers/{id}", c.customer)
	c.get(mux, "/customers/{id}/alike", c.alike)
	c.get(mux, "/customers/{id}/why", c.why)
	c.post(mux, "/customers/{id}/merge", c.merge)
	c.post(mux, "/customers/{id}/apart", c.apart)
	c.post(mux, "/customers/{id}/split", c.split)
	c.post(mux, "/customers/{id}/not-me", c.notMe)
	c.post(mux, "/customers/{id}/undo", c.undo)
	c.post(mux, "/customers/{id}/note", c.note)
}

// search is what is looked for, and where the page before ended.
type search struct {
	For   string
	After string         // crm.NamePage.Next
	From  crm.ProfileKey // of a list of all
}

// found is a list of customers.
type found struct {
	For   string // what was typed
	Rows  []row
	Next  string // the number of the search that goes on; empty: the end
	Exact bool   // by an address, a number or a key, of which there is no next page
}

// row is a customer in a list.
type row struct {
	ID       crm.CustomerID
	Name     string
	City     string
	Reach    string
	Profiles int
	Since    string
}

func (w *words) rowOf(x *crm.Customer) row {
	out := row{ID: x.ID, Name: w.Called(x.Name), City: x.Postal.City, Profiles: len(x.Profiles), Since: w.On(x.Since)}
	for _, a := range x.Contacts {
		if !a.Masked {
			out.Reach = w.Hidden(a.Address)
			break
		}
	}
	return out
}

// pageSize is how many customers a page has.
const pageSize = 25

func (c *console) customers(r *http.Request, w *words) (shown, error) {
	var q search
	if id := r.URL.Query().Get("s"); id != "" {
		var ok bool
		if q, ok = of[search](&c.kept, id); !ok {
			return shown{}, errGone
		}
	}
	out, err := c.find(r.Context(), w, q)
	return shown{page: "customers", section: "customers", title: w.Say("customers.title"), data: out}, err
}

// find looks customers up: by an address, the number of an order, a source's own id, else by name.
func (c *console) find(ctx context.Context, w *words, q search) (out found, err error) {
	out.For = q.For
	var page []*crm.Customer
	switch {
	case q.For == "":
		var next crm.ProfileKey
		if page, next, err = c.svc.CustomerPage(ctx, q.From, pageSize); err != nil {
			return out, err
		}
		if !next.IsZero() {
			out.Next = c.kept.put(search{From: next})
		}
	case strings.ContainsAny(q.For, "@0123456789"):
		out.Exact = true
		page, err = c.exact(ctx, q.For)
	default:
		p := crm.NamePage{Next: q.After}
		for more := true; more; more = len(p.Customers) == 0 && p.Next != "" { // an empty page need not be the last
			if p, err = c.svc.SearchName(ctx, crm.NameQuery{Name: q.For, After: p.Next, Limit: pageSize}); err != nil {
				return out, err
			}
		}
		if page = p.Customers; p.Next != "" {
			out.Next = c.kept.put(search{For: q.For, After: p.Next})
		}
	}
	for _, x := range page {
		out.Rows = append(out.Rows, w.rowOf(x))
	}
	return out, err
}

// exact finds customers by what belongs to one or a few: as many as are asked about once.
func (c *console) exact(ctx context.Context, text string) ([]*crm.Customer, error) {
	queries := []crm.Query{{OrderNumber: text}, {Serial: text}}
	for _, ch := range []crm.Channel{crm.Phone, crm.Email} {
		if a, err := c.svc.Normal(crm.Address{Channel: ch, Value: text}); err == nil {
			queries = append(queries, crm.Query{Address: a})
		}
	}
	if source, id, ok := strings.Cut(text, "/"); ok && source != "" && id != "" {
		queries = append(queries, crm.Query{External: crm.ProfileKey{Source: source, ID: id}})
	}
	var ids []crm.CustomerID
	seen := map[crm.CustomerID]bool{}
	for _, q := range queries {
		for hit, err := range c.svc.Find(ctx, q) {
			if err != nil {
				return nil, fmt.Errorf("find: %w", err)
			}
			if !seen[hit.Customer] && len(ids) < pageSize {
				seen[hit.Customer] = true
				ids = append(ids, hit.Customer)
			}
		}
	}
	var out []*crm.Customer
	err := c.town.store.View(ctx, func(rd crm.Reader) (err error) {
		out, err = c.svc.FoldMany(ctx, rd, ids)
		return err
	})
	return present(out), err
}

func present(in []*crm.Customer) (out []*crm.Customer) {
	for _, x := range in {
		if x != nil {
			out = append(out, x)
		}
	}
	return out
}
