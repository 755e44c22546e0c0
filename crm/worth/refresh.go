package worth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
)

const (
	// cursor names how far the change feed was read.
	cursor = "worth"
	// roundKeys is how many changed profiles are taken in before the cursor moves, foldKeys how many, or the rest of
	// a part, in one transaction, and readParts how many parts are read in one.
	roundKeys = 200_000
	foldKeys  = 500
	readParts = 64
)

// refresh is the step: it takes in who changed and fits the models.
func (m *module) refresh(ctx context.Context, ev *crm.Evening) error {
	if ev.Closed {
		return nil
	}
	day, err := time.Parse(time.DateOnly, ev.Day)
	if err != nil {
		return err
	}
	n := 0
	var all []summary
	for everybody := false; ; everybody = true {
		if err = m.takeIn(ctx, ev, everybody, &n); err != nil {
			return err
		}
		done := false
		err = ev.Store.View(ctx, func(r crm.Reader) (err error) {
			done, err = m.fitted(ctx, r, ev.Day)
			return err
		})
		if err != nil || done {
			ev.Count("refreshed", n)
			return err
		}
		if all, err = m.read(ctx, ev.Store); !errors.Is(err, errOther) {
			break // otherwise some parts are as another version counted them
		}
	}
	ev.Count("refreshed", n)
	if err != nil {
		return err
	}
	f, err := m.estimate(ctx, all, int(day.Unix()/86400))
	if err != nil || f == nil {
		return err
	}
	f.Day, f.At = ev.Day, ev.At
	ev.Count("fitted", f.Customers)
	return m.keep(ctx, ev.Service, f)
}

// takeIn takes in changes until there are none, and everybody first if that is asked for.
func (m *module) takeIn(ctx context.Context, ev *crm.Evening, everybody bool, n *int) error {
	for more := true; more; everybody = false {
		var err error
		if more, err = m.round(ctx, ev, everybody, n); err != nil {
			return err
		}
	}
	return nil
}

// round takes in a round of changes, or everybody where that is asked for, none was taken in yet, changes were pruned or
// another version counted; more says that there may be another. A round that is stopped is done again.
func (m *module) round(ctx context.Context, ev *crm.Evening, everybody bool, n *int) (more bool, err error) {
	var began, next crm.Position
	var changed map[crm.ProfileKey]bool
	asked := everybody
	err = ev.Store.View(ctx, func(r crm.Reader) error {
		changed, everybody, more = map[crm.ProfileKey]bool{}, asked, false
		all, err := r.Cursors(ctx)
		if err != nil {
			return err
		}
		began = ""
		for _, c := range all {
			if c.Consumer == cursor {
				began = c.At
			}
		}
		next = began
		everybody = everybody || began == ""
		for !everybody && len(changed) < roundKeys {
			changes, to, err := r.Changes(ctx, next, 5000)
			if errors.Is(err, crm.ErrPruned) {
				everybody = true
				break
			}
			if err != nil {
				return err
			}
			if len(changes) == 0 {
				return nil
			}
			more, next = true, to
			for _, c := range changes {
				if !c.Subject.Profile.IsZero() && (c.Kind != crm.ChangedFact || c.Fact.Kind == crm.KindOrder) {
					changed[c.Subject.Profile] = true
				}
			}
		}
		if everybody {
			next, err = r.Head(ctx)
			more = next != "" // and then what has changed meanwhile; nothing has, ever, of an empty record
		}
		return err
	})
	if err != nil || !more {
		return false, err
	}
	if everybody {
		err = m.begin(ctx, ev, n)
	} else {
		err = m.take(ctx, ev, changed, n)
	}
	if errors.Is(err, errOther) && !everybody {
		return m.round(ctx, ev, true, n)
	}
	if err != nil {
		return false, err
	}
	return true, ev.Service.Update(ctx, func(tx crm.Tx) error {
		at, err := tx.Cursor(ctx, cursor)
		switch {
		case errors.Is(err, crm.ErrBusy): // another process is about to move it
			return &crm.Error{Op: "refresh", Entity: "worth", Kind: crm.ErrConflict}
		case err != nil || at != began: // one that took the step over has moved it
			return err
		}
		return tx.SetCursor(ctx, cursor, next)
	})
}

// begin counts everybody anew.
func (m *module) begin(ctx context.Context, ev *crm.Evening, n *int) error {
	for from := crm.Part(0); from < crm.Parts; {
		to, counted := from, 0
		err := ev.Service.Update(ctx, func(tx crm.Tx) error {
			parts, err := m.load(ctx, tx, between(from, min(from+readParts, crm.Parts)), true)
			if err != nil {
				return err
			}
			var keys []crm.ProfileKey
			for to = from; int(to-from) < len(parts) && len(keys) < foldKeys; to++ {
				for after := (crm.ProfileKey{}); ; {
					page, err := tx.ScanProfiles(ctx, crm.PartRange{Lo: to, Hi: to + 1}, after, foldKeys)
					if err != nil {
						return err
					}
					for _, p := range page {
						keys, after = append(keys, p.ProfileKey), p.ProfileKey
					}
					if len(page) < foldKeys {
						break
					}
				}
			}
			counted = len(keys)
			return m.fold(ctx, ev, tx, parts[:to-from], keys)
		})
		if err != nil {
			return err
		}
		*n += counted
		from = to
	}
	return nil
}

