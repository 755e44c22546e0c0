package dbtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

type counterInput struct {
	verb   string // reserve, confirm, release, read
	id     string
	amount int64
}

type counterOutput struct {
	state          crm.ReservationState
	reserved, used int64
}

const counterLimit = 6

// counterState is one counter: what each id reserved, how it stands.
type counterState map[string]crm.Reservation

func (s counterState) sums() (reserved, used int64) {
	for _, x := range s {
		if x.State == crm.Reserved {
			reserved += x.Amount
		}
		used += x.Confirmed
	}
	return reserved, used
}

var counterModel = porcupine.Model{
	Init: func() any { return counterState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(counterState), input.(counterInput), output.(counterOutput)
		x, there := s[in.id]
		reserved, used := s.sums()
		want := x.State
		switch {
		case in.verb == "read":
			return out.reserved == reserved && out.used == used, s
		case in.verb == "reserve" && there && x.Amount != in.amount:
			want = crm.Mismatch
		case in.verb == "reserve" && !there && counterLimit-reserved-used < in.amount:
			want = crm.Exhausted
		case in.verb == "reserve" && !there:
			want, x = crm.Reserved, crm.Reservation{Amount: in.amount, State: crm.Reserved}
		case in.verb == "confirm" && x.State == crm.Reserved && in.amount <= x.Amount:
			want, x.State, x.Confirmed = crm.Confirmed, crm.Confirmed, in.amount
		case in.verb == "confirm" && (x.State == crm.Reserved || x.State == crm.Confirmed && x.Confirmed != in.amount):
			want = crm.Mismatch
		case in.verb == "release" && x.State == crm.Reserved:
			want, x.State = crm.Released, crm.Released
		}
		if out.state != want {
			return false, s
		}
		if x.State == "" {
			return true, s
		}
		next := maps.Clone(s)
		next[in.id] = x
		return true, next
	},
	Equal: func(a, b any) bool { return maps.Equal(a.(counterState), b.(counterState)) },
}

// TestLinearCounters: what eight are told who reserve, confirm and release the same
// few ids of one scarce counter at once is what they would be told one after the other.
// Target O5.
func TestLinearCounters(t *testing.T) {
	const clients, calls = 8, 6
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	onEach(t, func(t *testing.T, d database) {
		store := d.store()
		for round := range rounds {
			k := crm.CounterKey{Kind: "budget", ID: fmt.Sprint(round)}
			take := func(id string, amount int64) crm.Take {
				return crm.Take{ReservationKey: crm.ReservationKey{Counter: k, ID: id}, Amount: amount}
			}
			svc := crm.New(store, crm.Config{})
			require.NoError(t, svc.SetLimit(t.Context(), k, counterLimit))
			var h history
			atOnce(t, clients, func(i int) error {
				r := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for range calls {
					in := counterInput{[]string{"reserve", "reserve", "reserve", "confirm", "release", "read"}[r.IntN(6)], fmt.Sprint(r.IntN(4)), int64(1 + r.IntN(3))}
					err := h.call(i, in, func() (any, error) {
						var out counterOutput
						if in.verb == "read" {
							c, err := svc.Counter(t.Context(), k)
							if err == nil {
								out.reserved, out.used = c.Reserved, c.Used
							}
							return out, err
						}
						err := store.Update(t.Context(), func(tx crm.Tx) error {
							var states []crm.ReservationState
							var err error
							switch in.verb {
							case "reserve":
								states, err = tx.Reserve(t.Context(), take(in.id, in.amount))
							case "confirm":
								states, err = tx.Confirm(t.Context(), take(in.id, in.amount))
							default:
								states, err = tx.Release(t.Context(), take(in.id, 0).ReservationKey)
							}
							if err == nil {
								out.state = states[0]
							}
							return err
						})
						return out, err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
			requireLinear(t, counterModel, &h, "round %d", round)
		}
	})
}
