package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// addressData is what the data column of an address holds.
type addressData struct {
	Consents   []crm.ConsentState `json:"consents,omitempty"`
	Suppressed []string           `json:"suppressed,omitempty"`
	Holds      []crm.FactRef      `json:"holds,omitempty"`
}

// Addresses implements crm.Reader.
func (r *reader) Addresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	found := make(map[crm.Address]*crm.AddressState, len(addrs))
	if err := r.readAddresses(ctx, opGet, addressKeys(addrs), found); err != nil {
		return nil, err
	}
	out := make([]*crm.AddressState, len(addrs))
	for i, a := range addrs {
		if out[i] = found[a]; out[i] == nil {
			out[i] = &crm.AddressState{Address: a}
		}
	}
	return out, nil
}

func addressKeys(addrs []crm.Address) *rowset {
	rows := newRows(3, len(addrs))
	for _, a := range addrs {
		rows.add(int64(a.Part()), seek(string(a.Channel)), seek(a.Value))
	}
	return rows
}

func (r *reader) readAddresses(ctx context.Context, o op, keys *rowset, found map[crm.Address]*crm.AddressState) error {
	return r.each(ctx, o, tabAddresses, keys, func(rows resultRow) error {
		s, err := scanAddress(rows)
		if err == nil {
			found[s.Address] = s
		}
		return err
	})
}

func scanAddress(rows resultRow) (*crm.AddressState, error) {
	var s crm.AddressState
	var data sql.RawBytes
	if err := rows.Scan(&s.Address.Channel, &s.Address.Value, &s.Version, &data); err != nil {
		return nil, err
	}
	var d addressData
	if err := decode(data, &d); err != nil {
		return nil, undecoded("address", "", err)
	}
	s.Consents, s.Suppressed, s.Holds = d.Consents, d.Suppressed, d.Holds
	for i := range s.Consents {
		s.Consents[i].At = s.Consents[i].At.UTC()
	}
	return &s, nil
}

// ScanAddresses implements crm.Reader.
func (r *reader) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) ([]*crm.AddressState, error) {
	parts = parts.Bounds()
	args := []any{int64(parts.Lo), "", ""}
	if p := after.Part(); !after.IsZero() && p >= parts.Lo {
		args = []any{int64(p), seek(string(after.Channel)), seek(after.Value)}
	}
	var out []*crm.AddressState
	err := r.query(ctx, opScan, tabAddresses, 1, append(args, int64(parts.Hi), page(limit)), func(rows resultRow) error {
		s, err := scanAddress(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// LockAddresses implements crm.Tx. Rows are locked in the order of
// the key, so that two calls cannot wait for each other. What has no row cannot
// be locked: in a transaction of its own the store makes the row at the end, and
// if somebody else made one meanwhile it starts again; in the host's it is made
// here, with version 0.
func (t *tx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if t.s.g.oneWriter { // the transaction is the only writer
		states, err := t.Addresses(ctx, addrs...)
		for _, s := range states {
			t.locked[s.Address] = s.Version
		}
		return states, err
	}
	sorted := sortedAddresses(addrs)
	for _, a := range sorted {
		if err := check("lock", "address", "", a.Validate()); err != nil {
			return nil, err
		}
	}
	if !t.own {
		rows := newRows(7, len(sorted))
		for _, a := range sorted {
			addUnwritten(rows, a)
		}
		if _, err := t.exec(ctx, opInsert, tabAddresses, rows); err != nil {
			return nil, err
		}
	}
	found := make(map[crm.Address]*crm.AddressState, len(sorted))
	if err := t.readAddresses(ctx, opState, addressKeys(sorted), found); err != nil {
		return nil, err
	}
	for _, a := range sorted {
		s := found[a]
		if s == nil {
			s = &crm.AddressState{Address: a}
			found[a] = s
			t.unheld[a] = true
		}
		t.locked[a] = s.Version
	}
	out := make([]*crm.AddressState, len(addrs))
	for i, a := range addrs {
		out[i] = found[a]
	}
	return out, nil
}

func addUnwritten(rows *rowset, a crm.Address) {
	rows.add(int64(a.Part()), string(a.Channel), a.Value, int64(0), int64(0), int64(0), "{}")
}

// holdAddresses makes the rows of addresses that were locked without one. Of two
// transactions that locked the same the later one fails here and starts again.
func (t *tx) holdAddresses(ctx context.Context) error {
	if len(t.unheld) == 0 {
		return nil
	}
	rows := newRows(7, len(t.unheld))
	for _, a := range sortedAddresses(slices.Collect(maps.Keys(t.unheld))) {
		addUnwritten(rows, a)
	}
	clear(t.unheld)
	if _, err := t.exec(ctx, opAdd, tabAddresses, rows); err != nil {
		return t.doom(err)
	}
	return nil
}

// sortedAddresses returns the addresses in the order of the key, each once.
func sortedAddresses(addrs []crm.Address) []crm.Address {
	type keyed struct {
		part crm.Part
		a    crm.Address
	}
	list := make([]keyed, len(addrs))
	for i, a := range addrs {
		list[i] = keyed{a.Part(), a}
	}
	slices.SortFunc(list, func(x, y keyed) int {
		if x.part != y.part {
			return int(x.part) - int(y.part)
		}
		return x.a.Compare(y.a)
	})
	list = slices.Compact(list)
	out := make([]crm.Address, len(list))
	for i, k := range list {
		out[i] = k.a
	}
	return out
}

// PutAddresses implements crm.Tx.
func (t *tx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	if len(states) == 0 {
		return nil
	}
	for _, s := range states {
		if err := checkAddress(s); err != nil {
			return err
		}
	}
	addrs := make([]crm.Address, len(states))
	byAddress := make(map[crm.Address]*crm.AddressState, len(states))
	for i, s := range states {
		if byAddress[s.Address] != nil {
			return conflict("put", "address", "")
		}
		addrs[i], byAddress[s.Address] = s.Address, s
	}
	addrs = sortedAddresses(addrs)
	if err := t.lockUnlocked(ctx, addrs); err != nil {
		return err
	}
	fresh, known := newRows(7, 0), newRows(7, 0)
	for _, a := range addrs {
		s := byAddress[a]
		if s.Version != t.locked[a]+1 {
			return conflict("put", "address", "")
		}
		data, err := encode("address", "", addressData{s.Consents, s.Suppressed, s.Holds})
		if err != nil {
			return err
		}
		rows := known
		if t.unheld[a] {
			rows = fresh
		}
		rows.add(int64(a.Part()), string(a.Channel), a.Value, s.Version, int64(len(s.Suppressed)), int64(len(s.Holds)), data)
	}
	n, err := t.exec(ctx, opNewer, tabAddresses, known)
	if err == nil && n != known.len() {
		err = conflict("put", "address", "")
	}
	if err == nil {
		_, err = t.exec(ctx, opAdd, tabAddresses, fresh)
	}
	if err != nil {
		return t.doom(err)
	}
	for _, s := range states {
		t.locked[s.Address] = s.Version
		delete(t.unheld, s.Address)
	}
	return nil
}

// lockUnlocked locks those addresses that the transaction has not locked yet.
func (t *tx) lockUnlocked(ctx context.Context, addrs []crm.Address) error {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a crm.Address) bool { _, ok := t.locked[a]; return ok })
	if len(addrs) == 0 {
		return nil
	}
	_, err := t.LockAddresses(ctx, addrs...)
	return err
}
