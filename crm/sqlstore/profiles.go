package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/rowjson"
)

// Profiles implements crm.Reader.
func (r *reader) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	if err := r.settled(ctx); err != nil {
		return nil, err
	}
	found := make(map[crm.ProfileKey]*crm.Profile, len(keys))
	err := r.each(ctx, opGet, tabProfiles, profileKeys(keys), func(rows resultRow) error {
		p, err := scanProfile(rows)
		if err == nil {
			found[p.ProfileKey] = p
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]*crm.Profile, len(keys))
	for i, k := range keys {
		if out[i] = found[k]; out[i] == nil && r.strangers != nil {
			r.strangers[k] = struct{}{}
		}
	}
	return out, nil
}

// ScanProfiles implements crm.Reader.
func (r *reader) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	if err := r.settled(ctx); err != nil {
		return nil, err
	}
	parts = parts.Bounds()
	args := []any{int64(parts.Lo), "", ""}
	if p := after.Part(); !after.IsZero() && p >= parts.Lo {
		args = []any{int64(p), seek(after.Source), seek(after.ID)}
	}
	var out []*crm.Profile
	err := r.query(ctx, opScan, tabProfiles, 1, append(args, int64(parts.Hi), page(limit)), func(rows resultRow) error {
		p, err := scanProfile(rows)
		out = append(out, p)
		return err
	})
	return out, err
}

// page is the limit of one call: 1,000 unless told, never more than 100,000.
func page(limit int) int64 {
	if limit <= 0 {
		return 1000
	}
	return int64(min(limit, 100_000))
}

func (r *reader) settled(ctx context.Context) error {
	if r.settle == nil {
		return nil
	}
	return r.settle(ctx)
}

func scanProfile(rows resultRow) (*crm.Profile, error) {
	var data sql.RawBytes
	p := new(crm.Profile)
	var k crm.ProfileKey
	var customer string
	var rev int64
	if err := rows.Scan(&k.Source, &k.ID, &customer, &rev, &data); err != nil {
		return nil, err
	}
	if err := decode(data, p); err != nil {
		return nil, undecoded("profile", k.String(), err)
	}
	p.ProfileKey, p.Customer, p.Rev = k, crm.CustomerID(customer), rev
	p.At, p.Since = p.At.UTC(), p.Since.UTC()
	return p, nil
}

func profileKeys(keys []crm.ProfileKey) *rowset {
	rows := newRows(3, len(keys))
	for _, k := range keys {
		rows.add(int64(k.Part()), seek(k.Source), seek(k.ID))
	}
	return rows
}

// encode returns v as JSON that a text column can hold.
func encode(entity, id string, v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", &crm.Error{Op: "encode", Entity: entity, ID: clean(id), Kind: crm.ErrInvalid, Err: err}
	}
	return jsonText(data), nil
}

func jsonText(data []byte) string {
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\ufffd"))
	}
	return string(data)
}

// decode reads what encode returned into the zero value of its type.
func decode[T any](data []byte, into *T) error {
	if rowjson.Read(data, into) {
		return nil
	}
	*into = *new(T) // what was read of it
	return json.Unmarshal(data, into)
}

// undecoded is the error of decode, of one row.
func undecoded(entity, id string, err error) error {
	return &crm.Error{Op: "decode", Entity: entity, ID: id, Kind: crm.ErrInvalid, Err: err}
}

// freshProfiles are profiles that this transaction makes. They are written when
// somebody reads profiles or at the end, together with the place that their
// first link decision gives them: one row written instead of two.
type freshProfiles struct {
	order []*freshProfile
	byKey map[crm.ProfileKey]*freshProfile
}

type freshProfile struct {
	key      crm.ProfileKey
	part     crm.Part
	place    place
	row      []cell // as in the table, place and all
	contacts []cell
}

// place is where the link log puts a profile.
type place struct {
	customer, home string
	links          int64
}

// maxFresh bounds what a transaction holds back.
const maxFresh = 5000

