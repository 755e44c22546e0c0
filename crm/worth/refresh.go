package worth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
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
	n := 0
	for more := true; more; {
		var err error
		if more, err = m.round(ctx, ev, &n); err != nil {
			return err
		}
	}
	ev.Count("refreshed", n)
	done := false
	err := ev.Store.View(ctx, func(r crm.Reader) (err error) {
		done, err = m.fitted(ctx, r, ev.Day)
		return err
	})
	if err != nil || done {
		return err
	}
	day, err := time.Parse(time.DateOnly, ev.Day)
	if err != nil {
		return err
	}
	all, err := m.read(ctx, ev.Store)
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

// round takes in a round of changes, or everybody where none was taken in or changes were pruned; more says
// that there may be another. A round that is stopped is done again.
func (m *module) round(ctx context.Context, ev *crm.Evening, n *int) (more bool, err error) {
	var next crm.Position
	changed := map[crm.ProfileKey]bool{}
	everybody := false
	err = ev.Store.View(ctx, func(r crm.Reader) error {
		changed, everybody = map[crm.ProfileKey]bool{}, true
		all, err := r.Cursors(ctx)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Consumer == cursor {
				next, everybody = c.At, false
			}
		}
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
			more = true // and then what has changed meanwhile
			next, err = r.Head(ctx)
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
	if err != nil {
		return false, err
	}
	return true, ev.Service.Update(ctx, func(tx crm.Tx) error { return tx.SetCursor(ctx, cursor, next) })
}

// begin counts everybody anew.
func (m *module) begin(ctx context.Context, ev *crm.Evening, n *int) error {
	for from := crm.Part(0); from < crm.Parts; {
		var keys []crm.ProfileKey
		to := from
		for ; to < crm.Parts && len(keys) < foldKeys; to++ {
			err := ev.Store.View(ctx, func(r crm.Reader) error {
				mark := len(keys)
				for after := (crm.ProfileKey{}); ; {
					page, err := r.ScanProfiles(ctx, crm.PartRange{Lo: to, Hi: to + 1}, after, foldKeys)
					if err != nil {
						keys = keys[:mark]
						return err
					}
					for _, p := range page {
						keys, after = append(keys, p.ProfileKey), p.ProfileKey
					}
					if len(page) < foldKeys {
						return nil
					}
				}
			})
			if err != nil {
				return err
			}
		}
		parts := make([]crm.Part, 0, to-from)
		for p := from; p < to; p++ {
			parts = append(parts, p)
		}
		if err := m.fold(ctx, ev, parts, keys, true); err != nil {
			return err
		}
		*n += len(keys)
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
	slices.SortFunc(keys, func(a, b crm.ProfileKey) int {
		if a.Part() != b.Part() {
			return int(a.Part()) - int(b.Part())
		}
		return a.Compare(b)
	})
	for from := 0; from < len(keys); {
		to := min(from+foldKeys, len(keys))
		for to < len(keys) && keys[to].Part() == keys[to-1].Part() {
			to++
		}
		var parts []crm.Part
		for _, k := range keys[from:to] {
			if p := k.Part(); len(parts) == 0 || parts[len(parts)-1] != p {
				parts = append(parts, p)
			}
		}
		if err := m.fold(ctx, ev, parts, keys[from:to], false); err != nil {
			return err
		}
		*n += to - from
		from = to
	}
	return nil
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

// load reads parts, and returns their states.
func load(ctx context.Context, r crm.Reader, into map[crm.Part]*part, parts []crm.Part) ([]*crm.State, error) {
	keys := make([]crm.StateKey, len(parts))
	for i, p := range parts {
		keys[i] = partKey(p)
	}
	states, err := r.States(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, s := range states {
		var data []byte
		if s != nil {
			data = s.Data
		}
		if into[parts[i]], err = readPart(data); err != nil {
			return nil, &crm.Error{Op: "read", Entity: partKind, ID: keys[i].Subject.Record, Kind: crm.ErrInvalid, Err: err}
		}
	}
	return states, nil
}

// ahead is later than any purchase: those after the evening are counted once their day has come, though
// nothing tells of them then.
func ahead(at time.Time) time.Time { return at.AddDate(100, 0, 0) }

// fold counts profiles of some parts as they are; anew says that nothing else stays in those parts. The
// revision of a part is read before what it is made of: of two processes the one that read less starts again.
func (m *module) fold(ctx context.Context, ev *crm.Evening, of []crm.Part, keys []crm.ProfileKey, anew bool) error {
	return ev.Service.Update(ctx, func(tx crm.Tx) error {
		parts := map[crm.Part]*part{}
		states, err := load(ctx, tx, parts, of)
		if err != nil {
			return err
		}
		customers, err := ev.Customers(ctx, tx, ahead(ev.At), false, keys...)
		if err != nil {
			return err
		}
		if anew {
			for p := range parts {
				parts[p] = new(part)
			}
		}
		asked := make(map[crm.ProfileKey]bool, len(keys))
		for _, k := range keys {
			asked[k] = true
			parts[k.Part()].forget(hashOf(k))
		}
		for i := range customers {
			c := &customers[i]
			if s := summarise(c.Purchases); asked[c.Home] && s.orders > 0 {
				parts[c.Home.Part()].put(row{hashOf(c.Home), s})
			}
		}
		var put []*crm.State
		for i, p := range of {
			data, err := json.Marshal(parts[p].encode())
			if err != nil {
				return err
			}
			s := &crm.State{StateKey: partKey(p), Data: data}
			if was := states[i]; was != nil {
				if bytes.Equal(was.Data, data) {
					continue
				}
				s.Rev = was.Rev
			} else if len(*parts[p]) == 0 {
				continue
			}
			put = append(put, s)
		}
		return tx.PutStates(ctx, put...)
	})
}

// read returns everybody who bought.
func (m *module) read(ctx context.Context, store crm.Store) (out []summary, err error) {
	for from := crm.Part(0); from < crm.Parts; from += readParts {
		var some []crm.Part
		for p := from; p < min(from+readParts, crm.Parts); p++ {
			some = append(some, p)
		}
		parts := map[crm.Part]*part{}
		err := store.View(ctx, func(r crm.Reader) error {
			_, err := load(ctx, r, parts, some)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			for _, r := range *parts[p] {
				out = append(out, r.summary)
			}
		}
	}
	return out, nil
}
