package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// addressData is what the data column of an address holds.
type addressData struct {
	Consents   []crm.ConsentState `json:"consents,omitempty"`
	Suppressed []string           `json:"suppressed,omitempty"`
	Holds      []crm.FactRef      `json:"holds,omitempty"`
}

// Addresses implements crm.AddressReader.
func (r *reader) Addresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	return r.addresses(ctx, opGet, addrs, addressKeys(addrs))
}

func addressKeys(addrs []crm.Address) *rowset {
	rows := newRows(3, len(addrs))
	for _, a := range addrs {
		rows.add(int64(a.Part()), seek(string(a.Channel)), seek(a.Value))
	}
	return rows
}

func (r *reader) addresses(ctx context.Context, o op, addrs []crm.Address, keys *rowset) ([]*crm.AddressState, error) {
	found := make(map[crm.Address]*crm.AddressState, len(addrs))
	err := r.each(ctx, o, tabAddresses, keys, func(rows *sql.Rows) error {
		s, err := scanAddress(rows)
		if err == nil {
			found[s.Address] = s
		}
		return err
	})
	if err != nil {
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

func scanAddress(rows *sql.Rows) (*crm.AddressState, error) {
	var s crm.AddressState
	var data sql.RawBytes
	if err := rows.Scan(&s.Address.Channel, &s.Address.Value, &s.Version, &data); err != nil {
		return nil, err
	}
	var d addressData
	if err := decode("address", "", data, &d); err != nil {
		return nil, err
	}
	s.Consents, s.Suppressed, s.Holds = d.Consents, d.Suppressed, d.Holds
	for i := range s.Consents {
		s.Consents[i].At = s.Consents[i].At.UTC()
	}
	return &s, nil
}

// ScanAddresses implements crm.AddressReader.
func (r *reader) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) ([]*crm.AddressState, error) {
	parts = parts.Bounds()
	args := []any{int64(parts.Lo), "", ""}
	if p := after.Part(); !after.IsZero() && p >= parts.Lo {
		args = []any{int64(p), seek(string(after.Channel)), seek(after.Value)}
	}
	var out []*crm.AddressState
	err := r.query(ctx, opScan, tabAddresses, 1, append(args, int64(parts.Hi), page(limit)), func(rows *sql.Rows) error {
		s, err := scanAddress(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// LockAddresses implements crm.AddressWriter. Rows that are missing are made
// with version 0, so that there is something to lock; all are taken in the order
// of the key, so that two calls cannot wait for each other.
func (t *tx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if t.s.g.dialect == SQLite { // the transaction is the only writer
		states, err := t.Addresses(ctx, addrs...)
		for _, s := range states {
			t.locked[s.Address] = s.Version
		}
		return states, err
	}
	sorted := slices.Clone(addrs)
	slices.SortFunc(sorted, compareAddresses)
	sorted = slices.Compact(sorted)
	rows := newRows(7, len(sorted))
	for _, a := range sorted {
		if err := check("lock", "address", "", a.Validate()); err != nil {
			return nil, err
		}
		rows.add(int64(a.Part()), string(a.Channel), a.Value, int64(0), int64(0), int64(0), "{}")
	}
	if _, err := t.exec(ctx, opMerge, tabAddresses, rows); err != nil {
		return nil, err
	}
	states, err := t.addresses(ctx, opState, addrs, addressKeys(sorted))
	for _, s := range states {
		t.locked[s.Address] = s.Version
	}
	return states, err
}

func compareAddresses(a, b crm.Address) int {
	if p, q := a.Part(), b.Part(); p != q {
		return int(p) - int(q)
	}
	return a.Compare(b)
}

// PutAddresses implements crm.AddressWriter.
func (t *tx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	if len(states) == 0 {
		return nil
	}
	for _, s := range states {
		if err := checkAddress(s); err != nil {
			return err
		}
	}
	sorted := slices.Clone(states)
	slices.SortStableFunc(sorted, func(a, b *crm.AddressState) int { return compareAddresses(a.Address, b.Address) })
	rows := newRows(7, len(sorted))
	addrs := make([]crm.Address, len(sorted))
	for i, s := range sorted {
		addrs[i] = s.Address
		if i > 0 && addrs[i-1] == s.Address {
			return conflict("put", "address", "")
		}
		data, err := encode("address", "", addressData{s.Consents, s.Suppressed, s.Holds})
		if err != nil {
			return err
		}
		rows.add(int64(s.Address.Part()), string(s.Address.Channel), s.Address.Value, s.Version, int64(len(s.Suppressed)), int64(len(s.Holds)), data)
	}
	if err := t.lockUnlocked(ctx, addrs); err != nil {
		return err
	}
	for _, s := range sorted {
		if s.Version != t.locked[s.Address]+1 {
			return conflict("put", "address", "")
		}
	}
	n, err := t.exec(ctx, opNewer, tabAddresses, rows)
	if err == nil && n != len(sorted) {
		err = conflict("put", "address", "")
	}
	if err != nil {
		return t.doom(err)
	}
	for _, s := range sorted {
		t.locked[s.Address] = s.Version
	}
	return nil
}

// lockUnlocked locks those addresses that the transaction has not locked yet.
func (t *tx) lockUnlocked(ctx context.Context, addrs []crm.Address) error {
	addrs = slices.DeleteFunc(addrs, func(a crm.Address) bool { _, ok := t.locked[a]; return ok })
	if len(addrs) == 0 {
		return nil
	}
	_, err := t.LockAddresses(ctx, addrs...)
	return err
}
