package segment

import (
	"math"
	"sync"
)

// IDs maps customer ids, which are any non-empty strings, to the dense ids that
// sets hold, and back. Dense ids are given in order of first arrival and are
// never given twice. The zero value is ready; it is safe for concurrent use.
type IDs struct {
	mu    sync.RWMutex
	dense map[string]uint32
	names []string
}

// Assign returns the dense id of customer, giving the next one to a new customer.
// The empty string is an *InvalidError; after 2^32 customers it is a *LimitError.
func (d *IDs) Assign(customer string) (uint32, error) {
	if customer == "" {
		return 0, &InvalidError{Field: "customer", Msg: "must not be empty"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.dense[customer]; ok {
		return id, nil
	}
	if uint64(len(d.names)) > math.MaxUint32 {
		return 0, &LimitError{What: "customers", Limit: math.MaxUint32}
	}
	if d.dense == nil {
		d.dense = make(map[string]uint32)
	}
	id := uint32(len(d.names))
	d.dense[customer] = id
	d.names = append(d.names, customer)
	return id, nil
}

// Lookup returns the dense id of a known customer.
func (d *IDs) Lookup(customer string) (id uint32, ok bool) {
	d.mu.RLock()
	id, ok = d.dense[customer]
	d.mu.RUnlock()
	return id, ok
}

// Name returns the customer with a dense id; false for an id never given or forgotten.
func (d *IDs) Name(id uint32) (string, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if uint64(id) >= uint64(len(d.names)) || d.names[id] == "" {
		return "", false
	}
	return d.names[id], true
}

// Len returns the number of dense ids given so far, forgotten ones included.
func (d *IDs) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.names)
}

// Forget erases the customer's id for good and reports whether it was known.
// Should the same customer come again, a new dense id is given.
func (d *IDs) Forget(customer string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, ok := d.dense[customer]
	if ok {
		delete(d.dense, customer)
		d.names[id] = ""
	}
	return ok
}
