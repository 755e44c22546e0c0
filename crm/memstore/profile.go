package memstore

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// place is what the link log makes of a profile; it leads the profile's value.
type place struct {
	rev      int64
	links    int64 // decisions so far
	customer crm.CustomerID
	home     crm.CustomerID // the id that was made for it
}

// place writes the home only where it is not the customer, which is so for profiles that were
// merged.
func (e *encoder) place(p place) {
	e.int(p.rev)
	e.uint(uint64(p.links))
	e.bool(p.home != p.customer)
	e.customer(p.customer)
	if p.home != p.customer {
		e.customer(p.home)
	}
}

// place is the inverse of the encoder's.
func (d *decoder) place() (p place) {
	p.rev, p.links = d.int(), int64(d.uint())
	moved := d.bool()
	p.customer = d.customer()
	if p.home = p.customer; moved {
		p.home = d.customer()
	}
	return p
}

// What a profile has besides name, contacts and times, in the order in which
// encoder.profile looks.
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
	profilePrefers
)

// profile writes all of a profile but its key and its place. Attributes are sorted, so that the
// same profile is the same bytes.
func (e *encoder) profile(p *crm.Profile) {
	flags := uint64(0)
	for i, on := range [...]bool{
		p.Kind != "", p.Name.Full != "", p.Name.Title != "", p.Birth != "", p.Gender != "", p.Locale != "",
		p.Postal != crm.Postal{}, len(p.Attributes) > 0, len(p.Disowned) > 0, p.SourceVersion != 0, len(p.Prefers) > 0,
	} {
		if on {
			flags |= 1 << i
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
	if flags&profilePrefers != 0 {
		e.uint(uint64(len(p.Prefers)))
		for _, ch := range p.Prefers {
			e.word(string(ch))
		}
	}
}

// profile is the inverse of the encoder's.
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
		n := d.count()
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
	if flags&profilePrefers != 0 {
		p.Prefers = list(d, func() crm.Channel { return crm.Channel(d.word()) })
	}
}

// profileOf decodes an entry of the tree of profiles. All texts of the profile are pieces of
// one copy.
func (r *reader) profileOf(key []byte, val string) (*crm.Profile, error) {
	buf := make([]byte, 0, 512)
	s := string(append(append(buf, key[2:]...), val...))
	p := &crm.Profile{ProfileKey: cutProfile(s[:len(key)-2])}
	d := decoder{s: s[len(key)-2:], words: r.words()}
	at := d.place()
	p.Rev, p.Customer = at.rev, at.customer
	d.profile(p)
	return p, d.end("profile")
}

// Profiles returns one entry per key.
func (r *reader) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Profile, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) (err error) {
		key = appendProfile(key[:0], keys[i])
		if val, ok := r.st.profiles.get(key); ok {
			out[i], err = r.profileOf(key, val)
		}
		return err
	})
}

// ScanProfiles returns a page of profiles.
func (r *reader) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	var key []byte
	if !after.IsZero() {
		key = append(appendProfile(nil, after), 0)
	}
	var out []*crm.Profile
	err := r.scanParts(ctx, &r.st.profiles, parts, key, limit, func(c *cursor) (bool, error) {
		p, err := r.profileOf(c.key, c.val)
		out = append(out, p)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// scanParts calls f for the entries of a tree of parts from a key on, until f
// has said of limit entries that they count.
func (r *reader) scanParts(ctx context.Context, t *tree, parts crm.PartRange, from []byte, limit int, f func(*cursor) (bool, error)) error {
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
		counts, err := f(&c)
		if err != nil {
			return err
		}
		if counts {
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

// PutProfiles inserts or replaces profiles.
func (t *tx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	places, parts := make([]place, len(profiles)), make([]crm.Part, len(profiles))
	seen := make(map[crm.ProfileKey]bool, len(profiles))
	out := t.batch(0)
	err := each(ctx, len(profiles), func(i int) error {
		p := profiles[i]
		given := p
		if p.At.Year() >= 9999 { // the service's own, a little after a stored one
			c := *p
			c.At = time.Time{}
			given = &c
		}
		if err := errors.Join(given.Validate(), checkTimes(p.Since, p.At)); err != nil {
			return refuse("put", "profile", p.ProfileKey.String(), err)
		}
		t.key = appendProfile(t.key[:0], p.ProfileKey)
		parts[i] = partOf(t.key)
		if places[i], _, _ = t.placeOf(t.key); places[i].rev != p.Rev || seen[p.ProfileKey] {
			return conflict("put", "profile", p.ProfileKey.String())
		}
		seen[p.ProfileKey] = true
		places[i].rev++
		e := t.encode()
		e.place(places[i])
		e.profile(p)
		out.add(i, func(buf []byte) []byte { return append(buf, t.key...) }, func(buf []byte) []byte { return append(buf, e.b...) })
		return nil
	})
	if err != nil {
		return err
	}
	t.st.words = t.store.words.list
	t.st.profiles.putAll(&t.writer, out.entries())
	for i, p := range profiles {
		t.changed(parts[i], crm.ChangedProfile, crm.OfProfile(p.ProfileKey), crm.FactKey{}, p.At)
		p.Rev = places[i].rev
	}
	return nil
}
