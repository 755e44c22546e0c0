package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/vefacrm/vefa/crm"
)

func (c *console) duplicateRoutes(mux *http.ServeMux) {
	c.get(mux, "/duplicates", c.duplicates)
	c.post(mux, "/duplicates", c.decide)
	c.post(mux, "/duplicates/undo", func(r *http.Request) (string, error) {
		return "/duplicates?done=undone", c.takeBack(r.Context(), c.actor(r), r.PostFormValue("op"), nil)
	})
}

// questions are the pairs that linkage is not sure of.
type questions struct {
	List    []question
	More    int // beyond those shown
	Answers []answer
	Known   bool // they were asked for
}

// question is a pair to answer.
type question struct {
	A, B     member
	IDs      [2]crm.CustomerID
	Together bool
	Share    float64
	Agreed   []string
	Pairs    int
}

// mostAsked is how many pairs a page lays out.
const mostAsked = 10

func (c *console) duplicates(r *http.Request, w *words) (shown, error) {
	f := c.last.Get()
	out := questions{Answers: c.said.answers(), Known: !f.At.IsZero()}
	out.Answers = out.Answers[:min(len(out.Answers), 20)]
	was := map[[2]crm.ProfileKey]bool{}
	for _, a := range c.said.answers() {
		was[a.Pair] = was[a.Pair] || !a.Undone
	}
	for _, q := range f.Questions {
		if was[[2]crm.ProfileKey{q.A, q.B}] {
			continue
		}
		if len(out.List) == mostAsked {
			out.More++
			continue
		}
		records, err := c.records(r.Context(), []crm.ProfileKey{q.A, q.B})
		if err != nil {
			return shown{}, err
		}
		if records[0] == nil || records[1] == nil {
			continue
		}
		x := question{A: w.member(records[0]), B: w.member(records[1]), IDs: [2]crm.CustomerID{records[0].Customer, records[1].Customer},
			Share: q.Probability, Pairs: q.Pairs}
		if x.Together = x.IDs[0] == x.IDs[1]; x.Together != q.Together {
			continue // somebody decided meanwhile
		}
		for _, k := range q.Fields {
			x.Agreed = append(x.Agreed, w.Agreement(k))
		}
		out.List = append(out.List, x)
	}
	return shown{page: "duplicates", section: "duplicates", title: w.Say("duplicates.title"), data: out}, nil
}

// decide takes the answer to a question.
func (c *console) decide(r *http.Request) (string, error) {
	a, b, err := pair(r)
	if err != nil {
		return "", err
	}
	ctx, who := r.Context(), c.actor(r)
	out := answer{By: who, Pair: [2]crm.ProfileKey{a, b}}
	do := c.no
	if out.Yes = r.PostFormValue("answer") == "yes"; out.Yes {
		do = c.yes
	}
	links, err := do(ctx, who, a, b)
	if err != nil {
		return "", err
	}
	if out.Op = ""; len(links) > 0 {
		out.Op = links[0].Op
	}
	for i, k := range out.Pair {
		if out.Names[i], out.IDs[i], err = c.nameOf(ctx, k); err != nil {
			return "", err
		}
	}
	c.said.add(out)
	return "/duplicates?done=answered", nil
}

func (c *console) nameOf(ctx context.Context, k crm.ProfileKey) (string, crm.CustomerID, error) {
	x, err := c.svc.CustomerOf(ctx, k)
	if errors.Is(err, crm.ErrNotFound) {
		return k.String(), "", nil
	}
	if err != nil {
		return "", "", err
	}
	p, err := c.svc.Profile(ctx, k)
	if err != nil {
		return "", "", err
	}
	return p.Name.String(), x.ID, nil
}
