package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// place is what the link log makes of a profile; it leads the profile's value.
type place struct {
	rev      int64
	links    int64 // decisions so far
	customer crm.CustomerID
	home     crm.CustomerID // the id that was made for it
}

func (e *encoder) place(p place) {
	e.int(p.rev)
	e.uint(uint64(p.links))
	e.bool(p.home != p.customer)
	e.customer(p.customer)
	if p.home != p.customer {
		e.customer(p.home)
	}
}

func (d *decoder) place() (p place) {
	p.rev, p.links = d.int(), int64(d.uint())
	moved := d.bool()
	p.customer = d.customer()
	if p.home = p.customer; moved {
		p.home = d.customer()
	}
	return p
}

// What a profile has besides name, contacts and times.
const (
	profileKind = 1 << iota
	profileFull
	profileTitle
	profileBirth
	profileGender
	profileLocale
	profilePostal
	profileAttributes
	profileDisowned
	profileVersion
)

func (e *encoder) profile(p *crm.Profile) {
	flags := uint64(0)
	for bit, on := range map[uint64]bool{
		profileKind: p.Kind != "", profileFull: p.Name.Full != "", profileTitle: p.Name.Title != "",
		profileBirth: p.Birth != "", profileGender: p.Gender != "", profileLocale: p.Locale != "",
		profilePostal: p.Postal != crm.Postal{}, profileAttributes: len(p.Attributes) > 0,
		profileDisowned: len(p.Disowned) > 0, profileVersion: p.SourceVersion != 0,
	} {
		if on {
			flags |= bit
		}
	}
	e.uint(flags)
	e.text(p.Name.Given)
	e.text(p.Name.Family)
	e.time(p.Since)
	e.time(p.At)
	e.uint(uint64(len(p.Contacts)))
	for _, c := range p.Contacts {
		e.address(c.Address)
		e.bool(c.Verified)
		e.bool(c.Masked)
	}
	if flags&profileKind != 0 {
		e.word(string(p.Kind))
	}
	if flags&profileFull != 0 {
		e.text(p.Name.Full)
	}
	if flags&profileTitle != 0 {
		e.word(p.Name.Title)
	}
	if flags&profileBirth != 0 {
		e.text(p.Birth)
	}
	if flags&profileGender != 0 {
		e.word(p.Gender)
	}
	if flags&profileLocale != 0 {
		e.word(p.Locale)
	}
	if flags&profilePostal != 0 {
		e.text(p.Postal.Street)
		e.word(p.Postal.District)
		e.word(p.Postal.City)
		e.text(p.Postal.Postcode)
		e.word(p.Postal.Country)
	}
	if flags&profileAttributes != 0 {
		e.uint(uint64(len(p.Attributes)))
		for _, k := range slices.Sorted(maps.Keys(p.Attributes)) {
			e.word(k)
			e.text(p.Attributes[k])
		}
	}
	if flags&profileDisowned != 0 {
		e.uint(uint64(len(p.Disowned)))
		for _, a := range p.Disowned {
			e.address(a)
		}
	}
	if flags&profileVersion != 0 {
		e.int(p.SourceVersion)
	}
}

func (d *decoder) profile(p *crm.Profile) {
	flags := d.uint()
	p.Name.Given = d.text()
	p.Name.Family = d.text()
	p.Since = d.time()
	p.At = d.time()
	p.Contacts = list(d, func() crm.Contact {
		return crm.Contact{Address: d.address(), Verified: d.bool(), Masked: d.bool()}
	})
	if flags&profileKind != 0 {
		p.Kind = crm.PartyKind(d.word())
	}
	if flags&profileFull != 0 {
		p.Name.Full = d.text()
	}
	if flags&profileTitle != 0 {
		p.Name.Title = d.word()
	}
	if flags&profileBirth != 0 {
		p.Birth = d.text()
	}
	if flags&profileGender != 0 {
		p.Gender = d.word()
	}
	if flags&profileLocale != 0 {
		p.Locale = d.word()
	}
	if flags&profilePostal != 0 {
		p.Postal = crm.Postal{Street: d.text(), District: d.word(), City: d.word(), Postcode: d.text(), Country: d.word()}
	}
	if flags&profileAttributes != 0 {
		n := d.uint()
		p.Attributes = make(map[string]string, n)
		for range n {
			k := d.word()
			p.Attributes[k] = d.text()
		}
	}
	if flags&profileDisowned != 0 {
		p.Disowned = list(d, d.address)
	}
	if flags&profileVersion != 0 {
		p.SourceVersion = d.int()
	}
}

