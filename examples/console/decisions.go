package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/vefacrm/vefa/crm"
)

// answered are the operations that people did here, by which they are taken back whole: from the
// page of one customer alone the decisions about another one are not seen.
type answered struct {
	mu   sync.Mutex
	ops  map[string][]crm.Link
	list []answer // of questions, the newest last
}

// answer is a pair that was answered.
type answer struct {
	Op     string
	Yes    bool
	By     string
	Names  [2]string
	IDs    [2]crm.CustomerID
	Pair   [2]crm.ProfileKey
	Undone bool
}

const maxAnswered = 500

// remember keeps the decisions of an operation.
func (a *answered) remember(links []crm.Link) {
	if len(links) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ops == nil || len(a.ops) > maxAnswered {
		a.ops = map[string][]crm.Link{}
	}
	for _, l := range links {
		a.ops[l.Op] = append(a.ops[l.Op], l)
	}
}

// add keeps the answer to a question.
func (a *answered) add(x answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, x)
	if n := len(a.list) - maxAnswered; n > 0 {
		a.list = a.list[n:]
	}
}

// undone notes that an operation was taken back.
func (a *answered) undone(op string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.list {
		if a.list[i].Op == op {
			a.list[i].Undone = true
		}
	}
}

// answers returns what was answered, the newest first.
func (a *answered) answers() []answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.list)
	slices.Reverse(out)
	return out
}

// page is where a customer is shown.
func page(id crm.CustomerID, done string) string { return "/customers/" + string(id) + "?done=" + done }

// pair reads the two records that a form is about.
func pair(r *http.Request) (a, b crm.ProfileKey, err error) {
	a, err1 := keyOf(r.PostFormValue("a"))
	b, err2 := keyOf(r.PostFormValue("b"))
	return a, b, errors.Join(err1, err2)
}

// yes makes the customers of two records one.
func (c *console) yes(ctx context.Context, who string, a, b crm.ProfileKey) ([]crm.Link, error) {
	links, err := c.svc.Merge(ctx, who, crm.Evidence{With: b, Note: "console: one person"}, a, b)
	c.said.remember(links)
	return links, err
}

// no keeps the customers of two records apart, or parts them where they are one.
func (c *console) no(ctx context.Context, who string, a, b crm.ProfileKey) ([]crm.Link, error) {
	x, err := c.svc.CustomerOf(ctx, a)
	if err != nil {
		return nil, err
	}
	ev := crm.Evidence{With: a, Note: "console: two persons"}
	var links []crm.Link
	if slices.Contains(x.Profiles, b) {
		links, err = c.svc.Split(ctx, who, ev, b)
	} else {
		links, err = c.svc.KeepApart(ctx, who, ev, a, b)
	}
	c.said.remember(links)
	return links, err
}

func (c *console) merge(r *http.Request) (string, error) {
	a, b, err := pair(r)
	if err != nil {
		return "", err
	}
	if _, err = c.yes(r.Context(), c.actor(r), a, b); err != nil {
		return "", err
	}
	x, err := c.svc.CustomerOf(r.Context(), a)
	if err != nil {
		return "", err
	}
	return page(x.ID, "merged"), nil
}

func (c *console) apart(r *http.Request) (string, error) {
	a, b, err := pair(r)
	if err != nil {
		return "", err
	}
	_, err = c.no(r.Context(), c.actor(r), a, b)
	return page(crm.CustomerID(r.PathValue("id")), "apart"), err
}

func (c *console) split(r *http.Request) (string, error) {
	id := crm.CustomerID(r.PathValue("id"))
	x, err := c.svc.Customer(r.Context(), id)
	if err != nil {
		return "", err
	}
	var keys []crm.ProfileKey
	for _, text := range r.PostForm["record"] {
		k, err := keyOf(text)
		if err != nil {
			return "", err
		}
		if !slices.Contains(x.Profiles, k) {
			return "", fmt.Errorf("%w: a record belongs to another customer by now", crm.ErrStale)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 || len(keys) == len(x.Profiles) {
		return "", fmt.Errorf("%w: choose some of the records, and not all", crm.ErrInvalid)
	}
	stays := x.Profiles[slices.IndexFunc(x.Profiles, func(k crm.ProfileKey) bool { return !slices.Contains(keys, k) })]
	links, err := c.svc.Split(r.Context(), c.actor(r), crm.Evidence{With: stays, Note: "console: split"}, keys...)
	c.said.remember(links)
	return page(id, "split"), err
}

func (c *console) notMe(r *http.Request) (string, error) {
	k, err := keyOf(r.PostFormValue("record"))
	if err != nil {
		return "", err
	}
	a := crm.Address{Channel: crm.Channel(r.PostFormValue("channel")), Value: r.PostFormValue("address")}
	_, err = c.svc.NotMe(r.Context(), k, a, c.actor(r))
	return page(crm.CustomerID(r.PathValue("id")), "not-me"), err
}

func (c *console) note(r *http.Request) (string, error) {
	id := crm.CustomerID(r.PathValue("id"))
	x, err := c.svc.Customer(r.Context(), id)
	if err != nil {
		return "", err
	}
	text := r.PostFormValue("text")
	if text == "" {
		return "", fmt.Errorf("%w: the note is empty", crm.ErrInvalid)
	}
	return page(id, "noted"), c.svc.Note(r.Context(), x.Profiles[0], crm.Note{Text: text, Actor: c.actor(r)})
}

func (c *console) undo(r *http.Request) (string, error) {
	id := crm.CustomerID(r.PathValue("id"))
	x, err := c.svc.Customer(r.Context(), id)
	if err != nil {
		return "", err
	}
	return page(id, "undone"), c.takeBack(r.Context(), c.actor(r), r.PostFormValue("op"), x.Profiles)
}

// takeBack undoes an operation, of which some decisions are about these records.
func (c *console) takeBack(ctx context.Context, who, op string, keys []crm.ProfileKey) error {
	all, err := c.decisions(ctx, op, keys)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%w: there is no such decision about this customer", crm.ErrInvalid)
	}
	links, err := c.svc.Undo(ctx, who, all...)
	if err != nil {
		return err
	}
	c.said.remember(links)
	c.said.undone(op)
	return nil
}

// decisions gathers all that an operation decided: those about the given records, and about those
// with whom they were or were compared.
func (c *console) decisions(ctx context.Context, op string, keys []crm.ProfileKey) ([]crm.Link, error) {
	c.said.mu.Lock()
	known := slices.Clone(c.said.ops[op])
	c.said.mu.Unlock()
	if len(known) > 0 {
		return known, nil
	}
	var out []crm.Link
	looked := map[crm.ProfileKey]bool{}
	for queue := keys; len(queue) > 0 && len(looked) < 200; {
		k := queue[0]
		queue = queue[1:]
		if looked[k] {
			continue
		}
		looked[k] = true
		log, err := c.svc.Links(ctx, k)
		if err != nil {
			return nil, err
		}
		for i, l := range log {
			if l.Op != op {
				continue
			}
			if out = append(out, l); len(out) == l.OpLen {
				return out, nil
			}
			if !l.Evidence.With.IsZero() {
				queue = append(queue, l.Evidence.With)
			}
			if i > 0 { // those who stayed behind
				x, err := c.svc.Customer(ctx, log[i-1].Customer)
				if err != nil && !errors.Is(err, crm.ErrNotFound) {
					return nil, err
				}
				if x != nil {
					queue = append(queue, x.Profiles...)
				}
			}
		}
	}
	return out, nil
}
