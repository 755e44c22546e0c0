package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Members implements crm.Reader.
func (r *reader) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	found := make(map[crm.CustomerID][]crm.ProfileKey, len(ids))
	err := r.each(ctx, opOf, tabMembers, customerKeys(ids), func(rows resultRow) error {
		var id crm.CustomerID
		var k crm.ProfileKey
		err := rows.Scan(&id, &k.Source, &k.ID)
		found[id] = append(found[id], k)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([][]crm.ProfileKey, len(ids))
	for i, id := range ids {
		out[i] = found[id]
	}
	return out, nil
}

// Homes implements crm.Reader.
func (r *reader) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	found := make(map[crm.CustomerID]crm.ProfileKey, len(ids))
	err := r.each(ctx, opGet, tabCustomers, customerKeys(ids), func(rows resultRow) error {
		var id crm.CustomerID
		var k crm.ProfileKey
		err := rows.Scan(&id, &k.Source, &k.ID)
		found[id] = k
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]crm.ProfileKey, len(ids))
	for i, id := range ids {
		out[i] = found[id]
	}
	return out, nil
}

// LockCustomers implements crm.Tx: every id that was ever made has a
// row, and rows are locked in the order of the key, so that two calls cannot wait
// for each other.
func (t *tx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if t.s.g.oneWriter { // the transaction is the only writer
		return nil
	}
	return t.each(ctx, opState, tabCustomers, customerKeys(ids), func(resultRow) error { return nil })
}

// customerKeys returns the keys in their order, repeated ones once, so that no
// member is listed twice.
func customerKeys(ids []crm.CustomerID) *rowset {
	type keyed struct {
		part crm.Part
		id   crm.CustomerID
	}
	list := make([]keyed, len(ids))
	for i, id := range ids {
		list[i] = keyed{id.Part(), id}
	}
	slices.SortFunc(list, func(a, b keyed) int { return compareParts(a.part, b.part, string(a.id), string(b.id)) })
	list = slices.Compact(list)
	rows := newRows(2, len(list))
	for _, k := range list {
		rows.add(int64(k.part), seek(string(k.id)))
	}
	return rows
}

// HomeIDs implements crm.Reader.
func (r *reader) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	return r.customerIDs(ctx, keys, func(p place) crm.CustomerID { return crm.CustomerID(p.home) })
}

// CustomersOf implements crm.Reader.
func (r *reader) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	return r.customerIDs(ctx, keys, func(p place) crm.CustomerID { return crm.CustomerID(p.customer) })
}

