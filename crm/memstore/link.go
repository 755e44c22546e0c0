package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/vefacrm/vefa/crm"
)

// Members returns who is placed in customers.
func (r *reader) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([][]crm.ProfileKey, len(ids))
	c := cursor{t: &r.st.customers}
	var prefix []byte
	return out, each(ctx, len(ids), func(i int) error {
		if !storable(string(ids[i])) {
			return nil
		}
		prefix = append(appendCustomer(prefix[:0], ids[i]), 1)
		for c.seek(prefix); c.ok && bytes.HasPrefix(c.key, prefix); c.step() {
			out[i] = append(out[i], cutProfile(string(c.key[len(prefix):])))
		}
		return nil
	})
}

// Homes returns the profiles that customers were made for.
func (r *reader) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]crm.ProfileKey, len(ids))
	var key []byte
	return out, each(ctx, len(ids), func(i int) error {
		key = append(appendCustomer(key[:0], ids[i]), 0)
		if val, ok := r.st.customers.get(key); ok {
			d := r.decoder(val)
			out[i] = d.profileKey()
		}
		return nil
	})
}

// CustomersOf returns where profiles are.
func (r *reader) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]crm.CustomerID, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		key = appendProfile(key[:0], keys[i])
		p, _, _ := r.placeOf(key)
		out[i] = p.customer
		return nil
	})
}

// LockCustomers does nothing: no other update runs until this one ends.
func (t *tx) LockCustomers(ctx context.Context, _ ...crm.CustomerID) error { return t.usable(ctx) }

// HomeIDs returns the ids that were made for profiles.
func (r *reader) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]crm.CustomerID, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		key = appendProfile(key[:0], keys[i])
		p, _, _ := r.placeOf(key)
		out[i] = p.home
		return nil
	})
}

// Links returns all decisions about profiles.
func (r *reader) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([][]crm.Link, len(keys))
	c := cursor{t: &r.st.links}
	var prefix []byte
	return out, each(ctx, len(keys), func(i int) error {
		if !storable(keys[i].Source, keys[i].ID) {
			return nil
		}
		prefix = appendProfile(prefix[:0], keys[i])
		if p, _, found := r.placeOf(prefix); found {
			out[i] = make([]crm.Link, 0, p.links)
		}
		prefix = append(prefix, 0)
		for c.seek(prefix); c.ok && bytes.HasPrefix(c.key, prefix); c.step() {
			l := crm.Link{Profile: keys[i], Seq: int64(binary.BigEndian.Uint32(c.key[len(prefix):]))}
			d := r.decoder(c.val)
			d.link(&l)
			if err := d.end("link"); err != nil {
				return err
			}
			out[i] = append(out[i], l)
		}
		return nil
	})
}

// link writes all of a decision but its profile and its number, which are its key. Most
// decisions have no evidence, address or operation, so that flags say what follows.
func (e *encoder) link(l *crm.Link) {
	e.customer(l.Customer)
	e.word(string(l.Kind))
	e.word(l.Actor)
	e.time(crm.Micros(l.At))
	evidence := len(l.Evidence.Steps) > 0 || !l.Evidence.With.IsZero() || l.Evidence.Weight != 0 || len(l.Evidence.Fields) > 0 || l.Evidence.Note != ""
	flags := byte(0)
	if !l.Address.IsZero() {
		flags |= 1
	}
	if evidence {
		flags |= 2
	}
	if l.Op != "" || l.OpLen != 0 {
		flags |= 4
	}
	if l.Undoes != "" {
		flags |= 8
	}
	if l.Stays {
		flags |= 16
	}
	if len(l.Evidence.Steps) > 0 {
		flags |= 32
	}
	if l.Off {
		flags |= 64
	}
	e.byte(flags)
	if flags&1 != 0 {
		e.address(l.Address)
	}
	if flags&2 != 0 {
		e.profileKey(l.Evidence.With)
		e.float(l.Evidence.Weight)
		e.uint(uint64(len(l.Evidence.Fields)))
		for _, f := range l.Evidence.Fields {
			e.word(f)
		}
		e.text(l.Evidence.Note)
	}
	if flags&32 != 0 {
		e.uint(uint64(len(l.Evidence.Steps)))
		for _, s := range l.Evidence.Steps {
			e.word(s.What)
			e.float(s.Bits)
		}
	}
	if flags&4 != 0 {
		e.customer(crm.CustomerID(l.Op)) // mostly a UUID
		e.int(int64(l.OpLen))
	}
	if flags&8 != 0 {
		e.customer(crm.CustomerID(l.Undoes))
	}
}

// link is the inverse of the encoder's.
func (d *decoder) link(l *crm.Link) {
	l.Customer = d.customer()
	l.Kind = crm.LinkKind(d.word())
	l.Actor = d.word()
	l.At = d.time()
	flags := d.byte()
	if flags&1 != 0 {
		l.Address = d.address()
	}
	if flags&2 != 0 {
		l.Evidence = crm.Evidence{With: d.profileKey(), Weight: d.float(), Fields: list(d, d.word), Note: d.text()}
	}
	if flags&32 != 0 {
		l.Evidence.Steps = list(d, func() crm.EvidenceStep { return crm.EvidenceStep{What: d.word(), Bits: d.float()} })
	}
	if flags&4 != 0 {
		l.Op = string(d.customer())
		l.OpLen = int(d.int())
	}
	if flags&8 != 0 {
		l.Undoes = string(d.customer())
	}
	l.Stays, l.Off = flags&16 != 0, flags&64 != 0
}

