package memstore

import (
	"context"
	"errors"

	"github.com/vefacrm/vefa/crm"
)

// addressState writes all of a state but its address, which is its key.
func (e *encoder) addressState(s *crm.AddressState) {
	e.int(s.Version)
	e.uint(uint64(len(s.Consents)))
	for _, c := range s.Consents {
		e.word(c.Brand)
		e.word(c.Recipient)
		e.word(c.Purpose)
		e.word(string(c.Status))
		e.time(crm.Micros(c.At))
	}
	e.uint(uint64(len(s.Suppressed)))
	for _, r := range s.Suppressed {
		e.word(r)
	}
	e.uint(uint64(len(s.Holds)))
	for _, h := range s.Holds {
		e.subject(h.Subject)
		e.factKey(h.Key)
	}
}

// addressState is the inverse of the encoder's; it leaves the address alone.
func (d *decoder) addressState(s *crm.AddressState) {
	s.Version = d.int()
	s.Consents = list(d, func() crm.ConsentState {
		return crm.ConsentState{
			ConsentKey: crm.ConsentKey{Brand: d.word(), Recipient: d.word(), Purpose: d.word()},
			Status:     crm.ConsentStatus(d.word()), At: d.time(),
		}
	})
	s.Suppressed = list(d, d.word)
	s.Holds = list(d, func() crm.FactRef { return crm.FactRef{Subject: d.subject(), Key: d.factKey()} })
}

// Addresses returns one entry per address.
func (r *reader) Addresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.AddressState, len(addrs))
	var key []byte
	err := each(ctx, len(addrs), func(i int) error {
		out[i] = &crm.AddressState{Address: addrs[i]}
		key = appendAddress(key[:0], addrs[i])
		if val, ok := r.st.addresses.get(key); ok {
			d := r.decoder(val)
			d.addressState(out[i])
			return d.end("address")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ScanAddresses returns a page of states.
func (r *reader) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) ([]*crm.AddressState, error) {
	var key []byte
	if !after.IsZero() {
		key = append(appendAddress(nil, after), 0)
	}
	var out []*crm.AddressState
	err := r.scanParts(ctx, &r.st.addresses, parts, key, limit, func(c *cursor) (bool, error) {
		k := cutProfile(string(c.key[2:]))
		s := &crm.AddressState{Address: crm.Address{Channel: crm.Channel(k.Source), Value: k.ID}}
		d := r.decoder(c.val)
		d.addressState(s)
		out = append(out, s)
		return true, d.end("address")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// LockAddresses is Addresses: nobody else writes until the update ends.
func (t *tx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	return t.Addresses(ctx, addrs...)
}

// PutAddresses writes the next versions of states.
func (t *tx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	seen := make(map[crm.Address]bool, len(states))
	err := each(ctx, len(states), func(i int) error {
		s := states[i]
		faults := []error{s.Validate()}
		for _, c := range s.Consents {
			faults = append(faults, checkTimes(c.At))
		}
		for _, h := range s.Holds {
			faults = append(faults, h.Subject.Validate())
		}
		if err := errors.Join(faults...); err != nil {
			return refuse("put", "address", "", err)
		}
		t.key = appendAddress(t.key[:0], s.Address)
		version := int64(0)
		if val, ok := t.st.addresses.get(t.key); ok {
			d := decoder{s: val}
			version = d.int()
		}
		if s.Version != version+1 || seen[s.Address] {
			return conflict("put", "address", "")
		}
		seen[s.Address] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range states {
		t.encode().addressState(s)
		t.key = appendAddress(t.key[:0], s.Address)
		t.keep(&t.st.addresses, t.key)
	}
	return nil
}