// customerIDs returns one id of each profile's place, "" where there is no such
// profile.
func (r *reader) customerIDs(ctx context.Context, keys []crm.ProfileKey, pick func(place) crm.CustomerID) ([]crm.CustomerID, error) {
	if err := r.settled(ctx); err != nil {
		return nil, err
	}
	found := make(map[crm.ProfileKey]crm.CustomerID, len(keys))
	err := r.each(ctx, opPeek, tabProfiles, profileKeys(keys), func(rows resultRow) error {
		k, _, p, err := scanPlace(rows)
		found[k] = pick(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]crm.CustomerID, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

// Links implements crm.Reader.
func (r *reader) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	unique := slices.Clone(keys)
	slices.SortFunc(unique, crm.ProfileKey.Compare)
	unique = slices.Compact(unique)
	found := make(map[crm.ProfileKey][]crm.Link, len(unique))
	err := r.each(ctx, opOf, tabLinks, profileKeys(unique), func(rows resultRow) error {
		var k crm.ProfileKey
		var seq int64
		var data sql.RawBytes
		if err := rows.Scan(&k.Source, &k.ID, &seq, &data); err != nil {
			return err
		}
		var l crm.Link
		if err := decode(data, &l); err != nil {
			return undecoded("link", k.String(), err)
		}
		l.Profile, l.Seq, l.At = k, seq, l.At.UTC()
		found[k] = append(found[k], l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([][]crm.Link, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

// AppendLinks implements crm.Tx.
func (t *tx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	if len(links) == 0 {
		return nil
	}
	for _, l := range links {
		if err := checkLink(l); err != nil {
			return err
		}
	}
	was, err := t.places(ctx, links)
	if err != nil {
		return err
	}
	is := make(map[crm.ProfileKey]place, len(was))
	for k, p := range was {
		is[k] = p
	}
	log := t.s.rows(9, len(links))
	defer t.s.free(log)
	var made []*crm.Link
	seqs := make([]int64, len(links))
	for i, l := range links {
		p := is[l.Profile]
		if (p.links == 0) != (l.Kind == crm.LinkNew) {
			return check("append", "link", l.Profile.String(), &crm.FieldError{Field: "kind", Msg: "of the first decision about a profile, and of no other, must be new"})
		}
		if l.Kind == crm.LinkNew {
			p.home = string(l.Customer)
			made = append(made, l)
		}
		p.links++
		if l.Kind != crm.LinkNotMe {
			p.customer = string(l.Customer)
		}
		is[l.Profile], seqs[i] = p, p.links
		kept := *l
		kept.At, kept.Seq = crm.Micros(kept.At), p.links
		data, err := encode("link", l.Profile.String(), &kept)
		if err != nil {
			return err
		}
		log.add(int64(l.Profile.Part()), l.Profile.Source, l.Profile.ID, p.links, string(l.Customer), clean(string(l.Kind)), clean(l.Actor), micros(l.At), data)
	}
	if err := t.addCustomers(ctx, made); err != nil {
		return err
	}
	if _, err := t.exec(ctx, t.faster(opAdd, tabLinks), tabLinks, log); err != nil {
		return t.doom(err)
	}
	if err := t.move(ctx, was, is); err != nil {
		return t.doom(err)
	}
	for i, l := range links {
		t.give(&l.Seq, seqs[i])
		t.changed(crm.ChangedLink, l.Profile.Part(), crm.OfProfile(l.Profile), crm.FactKey{})
	}
	return nil
}

// addCustomers makes the customers of first decisions, all or none.
func (t *tx) addCustomers(ctx context.Context, made []*crm.Link) error {
	type row struct {
		part crm.Part
		l    *crm.Link
	}
	list := make([]row, len(made))
	for i, l := range made {
		list[i] = row{l.Customer.Part(), l}
	}
	slices.SortFunc(list, func(a, b row) int {
		return compareParts(a.part, b.part, string(a.l.Customer), string(b.l.Customer))
	})
	rows := newRows(4, len(made))
	for i, r := range list {
		if i > 0 && r.l.Customer == list[i-1].l.Customer {
			return customerExists(r.l)
		}
		rows.add(int64(r.part), string(r.l.Customer), r.l.Profile.Source, r.l.Profile.ID)
	}
	if t.own && !t.again { // an id is hardly ever given twice; then run again, we ask which
		n, err := t.exec(ctx, t.faster(opAdd, tabCustomers), tabCustomers, rows)
		if err == nil && n != len(made) {
			err = errAgain
		}
		if err != nil {
			return t.doom(err)
		}
		return nil
	}
	inserted := newRows(2, len(made))
	err := t.each(ctx, opInsert, tabCustomers, rows, func(rows resultRow) error {
		var part int64
		var id string
		err := rows.Scan(&part, &id)
		inserted.add(part, id)
		return err
	})
	if err != nil {
		return t.doom(err)
	}
	if inserted.len() == len(made) {
		return nil
	}
	if _, err := t.exec(ctx, opDelete, tabCustomers, inserted); err != nil {
		return t.doom(err)
	}
	for _, l := range made {
		if !slices.Contains(inserted.vals, cell{s: string(l.Customer), kind: str}) {
			return customerExists(l)
		}
	}
	return nil
}

func customerExists(l *crm.Link) error {
	return &crm.Error{Op: "append link", Entity: "customer", ID: string(l.Customer), Kind: crm.ErrExists}
}

func compareParts(p, q crm.Part, a, b string) int {
	switch {
	case p != q:
		return int(p) - int(q)
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// places returns where the profiles are now and keeps others from moving them.
func (t *tx) places(ctx context.Context, links []*crm.Link) (map[crm.ProfileKey]place, error) {
	out := make(map[crm.ProfileKey]place, len(links))
	var ask []crm.ProfileKey
	for _, l := range links {
		if f := t.fresh.byKey[l.Profile]; f != nil {
			out[l.Profile] = f.place
		} else {
			ask = append(ask, l.Profile)
		}
	}
	slices.SortFunc(ask, crm.ProfileKey.Compare)
	ask = slices.Compact(ask)
	err := t.each(ctx, opState, tabProfiles, profileKeys(ask), func(rows resultRow) error {
		k, _, p, err := scanPlace(rows)
		out[k] = p
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if _, ok := out[l.Profile]; !ok {
			return nil, &crm.Error{Op: "append", Entity: "link", ID: l.Profile.String(), Kind: crm.ErrNotFound}
		}
	}
	return out, nil
}

// move writes the new places of profiles.
func (t *tx) move(ctx context.Context, was, is map[crm.ProfileKey]place) error {
	type row struct {
		part crm.Part
		key  crm.ProfileKey
	}
	list := make([]row, 0, len(is))
	for k := range is {
		list = append(list, row{k.Part(), k})
	}
	slices.SortFunc(list, func(a, b row) int { return cmp.Or(int(a.part)-int(b.part), a.key.Compare(b.key)) })
	rows, leave, enter := newRows(6, 0), newRows(4, 0), newRows(4, len(list))
	for _, r := range list {
		k := r.key
		from, to := was[k], is[k]
		if f := t.fresh.byKey[k]; f != nil {
			f.place = to
		} else {
			rows.add(int64(r.part), k.Source, k.ID, to.customer, to.home, to.links)
		}
		if from.customer == to.customer {
			continue
		}
		if from.customer != "" {
			leave.add(int64(crm.CustomerID(from.customer).Part()), from.customer, k.Source, k.ID)
		}
		enter.add(int64(crm.CustomerID(to.customer).Part()), to.customer, k.Source, k.ID)
	}
	if _, err := t.exec(ctx, opPlace, tabProfiles, rows); err != nil {
		return err
	}
	if _, err := t.exec(ctx, opDelete, tabMembers, leave); err != nil {
		return err
	}
	_, err := t.exec(ctx, t.faster(opAdd, tabMembers), tabMembers, enter)
	return err
}