var (
	errFirstLink = errors.New("the first decision about a profile, and no other, must be \"new\"")
	errWeight    = errors.New("the weight is not a number")
	errLinkKind  = errors.New("the kind of link is not known")
)

// checkLink reports every fault of a decision. Texts that are plainly fine skip Validate, which
// an import would call a million times.
func checkLink(l *crm.Link) error {
	faults := []error{checkTimes(l.At)}
	for _, op := range []string{l.Op, l.Undoes} {
		if op != "" && !plain(op) {
			faults = append(faults, crm.ProfileKey{Source: "op", ID: op}.Validate())
		}
	}
	if !plain(l.Profile.Source) || !plain(l.Profile.ID) {
		faults = append(faults, l.Profile.Validate())
	}
	if !plain(string(l.Customer)) {
		if err := (crm.ProfileKey{Source: "customer", ID: string(l.Customer)}).Validate(); err != nil {
			faults = append(faults, fmt.Errorf("customer: %w", err))
		}
	}
	if math.IsNaN(l.Evidence.Weight) || math.IsInf(l.Evidence.Weight, 0) {
		faults = append(faults, errWeight)
	}
	for _, s := range l.Evidence.Steps {
		if math.IsNaN(s.Bits) || math.IsInf(s.Bits, 0) {
			faults = append(faults, errWeight)
		}
	}
	switch l.Kind {
	case crm.LinkNew, crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkApart, crm.LinkUndo, crm.LinkNotMe:
	default:
		faults = append(faults, errLinkKind)
	}
	return errors.Join(faults...)
}

// moved is a profile that a call makes decisions about.
type moved struct {
	key  []byte
	was  crm.CustomerID
	now  place
	rest string // the profile itself, as it is stored
}

// AppendLinks appends decisions and moves profiles.
func (t *tx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	// Everything is looked at before anything is written.
	about := make(map[crm.ProfileKey]*moved, len(links))
	homes := map[crm.CustomerID]bool{}
	decided, placed, customers := t.batch(0), t.batch(1), t.batch(2)
	seqs := make([]int64, len(links))
	err := each(ctx, len(links), func(i int) error {
		l := links[i]
		if err := checkLink(l); err != nil {
			return refuse("append", "link", l.Profile.String(), err)
		}
		m := about[l.Profile]
		if m == nil {
			m = &moved{key: appendProfile(nil, l.Profile)}
			var found bool
			if m.now, m.rest, found = t.placeOf(m.key); !found {
				return &crm.Error{Op: "append link", Entity: "profile", ID: l.Profile.String(), Kind: crm.ErrNotFound}
			}
			m.was = m.now.customer
			about[l.Profile] = m
		}
		if (m.now.links == 0) != (l.Kind == crm.LinkNew) {
			return refuse("append", "link", l.Profile.String(), errFirstLink)
		}
		if l.Kind == crm.LinkNew {
			t.key = append(appendCustomer(t.key[:0], l.Customer), 0)
			if homes[l.Customer] || t.st.customers.has(t.key) {
				return &crm.Error{Op: "append link", Entity: "customer", ID: string(l.Customer), Kind: crm.ErrExists}
			}
			homes[l.Customer] = true
			m.now.home = l.Customer
			t.encode().profileKey(l.Profile)
			customers.add(i, func(buf []byte) []byte { return append(buf, t.key...) }, func(buf []byte) []byte { return append(buf, t.enc.b...) })
		}
		m.now.links++
		seqs[i] = m.now.links
		if l.Kind != crm.LinkNotMe {
			m.now.customer = l.Customer
		}
		t.encode().link(l)
		decided.add(i, func(buf []byte) []byte {
			return binary.BigEndian.AppendUint32(append(append(buf, m.key...), 0), uint32(seqs[i]))
		}, func(buf []byte) []byte { return append(buf, t.enc.b...) })
		return nil
	})
	if err != nil {
		return err
	}
	member := func(buf []byte, id crm.CustomerID, m *moved) []byte {
		return append(append(appendCustomer(buf, id), 1), m.key[2:]...)
	}
	for _, m := range about {
		if m.was != m.now.customer {
			if m.was != "" {
				t.st.customers.remove(&t.writer, member(nil, m.was, m))
			}
			customers.add(0, func(buf []byte) []byte { return member(buf, m.now.customer, m) }, nil)
		}
		t.encode().place(m.now)
		placed.add(0, func(buf []byte) []byte { return append(buf, m.key...) }, func(buf []byte) []byte { return append(append(buf, t.enc.b...), m.rest...) })
	}
	t.st.words = t.store.words.list
	t.st.links.putAll(&t.writer, decided.entries())
	t.st.customers.putAll(&t.writer, customers.entries())
	t.st.profiles.putAll(&t.writer, placed.entries())
	for i, l := range links {
		l.Seq = seqs[i]
		t.changed(partOf(about[l.Profile].key), crm.ChangedLink, crm.OfProfile(l.Profile), crm.FactKey{}, l.At)
	}
	return nil
}