func (r *reader) profileOf(key []byte, val string) *crm.Profile {
	buf := make([]byte, 0, 512)
	s := string(append(append(buf, key[2:]...), val...))
	p := &crm.Profile{ProfileKey: cutProfile(s[:len(key)-2])}
	d := decoder{s: s[len(key)-2:], words: r.words()}
	at := d.place()
	p.Rev, p.Customer = at.rev, at.customer
	d.profile(p)
	return p
}

// Profiles returns one entry per key.
func (r *reader) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Profile, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		key = appendProfile(key[:0], keys[i])
		if val, ok := r.st.profiles.get(key); ok {
			out[i] = r.profileOf(key, val)
		}
		return nil
	})
}

// ScanProfiles returns a page of profiles.
func (r *reader) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	var key []byte
	if !after.IsZero() {
		key = append(appendProfile(nil, after), 0)
	}
	var out []*crm.Profile
	err := r.scanParts(ctx, &r.st.profiles, parts, key, limit, func(c *cursor) bool {
		out = append(out, r.profileOf(c.key, c.val))
		return true
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// scanParts calls f for the entries of a tree of parts from a key on, until f
// has said of limit entries that they count.
func (r *reader) scanParts(ctx context.Context, t *tree, parts crm.PartRange, from []byte, limit int, f func(*cursor) bool) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	parts, limit = parts.Bounds(), pageLimit(limit)
	if lo := appendPart(nil, parts.Lo); bytes.Compare(from, lo) < 0 {
		from = lo
	}
	c := cursor{t: t}
	c.seek(from)
	for i := 1; c.ok && limit > 0 && partOf(c.key) < parts.Hi; c.step() {
		if f(&c) {
			limit--
		}
		if i++; i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// placeOf returns what the log makes of a profile; ok is false where there is
// none.
func (r *reader) placeOf(key []byte) (p place, rest string, ok bool) {
	val, ok := r.st.profiles.get(key)
	if !ok {
		return place{}, "", false
	}
	d := decoder{s: string([]byte(val)), words: r.words()}
	p = d.place()
	return p, d.s, true
}

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
		prefix = append(appendProfile(prefix[:0], keys[i]), 0)
		for c.seek(prefix); c.ok && bytes.HasPrefix(c.key, prefix); c.step() {
			l := crm.Link{Profile: keys[i], Seq: int64(binary.BigEndian.Uint32(c.key[len(prefix):]))}
			d := r.decoder(c.val)
			d.link(&l)
			out[i] = append(out[i], l)
		}
		return nil
	})
}

// PutProfiles inserts or replaces profiles.
func (t *tx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	places := make([]place, len(profiles))
	seen := make(map[crm.ProfileKey]bool, len(profiles))
	err := each(ctx, len(profiles), func(i int) error {
		p := profiles[i]
		if err := errors.Join(p.Validate(), checkTimes(p.Since, p.At)); err != nil {
			return refuse("put", "profile", p.ProfileKey.String(), err)
		}
		t.key = appendProfile(t.key[:0], p.ProfileKey)
		if places[i], _, _ = t.placeOf(t.key); places[i].rev != p.Rev || seen[p.ProfileKey] {
			return conflict("put", "profile", p.ProfileKey.String())
		}
		seen[p.ProfileKey] = true
		return nil
	})
	if err != nil {
		return err
	}
	for i, p := range profiles {
		places[i].rev++
		part := p.Part()
		t.key = append(appendText(appendPart(t.key[:0], part), p.Source), p.ID...)
		e := t.encode()
		e.place(places[i])
		e.profile(p)
		t.keep(&t.st.profiles, t.key)
		t.changed(part, crm.ChangedProfile, crm.OfProfile(p.ProfileKey), crm.FactKey{}, p.At)
		p.Rev = places[i].rev
	}
	return nil
}

