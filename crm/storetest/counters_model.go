package storetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
)

// counterModel is a store's counters, plainly.
type counterModel struct {
	limits map[crm.CounterKey]int64
	of     map[crm.ReservationKey]*crm.Reservation
}

func (m *counterModel) gone(k crm.CounterKey) (n int64) {
	for _, x := range m.of {
		if x.Counter == k && x.State == crm.Reserved {
			n += x.Amount
		}
		if x.Counter == k {
			n += x.Confirmed
		}
	}
	return n
}

func (m *counterModel) reserve(t crm.Take) crm.ReservationState {
	if x := m.of[t.ReservationKey]; x != nil {
		if x.Amount != t.Amount {
			return crm.Mismatch
		}
		return x.State
	}
	if _, ok := m.limits[t.Counter]; !ok {
		if t.Limit == 0 {
			return crm.Absent
		}
		m.limits[t.Counter] = t.Limit
	}
	if m.limits[t.Counter]-m.gone(t.Counter) < t.Amount {
		return crm.Exhausted
	}
	m.of[t.ReservationKey] = &crm.Reservation{ReservationKey: t.ReservationKey, Amount: t.Amount, State: crm.Reserved}
	return crm.Reserved
}

func (m *counterModel) confirm(t crm.Take) crm.ReservationState {
	switch x := m.of[t.ReservationKey]; {
	case x == nil:
		return crm.Absent
	case x.State == crm.Reserved && t.Amount <= x.Amount:
		x.State, x.Confirmed = crm.Confirmed, t.Amount
		return x.State
	case x.State == crm.Reserved, x.State == crm.Confirmed && x.Confirmed != t.Amount:
		return crm.Mismatch
	default:
		return x.State
	}
}

func (m *counterModel) release(k crm.ReservationKey) crm.ReservationState {
	x := m.of[k]
	if x == nil {
		return crm.Absent
	}
	if x.State == crm.Reserved {
		x.State = crm.Released
	}
	return x.State
}

// testCounterMachine compares a store with the model; nothing expires in it.
func testCounterMachine(e *env) {
	rapid.Check(e.T, func(t *rapid.T) {
		store := e.open(e.T)
		m := &counterModel{map[crm.CounterKey]int64{}, map[crm.ReservationKey]*crm.Reservation{}}
		draw := func(n int, label string) int { return rapid.IntRange(0, n).Draw(t, label) }
		for range 20 {
			var takes []crm.Take
			for range 1 + draw(3, "takes") {
				x := take(draw(2, "counter"), fmt.Sprint(draw(5, "id")), int64(1+draw(3, "amount")))
				if draw(3, "make") == 0 {
					x.Limit = 4
				}
				if draw(3, "long") == 0 {
					x.For = time.Hour
				}
				takes = append(takes, x)
			}
			verb, limit := draw(4, "verb"), int64(draw(9, "limit"))
			var want, got answers
			switch verb {
			case 0:
				m.limits[takes[0].Counter] = limit
			case 1, 2:
				want = m.batch(takes)
			default:
				for _, x := range takes {
					if verb == 3 {
						want = append(want, m.confirm(x))
					} else {
						want = append(want, m.release(x.ReservationKey))
					}
				}
			}
			err := store.Update(e.ctx, func(tx crm.Tx) (err error) {
				switch verb {
				case 0:
					return tx.SetLimits(e.ctx, crm.Counter{CounterKey: takes[0].Counter, Limit: limit})
				case 1, 2:
					got, err = tx.Reserve(e.ctx, takes...)
				case 3:
					got, err = tx.Confirm(e.ctx, takes...)
				default:
					var keys []crm.ReservationKey
					for _, x := range takes {
						keys = append(keys, x.ReservationKey)
					}
					got, err = tx.Release(e.ctx, keys...)
				}
				return err
			})
			require.NoError(t, err)
			require.Equal(t, want, got, "%v", takes)
			require.NoError(t, store.View(e.ctx, func(r crm.Reader) error { return m.compare(e, t, r) }))
		}
	})
}

// batch is Reserve of several.
func (m *counterModel) batch(takes []crm.Take) (out answers) {
	first, limits := map[crm.ReservationKey]int{}, map[crm.CounterKey]int64{}
	for i, x := range takes {
		if _, twice := first[x.ReservationKey]; !twice {
			first[x.ReservationKey] = i
			limits[x.Counter] = max(limits[x.Counter], x.Limit)
		}
	}
	for i, x := range takes {
		x.Limit = limits[x.Counter]
		switch f := first[x.ReservationKey]; {
		case f < i && takes[f].Amount != x.Amount:
			out = append(out, crm.Mismatch)
		case f < i:
			out = append(out, out[f])
		default:
			out = append(out, m.reserve(x))
		}
	}
	return out
}

func (m *counterModel) compare(e *env, t *rapid.T, r crm.Reader) error {
	cs, err := r.ScanCounters(e.ctx, crm.AllParts(), crm.CounterKey{}, 100)
	if err != nil {
		return err
	}
	require.Len(t, cs, len(m.limits))
	for _, c := range cs {
		require.Equal(t, m.limits[c.CounterKey], c.Limit)
		require.Equal(t, m.gone(c.CounterKey), c.Reserved+c.Used)
	}
	xs, err := r.ScanReservations(e.ctx, crm.AllParts(), crm.ReservationKey{}, 100)
	if err != nil {
		return err
	}
	require.Len(t, xs, len(m.of))
	for _, x := range xs {
		want := m.of[x.ReservationKey]
		require.Equal(t, []any{want.Amount, want.Confirmed, want.State}, []any{x.Amount, x.Confirmed, x.State})
	}
	return nil
}
