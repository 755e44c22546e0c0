package route

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// MaxBatch implements messaging.BatchLimiter: the smallest of the senders', 500 for those
// without one.
func (x *Router) MaxBatch() int {
	least := 500
	for _, r := range x.cfg.Routes {
		if l, ok := r.Sender.(messaging.BatchLimiter); ok && l.MaxBatch() > 0 {
			least = min(least, l.MaxBatch())
		}
	}
	return least
}

// pending is a message on its way through the choices of its plan.
type pending struct {
	at      int // in the batch
	choices []Choice
}

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. A message that no route may carry is crm.Declined.
func (x *Router) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var left []pending
	for i, m := range batch {
		plan, err := x.Plan(m)
		if err != nil {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: crm.Clip(err.Error(), 400)}
			continue
		}
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Throttled, Unreached: true}
		left = append(left, pending{i, plan.Choices})
	}
	for len(left) > 0 {
		byRoute := map[int][]pending{}
		for _, p := range left {
			byRoute[p.choices[0].at] = append(byRoute[p.choices[0].at], p)
		}
		var again []pending
		for _, r := range slices.Sorted(maps.Keys(byRoute)) {
			again = append(again, x.by(ctx, r, byRoute[r], batch, out)...)
		}
		left = left[:0]
		for _, p := range again {
			if p.choices = p.choices[1:]; len(p.choices) > 0 {
				left = append(left, p)
			}
		}
	}
	return out, nil
}

// by sends messages by one route and returns those that it certainly has not taken. Their
// receipts say when to come again if no other route takes them.
func (x *Router) by(ctx context.Context, r int, group []pending, batch []messaging.Message, out []crm.Receipt) (again []pending) {
	route, health := x.cfg.Routes[r], x.health[r]
	most := len(group)
	if l, ok := route.Sender.(messaging.BatchLimiter); ok && l.MaxBatch() > 0 {
		most = l.MaxBatch()
	}
	put := func(p pending, got crm.Receipt) {
		if got.Status == crm.Declined && out[p.at].Reason != "" { // a route before it may yet take it
			again = append(again, p)
			return
		}
		if got.Status == crm.Throttled {
			got = sooner(out[p.at], got)
			again = append(again, p)
		}
		out[p.at] = got
	}
	for len(group) > 0 {
		n, try, wait := health.allow(x.cfg.Now(), min(most, len(group)))
		if n == 0 {
			for _, p := range group {
				put(p, crm.Receipt{ID: batch[p.at].ID, Status: crm.Throttled, Unreached: true, After: wait, Reason: route.Name + " is left alone after failures"})
			}
			return again
		}
		part := group[:n]
		group = group[n:]
		messages := make([]messaging.Message, n)
		for i, p := range part {
			messages[i] = batch[p.at]
		}
		got := send(ctx, route.Sender, messages)
		failed := !slices.ContainsFunc(got, func(g crm.Receipt) bool { return !failure(g) })
		if failed && ctx.Err() != nil {
			health.release(try) // the caller gave up, which says nothing of the route
		} else {
			health.done(x.cfg.Now(), try, failed)
		}
		for i, p := range part {
			if got[i].Status == crm.Uncertain {
				x.remember(got[i].ID, r)
			}
			put(p, got[i])
		}
	}
	return again
}

// failure reports an answer that says that the route is not well: it was not reached, or the fate
// is open. A route that says when to come again is: a limit of its rate, a sender's name that is
// not registered.
func failure(g crm.Receipt) bool {
	return g.Status == crm.Uncertain || g.Unreached && g.After == 0
}

// sooner joins what two routes said that did not take a message: the shorter wait, and
// Unreached only if neither was reached.
func sooner(old, got crm.Receipt) crm.Receipt {
	if old.Reason == "" { // the first route
		return got
	}
	got.Unreached = got.Unreached && old.Unreached
	if old.After > 0 && (got.After == 0 || old.After < got.After) {
		got.After = old.After
	}
	got.Reason = crm.Clip(old.Reason+"; "+got.Reason, 400)
	return got
}

// send returns a receipt for each message, whatever the sender does.
func send(ctx context.Context, s messaging.Sender, messages []messaging.Message) []crm.Receipt {
	got, err := call(ctx, s, messages)
	out := make([]crm.Receipt, len(messages))
	for i, m := range messages {
		switch {
		case err != nil || len(got) != len(messages) || got[i].ID != m.ID || got[i].Status.Validate() != nil:
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Uncertain, Reason: "the sender did not say"}
		default:
			out[i] = got[i]
		}
		if out[i].Status == crm.Throttled && out[i].Reason == "" {
			out[i].Reason = "not taken"
		}
	}
	return out
}

func call(ctx context.Context, s messaging.Sender, messages []messaging.Message) (got []crm.Receipt, err error) {
	defer crm.Recover("send", &err)
	return s.Send(ctx, messages)
}