func (e *encoder) link(l *crm.Link) {
	e.customer(l.Customer)
	e.word(string(l.Kind))
	e.word(l.Actor)
	e.time(crm.Micros(l.At))
	evidence := !l.Evidence.With.IsZero() || l.Evidence.Weight != 0 || len(l.Evidence.Fields) > 0 || l.Evidence.Note != ""
	flags := byte(0)
	if !l.Address.IsZero() {
		flags |= 1
	}
	if evidence {
		flags |= 2
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
}

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
}

var (
	errFirstLink = errors.New("the first decision about a profile, and no other, must be \"new\"")
	errWeight    = errors.New("the weight is not a number")
	errLinkKind  = errors.New("the kind of link is not known")
)

func checkLink(l *crm.Link) error {
	faults := []error{l.Profile.Validate(), checkTimes(l.At)}
	if err := (crm.ProfileKey{Source: "customer", ID: string(l.Customer)}).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("customer: %w", err))
	}
	if math.IsNaN(l.Evidence.Weight) || math.IsInf(l.Evidence.Weight, 0) {
		faults = append(faults, errWeight)
	}
	switch l.Kind {
	case crm.LinkNew, crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkNotMe:
	default:
		faults = append(faults, errLinkKind)
	}
	return errors.Join(faults...)
}

// AppendLinks appends decisions and moves profiles.
func (t *tx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	// Everything is looked at before anything is written.
	count := make(map[crm.ProfileKey]int64, len(links))
	homes := map[crm.CustomerID]bool{}
	err := each(ctx, len(links), func(i int) error {
		l := links[i]
		name := l.Profile.String()
		if err := checkLink(l); err != nil {
			return refuse("append", "link", name, err)
		}
		n, ok := count[l.Profile]
		if !ok {
			t.key = appendProfile(t.key[:0], l.Profile)
			p, _, found := t.placeOf(t.key)
			if !found {
				return &crm.Error{Op: "append link", Entity: "profile", ID: name, Kind: crm.ErrNotFound}
			}
			n = p.links
		}
		if (n == 0) != (l.Kind == crm.LinkNew) {
			return refuse("append", "link", name, errFirstLink)
		}
		if l.Kind == crm.LinkNew {
			t.key = append(appendCustomer(t.key[:0], l.Customer), 0)
			if homes[l.Customer] || t.st.customers.has(t.key) {
				return &crm.Error{Op: "append link", Entity: "customer", ID: string(l.Customer), Kind: crm.ErrExists}
			}
			homes[l.Customer] = true
		}
		count[l.Profile] = n + 1
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range links {
		t.appendLink(l)
	}
	return nil
}

func (t *tx) appendLink(l *crm.Link) {
	part := l.Profile.Part()
	key := append(appendText(appendPart(nil, part), l.Profile.Source), l.Profile.ID...)
	p, rest, _ := t.placeOf(key)
	p.links++
	l.Seq = p.links

	e := t.encode()
	e.link(l)
	t.key = binary.BigEndian.AppendUint32(append(append(t.key[:0], key...), 0), uint32(l.Seq))
	t.keep(&t.st.links, t.key)

	member := func(id crm.CustomerID) []byte {
		t.key = append(appendCustomer(t.key[:0], id), 1)
		t.key = append(appendText(t.key, l.Profile.Source), l.Profile.ID...)
		return t.key
	}
	if l.Kind != crm.LinkNotMe && p.customer != l.Customer {
		if p.customer != "" {
			t.st.customers.remove(t.owner, member(p.customer))
		}
		t.st.customers.put(t.owner, member(l.Customer), nil)
		p.customer = l.Customer
	}
	if l.Kind == crm.LinkNew {
		p.home = l.Customer
		t.encode().profileKey(l.Profile)
		t.key = append(appendCustomer(t.key[:0], l.Customer), 0)
		t.keep(&t.st.customers, t.key)
	}
	t.encode().place(p)
	t.enc.b = append(t.enc.b, rest...)
	t.keep(&t.st.profiles, key)
	t.changed(part, crm.ChangedLink, crm.OfProfile(l.Profile), crm.FactKey{}, l.At)
}