// PutProfiles implements crm.Tx.
func (t *tx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	if len(profiles) == 0 {
		return nil
	}
	type put struct {
		p    *crm.Profile
		part crm.Part
	}
	puts := make([]put, len(profiles))
	for i, p := range profiles {
		if err := checkProfile(p); err != nil {
			return err
		}
		puts[i] = put{p, p.Part()}
	}
	slices.SortFunc(puts, func(a, b put) int {
		if a.part != b.part {
			return int(a.part) - int(b.part)
		}
		return a.p.ProfileKey.Compare(b.p.ProfileKey)
	})
	var made []*freshProfile
	content := newRows(3+len(profileContent), 0)
	gone := newRows(3, 0)
	contacts := newRows(7, 0)
	revs := make(map[crm.ProfileKey]int64, len(puts))
	var absent, present []crm.ProfileKey
	for _, p := range puts {
		if _, twice := revs[p.p.ProfileKey]; twice {
			return conflict("put", "profile", p.p.ProfileKey.String())
		}
		revs[p.p.ProfileKey] = p.p.Rev
		kept := *p.p
		kept.At, kept.Since = crm.Micros(kept.At), crm.Micros(kept.Since)
		data, err := encode("profile", p.p.ProfileKey.String(), &kept)
		if err != nil {
			return err
		}
		cells := []any{string(kept.Kind), clean(kept.Name.Given), clean(kept.Name.Family), clean(kept.Name.Full), clean(kept.Birth),
			clean(kept.Gender), clean(kept.Locale), clean(kept.Postal.City), clean(kept.Postal.Country)}
		tail := []any{kept.Rev + 1, micros(kept.At), micros(kept.Since), data}
		if kept.Rev == 0 {
			row, list := newRows(19, 1), newRows(7, len(kept.Contacts))
			row.add(int64(p.part), kept.Source, kept.ID)
			row.add(cells...)
			row.add("", "", int64(0))
			row.add(tail...)
			addContacts(list, &kept, p.part)
			made = append(made, &freshProfile{key: kept.ProfileKey, part: p.part, row: row.vals, contacts: list.vals})
			absent = append(absent, kept.ProfileKey)
			continue
		}
		present = append(present, kept.ProfileKey)
		content.add(int64(p.part), kept.Source, kept.ID)
		content.add(cells...)
		content.add(tail...)
		gone.add(int64(p.part), kept.Source, kept.ID)
		addContacts(contacts, &kept, p.part)
	}
	if len(present) > 0 {
		if err := t.settleProfiles(ctx); err != nil {
			return err
		}
	}
	if err := t.checkRevs(ctx, revs, absent, present); err != nil {
		return err
	}
	if len(present) > 0 {
		if err := t.replaceProfiles(ctx, content, gone, contacts); err != nil {
			return t.doom(err)
		}
	}
	if t.fresh.byKey == nil {
		t.fresh.byKey = make(map[crm.ProfileKey]*freshProfile, len(made))
	}
	for _, f := range made {
		t.fresh.byKey[f.key] = f
	}
	t.fresh.order = append(t.fresh.order, made...)
	for _, p := range profiles {
		t.give(&p.Rev, p.Rev+1)
		t.changed(crm.ChangedProfile, p.Part(), crm.OfProfile(p.ProfileKey), crm.FactKey{})
	}
	if len(t.fresh.order) > maxFresh {
		return t.settleProfiles(ctx)
	}
	return nil
}

// checkRevs looks whether the profiles are as the caller read them, and on
// PostgreSQL keeps them so.
func (t *tx) checkRevs(ctx context.Context, revs map[crm.ProfileKey]int64, absent, present []crm.ProfileKey) error {
	ask := make([]crm.ProfileKey, 0, len(absent)+len(present))
	for _, k := range absent {
		if t.fresh.byKey[k] != nil {
			return conflict("put", "profile", k.String())
		}
		if _, ok := t.strangers[k]; ok {
			delete(t.strangers, k) // if somebody made it since, settleProfiles finds out
		} else {
			ask = append(ask, k)
		}
	}
	ask = append(ask, present...)
	var stale error
	seen := 0
	err := t.each(ctx, opState, tabProfiles, profileKeys(ask), func(rows resultRow) error {
		k, rev, _, err := scanPlace(rows)
		if err == nil && rev != revs[k] {
			stale = conflict("put", "profile", k.String())
		}
		seen++
		return err
	})
	if err == nil && stale == nil && seen != len(present) {
		stale = conflict("put", "profile", present[0].String())
	}
	if err != nil {
		return err
	}
	return stale
}

func scanPlace(rows resultRow) (k crm.ProfileKey, rev int64, p place, err error) {
	err = rows.Scan(&k.Source, &k.ID, &rev, &p.customer, &p.home, &p.links)
	return k, rev, p, err
}

func (t *tx) replaceProfiles(ctx context.Context, content, gone, contacts *rowset) error {
	if _, err := t.exec(ctx, opUpdate, tabProfiles, content); err != nil {
		return err
	}
	if _, err := t.exec(ctx, opDeleteOf, tabContacts, gone); err != nil {
		return err
	}
	_, err := t.exec(ctx, t.faster(opAdd, tabContacts), tabContacts, contacts)
	return err
}

func addContacts(rows *rowset, p *crm.Profile, part crm.Part) {
	for i, c := range p.Contacts {
		if slices.ContainsFunc(p.Contacts[:i], func(o crm.Contact) bool { return o.Address == c.Address }) {
			continue
		}
		rows.add(int64(part), p.Source, p.ID, string(c.Channel), c.Value, flag(c.Verified), flag(c.Masked))
	}
}

// settleProfiles writes the fresh profiles.
func (t *tx) settleProfiles(ctx context.Context) error {
	fresh := t.fresh.order
	if len(fresh) == 0 {
		return nil
	}
	t.fresh = freshProfiles{}
	slices.SortFunc(fresh, func(a, b *freshProfile) int {
		if a.part != b.part {
			return int(a.part) - int(b.part)
		}
		return a.key.Compare(b.key)
	})
	rows, contacts := t.s.rows(len(fresh[0].row), len(fresh)), t.s.rows(7, 2*len(fresh))
	defer t.s.free(rows)
	defer t.s.free(contacts)
	for _, f := range fresh {
		f.row[12].s, f.row[13].s, f.row[14].n = f.place.customer, f.place.home, f.place.links
		rows.vals = append(rows.vals, f.row...)
		contacts.vals = append(contacts.vals, f.contacts...)
	}
	n, err := t.exec(ctx, t.faster(opAdd, tabProfiles), tabProfiles, rows)
	if err != nil {
		return t.doom(err)
	}
	if n != len(fresh) {
		// Made by somebody else since checkRevs looked. Run again, the
		// function will see them.
		if t.own {
			return t.doom(errAgain)
		}
		return t.doom(conflict("put", "profile", fresh[0].key.String()))
	}
	if _, err := t.exec(ctx, t.faster(opAdd, tabContacts), tabContacts, contacts); err != nil {
		return t.doom(err)
	}
	return nil
}