// Idempotent implements messaging.Idempotent: that of the only route. With several it is
// false, because a message that is sent again might go by another one.
func (x *Router) Idempotent() bool {
	i, ok := x.cfg.Routes[0].Sender.(messaging.Idempotent)
	return len(x.cfg.Routes) == 1 && ok && i.Idempotent()
}

const mostOpen = 100_000

// remember notes by which route a message went whose fate is unknown.
func (x *Router) remember(id crm.EffectID, r int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.open) >= mostOpen {
		clear(x.open) // all routes are asked about those
	}
	x.open[id] = r
}

func (x *Router) forget(id crm.EffectID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.open, id)
}

// Reconcile implements messaging.Reconciler. The route by which this process sent a message
// is asked; of other messages all routes are, and such a message is absent only if every
// route can be asked and says so.
func (x *Router) Reconcile(ctx context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(ids))
	absent := make([]int, len(ids)) // how many routes say so
	asked := make([]int, len(ids))  // how many were to be asked
	for r, route := range x.cfg.Routes {
		var about []crm.EffectID
		var at []int
		for i, id := range ids {
			x.mu.Lock()
			by, known := x.open[id]
			x.mu.Unlock()
			if !known || by == r {
				about, at = append(about, id), append(at, i)
				asked[i]++
			}
		}
		got := ask(ctx, route.Sender, about)
		for k, i := range at {
			switch {
			case got == nil || got[k].ID != ids[i]:
			case got[k].Status == crm.Throttled:
				absent[i]++
				if out[i].Reason == "" {
					out[i].Reason = got[k].Reason
				}
			case got[k].Status == crm.Accepted || got[k].Status == crm.Declined && out[i].Status != crm.Accepted:
				out[i] = got[k]
			}
		}
	}
	for i, id := range ids {
		switch out[i].ID = id; {
		case out[i].Status != "":
			x.forget(id)
		case asked[i] > 0 && absent[i] == asked[i]:
			out[i].Status = crm.Throttled
			x.forget(id)
		default:
			out[i].Status, out[i].Reason = crm.Uncertain, "no route knows it"
		}
	}
	return out, ctx.Err()
}

// ask returns nil if a sender cannot be asked or does not answer.
func ask(ctx context.Context, s messaging.Sender, ids []crm.EffectID) (got []crm.Receipt) {
	r, ok := s.(messaging.Reconciler)
	if !ok || len(ids) == 0 {
		return nil
	}
	var err error
	func() {
		defer crm.Recover("reconcile", &err)
		got, err = r.Reconcile(ctx, ids)
	}()
	if err != nil || len(got) != len(ids) {
		return nil
	}
	return got
}

// Poll implements messaging.Poller: what all routes tell that can be polled. A route that
// fails is polled again next time from where it was; the error is of those that failed
// if no route told anything.
func (x *Router) Poll(ctx context.Context, cursor string) (messaging.Feedback, string, error) {
	var f messaging.Feedback
	cursors := map[string]string{}
	if cursor != "" && json.Unmarshal([]byte(cursor), &cursors) != nil || cursors == nil {
		return f, cursor, fmt.Errorf("%w: route: not a cursor", messaging.ErrReport)
	}
	var faults []error
	for _, r := range x.cfg.Routes {
		p, ok := r.Sender.(messaging.Poller)
		if !ok {
			continue
		}
		got, next, err := poll(ctx, p, cursors[r.Name])
		if err != nil {
			faults = append(faults, fmt.Errorf("route %s: %w", r.Name, err))
			continue
		}
		f.Reports, f.Inbound = append(f.Reports, got.Reports...), append(f.Inbound, got.Inbound...)
		cursors[r.Name] = next
	}
	if len(f.Reports)+len(f.Inbound) == 0 && len(faults) > 0 {
		return f, cursor, errors.Join(faults...)
	}
	next, err := json.Marshal(cursors)
	return f, string(next), err
}

func poll(ctx context.Context, p messaging.Poller, cursor string) (f messaging.Feedback, next string, err error) {
	defer crm.Recover("poll", &err)
	return p.Poll(ctx, cursor)
}

// Health says how a route is.
type Health struct {
	Route    string
	Failures int           // in a row
	Pause    time.Duration // for how long it is left alone yet; 0 if it is not
}

// Health returns the state of every route, in the order of Config.Routes.
func (x *Router) Health() []Health {
	out := make([]Health, len(x.cfg.Routes))
	now := x.cfg.Now()
	for i, b := range x.health {
		b.mu.Lock()
		out[i] = Health{Route: x.cfg.Routes[i].Name, Failures: b.row + b.tries, Pause: max(0, b.until.Sub(now))}
		if b.until.IsZero() {
			out[i].Pause = 0
		}
		b.mu.Unlock()
	}
	return out
}
