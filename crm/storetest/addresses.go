package storetest

import (
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var addressTests = []test{
	{"Addresses/RoundTrip", "every field of an address state comes back", testAddressRoundTrip},
	{"Addresses/Version", "a state's Version must be one more than the stored one, else ErrConflict, and nothing of the call is kept", testAddressVersion},
	{"Addresses/Missing", "an address never written about has an empty state of version 0", testAddressMissing},
	{"Addresses/Lock", "LockAddresses keeps everybody else from locking the same addresses until the transaction ends: no update is lost", testAddressLock},
}

// testAddressRoundTrip also takes a state back to less than it was: a store that merges what it
// reads into what is there keeps a suppression that was lifted.
func testAddressRoundTrip(e *env) {
	want := everyAddressState()
	e.update(func(tx crm.Tx) error {
		if _, err := tx.LockAddresses(e.ctx, want.Address); err != nil {
			return err
		}
		return tx.PutAddresses(e.ctx, everyAddressState())
	})
	same(e, want, e.address(want.Address))

	// It becomes less again.
	e.update(func(tx crm.Tx) error {
		states, err := tx.LockAddresses(e.ctx, want.Address)
		if err != nil {
			return err
		}
		require.Len(e, states, 1)
		same(e, want, states[0], "LockAddresses returns what Addresses does")
		next := states[0].Clone()
		next.Version, next.Suppressed, next.Holds = 2, nil, nil
		next.Consents = next.Consents[:1]
		if err := tx.PutAddresses(e.ctx, next); err != nil {
			return err
		}
		states, err = tx.LockAddresses(e.ctx, want.Address)
		if err == nil {
			assert.EqualValues(e, 2, states[0].Version, "a transaction sees its own writes")
		}
		return err
	})
	want.Version, want.Suppressed, want.Holds, want.Consents = 2, nil, nil, want.Consents[:1]
	same(e, want, e.address(want.Address))
}

// testAddressVersion gives two states of which one is stale. The versions are what an audit
// compares claims with, so that a gap or a repetition is as bad as a lost write.
func testAddressVersion(e *env) {
	put := func(version int64) func(tx crm.Tx) error {
		return func(tx crm.Tx) error {
			if _, err := tx.LockAddresses(e.ctx, phone(1), phone(2)); err != nil {
				return err
			}
			return tx.PutAddresses(e.ctx, &crm.AddressState{Address: phone(2), Version: 1}, &crm.AddressState{Address: phone(1), Version: version})
		}
	}
	e.refused(crm.ErrConflict, "the first version is 1", put(0))
	e.refused(crm.ErrConflict, "the first version is 1", put(2))
	require.Zero(e, e.address(phone(2)).Version, "part of a call that failed was kept")
	e.update(func(tx crm.Tx) error {
		assert.ErrorIs(e, put(7)(tx), crm.ErrConflict)
		return nil
	})
	require.Zero(e, e.address(phone(2)).Version, "part of a call that failed was kept")
	e.update(put(1))
	for _, v := range []int64{0, 1, 3} {
		e.refused(crm.ErrConflict, "only version 2 may follow version 1", func(tx crm.Tx) error {
			return tx.PutAddresses(e.ctx, &crm.AddressState{Address: phone(1), Version: v})
		})
	}
	e.update(func(tx crm.Tx) error { return tx.PutAddresses(e.ctx, &crm.AddressState{Address: phone(1), Version: 2}) })
	require.EqualValues(e, 2, e.address(phone(1)).Version)
}

// testAddressMissing reads addresses that are not there in an order of its own and one of them
// twice, which a store that answers from a map or an IN list gets wrong.
func testAddressMissing(e *env) {
	e.update(func(tx crm.Tx) error {
		states, err := tx.LockAddresses(e.ctx, phone(3), phone(1), phone(3))
		require.Len(e, states, 3)
		for i, a := range []crm.Address{phone(3), phone(1), phone(3)} {
			same(e, &crm.AddressState{Address: a}, states[i])
		}
		return err
	})
	e.view(func(r crm.Reader) error {
		states, err := r.Addresses(e.ctx, phone(3), phone(1))
		require.Len(e, states, 2)
		same(e, &crm.AddressState{Address: phone(3)}, states[0])
		page, err2 := r.ScanAddresses(e.ctx, crm.AllParts(), crm.Address{}, 10)
		require.NoError(e, err2)
		require.Empty(e, page, "to lock an address is not to write about it")
		return err
	})
}

// testAddressLock is the lost-update test: each writer reads two versions and
// writes the next ones, in an order of its own.
func testAddressLock(e *env) {
	const writers, rounds = 8, 10
	err := parallel(writers, func(i int) error {
		addrs := []crm.Address{phone(1), phone(2)}
		if i%2 == 1 {
			addrs[0], addrs[1] = addrs[1], addrs[0]
		}
		for range rounds {
			err := e.retry(func(tx crm.Tx) error {
				states, err := tx.LockAddresses(e.ctx, addrs...)
				if err != nil {
					return err
				}
				var next []*crm.AddressState
				for j, s := range states {
					if s.Address != addrs[j] {
						return fmt.Errorf("asked for %d addresses, number %d is another one", len(addrs), j)
					}
					s = s.Clone()
					s.Version++
					s.Suppressed = []string{fmt.Sprintf("v%d", s.Version)}
					next = append(next, s)
				}
				return tx.PutAddresses(e.ctx, next...)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	for _, a := range []crm.Address{phone(1), phone(2)} {
		s := e.address(a)
		require.EqualValues(e, writers*rounds, s.Version, "updates were lost")
		require.Equal(e, []string{fmt.Sprintf("v%d", s.Version)}, s.Suppressed)
	}
}