// take counts changed profiles again, with all whom they belong to or did.
func (m *module) take(ctx context.Context, ev *crm.Evening, changed map[crm.ProfileKey]bool, n *int) error {
	keys := make([]crm.ProfileKey, 0, len(changed))
	for k := range changed {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	for chunk := range slices.Chunk(slices.Clone(keys), 2*foldKeys) {
		var more []crm.ProfileKey
		err := ev.Store.View(ctx, func(r crm.Reader) (err error) {
			more, err = together(ctx, r, chunk)
			return err
		})
		if err != nil {
			return err
		}
		for _, k := range more {
			if !changed[k] {
				changed[k] = true
				keys = append(keys, k)
			}
		}
	}
	sortByPart(keys)
	for from := 0; from < len(keys); {
		to := min(from+foldKeys, len(keys))
		for to < len(keys) && keys[to].Part() == keys[to-1].Part() {
			to++
		}
		err := ev.Service.Update(ctx, func(tx crm.Tx) error {
			parts, err := m.load(ctx, tx, partsOf(keys[from:to]), false)
			if err != nil {
				return err
			}
			return m.fold(ctx, ev, tx, parts, keys[from:to])
		})
		if err != nil {
			return err
		}
		*n += to - from
		from = to
	}
	return nil
}

// sortByPart sorts profiles by part, then by key. A part is a hash that is taken once of each.
func sortByPart(keys []crm.ProfileKey) {
	type placed struct {
		part crm.Part
		crm.ProfileKey
	}
	all := make([]placed, len(keys))
	for i, k := range keys {
		all[i] = placed{k.Part(), k}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(cmp.Compare(a.part, b.part), a.Compare(b.ProfileKey)) })
	for i := range all {
		keys[i] = all[i].ProfileKey
	}
}

// together returns the profiles that are one customer with some of the given ones. Those that were one and are parted need
// not be looked for: a decision that parts people is on record of each of them.
func together(ctx context.Context, r crm.Reader, keys []crm.ProfileKey) (out []crm.ProfileKey, err error) {
	ids, err := r.CustomersOf(ctx, keys...)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id crm.CustomerID) bool { return id == "" })
	slices.Sort(ids)
	members, err := r.Members(ctx, slices.Compact(ids)...)
	for _, m := range members {
		if len(m) > 1 {
			out = append(out, m...)
		}
	}
	return out, err
}

// ahead is later than any purchase: those after the evening are counted once their day has come, though
// nothing tells of them then. An evening of a clock that is far behind counts what was bought until now, too.
func ahead(at time.Time) time.Time {
	at = at.AddDate(100, 0, 0)
	if least := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(least) {
		return least
	}
	return at
}

// fold counts profiles of some parts as they are. The parts were read, with their revisions, before what they are
// made of, and each is written, changed or not: of two processes that are at it, as when one was paused and
// another took the step over, the one that read less starts again.
func (m *module) fold(ctx context.Context, ev *crm.Evening, tx crm.Tx, parts []*held, keys []crm.ProfileKey) error {
	customers, err := ev.Customers(ctx, tx, ahead(ev.At), false, keys...)
	if err != nil {
		return err
	}
	by := make(map[crm.Part]*held, len(parts))
	for _, h := range parts {
		by[h.part] = h
	}
	asked := make(map[crm.ProfileKey]bool, len(keys))
	for _, k := range keys {
		asked[k] = true
		h := by[k.Part()]
		h.touched = true
		h.rows.forget(hashOf(k))
	}
	for i := range customers {
		c := &customers[i]
		if s := summarise(c.Purchases); asked[c.Home] && s.orders > 0 {
			by[c.Home.Part()].rows.put(row{hashOf(c.Home), s})
		}
	}
	return put(ctx, tx, parts)
}

// read returns everybody who bought. What is read is taken apart beside reading the next.
func (m *module) read(ctx context.Context, store crm.Store) ([]summary, error) {
	var of [(crm.Parts + readParts - 1) / readParts]struct {
		parts  []*held
		failed error
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	for i := range of {
		some := between(crm.Part(i*readParts), min(crm.Part((i+1)*readParts), crm.Parts))
		var states []*crm.State
		err := store.View(ctx, func(r crm.Reader) (err error) {
			states, err = statesOf(ctx, r, some)
			return err
		})
		if err != nil {
			return nil, err
		}
		beside.Go(func() {
			defer crm.Recover("worth", &of[i].failed)
			of[i].parts, of[i].failed = m.heldIn(states, some, false)
		})
	}
	beside.Wait()
	n := 0
	for i := range of {
		if of[i].failed != nil {
			return nil, of[i].failed
		}
		for _, h := range of[i].parts {
			n += len(h.rows)
		}
	}
	out := make([]summary, 0, n)
	for i := range of {
		for _, h := range of[i].parts {
			for j := range h.rows {
				out = append(out, h.rows[j].summary)
			}
		}
	}
	return out, nil
}
