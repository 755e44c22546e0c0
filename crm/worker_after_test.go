package crm_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestWorkerPutsOff: whatever a handler says about when to try again, an effect that was
// not taken is not due again at the same instant, or Drain would never end.
func TestWorkerPutsOff(t *testing.T) {
	for _, after := range []time.Duration{-time.Hour, -1, 0, 1, time.Microsecond - 1, time.Hour} {
		for _, apply := range []bool{true, false} {
			t.Run(fmt.Sprint(after, " apply ", apply), func(t *testing.T) {
				now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
				store := memstore.NewAt(func() time.Time { return now })
				id := planErp(t, store, now)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				calls := 0
				answer := func(claims []*crm.Claim) ([]crm.Receipt, error) {
					if calls++; calls > 20 {
						cancel() // it would go on for ever
					}
					return []crm.Receipt{{ID: claims[0].Effect.ID, Status: crm.Throttled, After: after}}, nil
				}
				h := crm.EffectHandler{Kind: "erp", MaxAttempts: -1, Backoff: func(int) time.Duration { return 0 }}
				if apply {
					h.Apply = func(_ context.Context, _ crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) { return answer(claims) }
				} else {
					h.Do = func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) { return answer(claims) }
				}
				w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Handlers: []crm.EffectHandler{h}}
				_, err := w.Drain(ctx)
				require.NoError(t, err)
				require.Equal(t, 1, calls)
				require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
					found, err := r.Effects(t.Context(), id)
					require.Equal(t, crm.Planned, found[0].State)
					require.Equal(t, 1, found[0].Attempts)
					require.True(t, found[0].Due.After(now))
					return err
				}))
			})
		}
	}
}

// TestWorkerCheckPutsOff: so is one that Check puts off by less than the record can tell.
func TestWorkerCheckPutsOff(t *testing.T) {
	now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	store := memstore.NewAt(func() time.Time { return now })
	on := crm.OfProfile(crm.ProfileKey{Source: "till", ID: "1"})
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: crmtest.IDs().ID("own", on, crm.FactKey{}, ""), Kind: "erp", Cause: "own", Subject: on,
			Due: now, State: crm.Planned, Created: now, Changed: now})
		return err
	}))
	calls := 0
	w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Handlers: []crm.EffectHandler{{Kind: "erp",
		Apply: func(context.Context, crm.Tx, []*crm.Claim) ([]crm.Receipt, error) { return nil, nil },
		Check: func(ctx context.Context, _ crm.Tx, claims []*crm.Claim) error {
			if calls++; calls > 20 {
				return fmt.Errorf("it would go on for ever")
			}
			claims[0].Decision = crm.Decision{State: crm.Planned, NotBefore: now.Add(time.Nanosecond)}
			return nil
		}}}}
	_, err := w.Drain(t.Context())
	require.ErrorContains(t, err, "which is not after now")
	require.Equal(t, 1, calls)
}

// TestWorkerMiscounted: a handler that answers more or fewer effects than it was given, or
// others, has not said what became of any: within the record nothing of it stays, and each
// is tried alone; of what left nothing is known.
func TestWorkerMiscounted(t *testing.T) {
	now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	ok := func(c *crm.Claim) crm.Receipt { return crm.Receipt{ID: c.Effect.ID, Status: crm.Accepted} }
	for name, answer := range map[string]func(claims []*crm.Claim) []crm.Receipt{
		"none":  func([]*crm.Claim) []crm.Receipt { return []crm.Receipt{} },
		"fewer": func(claims []*crm.Claim) []crm.Receipt { return []crm.Receipt{ok(claims[0])} },
		"more": func(claims []*crm.Claim) []crm.Receipt {
			return []crm.Receipt{ok(claims[0]), ok(claims[1]), ok(claims[0])}
		},
		"swapped": func(claims []*crm.Claim) []crm.Receipt { return []crm.Receipt{ok(claims[1]), ok(claims[0])} },
	} {
		for _, apply := range []bool{true, false} {
			if apply && name == "swapped" {
				continue // its receipts go by their order
			}
			t.Run(fmt.Sprint(name, " apply ", apply), func(t *testing.T) {
				store := memstore.NewAt(func() time.Time { return now })
				var ids []crm.EffectID
				require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
					for i := range 2 {
						on := crm.OfProfile(crm.ProfileKey{Source: "till", ID: fmt.Sprint(i)})
						ids = append(ids, crmtest.IDs().ID("own", on, crm.FactKey{}, ""))
						if _, err := tx.PutEffects(t.Context(), &crm.Effect{ID: ids[i], Kind: "erp", Cause: "own", Subject: on, Due: now, State: crm.Planned, Created: now, Changed: now}); err != nil {
							return err
						}
					}
					return nil
				}))
				var calls []int
				h := crm.EffectHandler{Kind: "erp"}
				if apply {
					h.Apply = func(_ context.Context, _ crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
						if calls = append(calls, len(claims)); len(claims) == 1 {
							return nil, nil
						}
						return answer(claims), nil
					}
				} else {
					h.Do = func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
						calls = append(calls, len(claims))
						return answer(claims), nil
					}
					h.Pace = new(crm.Pace)
				}
				w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Handlers: []crm.EffectHandler{h}}
				_, err := w.Drain(t.Context())
				require.NoError(t, err)
				want := crm.Unknown
				if apply {
					want = crm.Done
					require.Equal(t, []int{2, 1, 1}, calls)
				} else {
					require.Equal(t, []int{2}, calls)
				}
				require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
					found, err := r.Effects(t.Context(), ids...)
					for _, f := range found {
						require.Equal(t, want, f.State)
					}
					return err
				}))
			})
		}
	}
}

// TestWorkerDoubts: an effect whose first answer was lost may have arrived. That the other
// side is busy when it is handed over again says nothing of the first time: its fate stays
// unknown, nothing is planned anew, and no attempt is used up.
func TestWorkerDoubts(t *testing.T) {
	now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	store := memstore.NewAt(func() time.Time { return now })
	id := planErp(t, store, now)
	calls := 0
	do := func(context.Context, *crm.Claim) (crm.Receipt, error) {
		switch calls++; calls {
		case 1:
			return crm.Receipt{}, fmt.Errorf("connection lost")
		case 2:
			return crm.Receipt{Status: crm.Throttled, Reason: "busy"}, nil
		}
		return crm.Receipt{Status: crm.Accepted}, nil
	}
	w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
		Handlers: []crm.EffectHandler{{Kind: "erp", Do: crm.Each(do), Idempotent: true, MaxAttempts: 1}}}
	for n, want := range []crm.EffectState{crm.Unknown, crm.Unknown, crm.Done} {
		_, err := w.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, n+1, calls)
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			found, err := r.Effects(t.Context(), id)
			require.Equal(t, want, found[0].State)
			require.Zero(t, found[0].Attempts)
			require.False(t, found[0].SentAt.IsZero())
			return err
		}))
		now = now.Add(25 * time.Hour)
	}
}

// TestWorkerStopsInDoubt: so it stays where the host stops before it is handed over again:
// were it planned anew, a Check could say of what has arrived that it never left.
func TestWorkerStopsInDoubt(t *testing.T) {
	now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	store := memstore.NewAt(func() time.Time { return now })
	id := planErp(t, store, now)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Handlers: []crm.EffectHandler{{Kind: "erp", Idempotent: true,
		Do: crm.Each(func(context.Context, *crm.Claim) (crm.Receipt, error) {
			calls++
			return crm.Receipt{}, fmt.Errorf("connection lost")
		}),
		Ask: func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
			cancel()
			return []crm.Receipt{{ID: claims[0].Effect.ID, Status: crm.Uncertain, Reason: "it cannot say"}}, nil
		}}}}
	_, err := w.Drain(ctx)
	require.NoError(t, err)
	now = now.Add(time.Hour)
	_, err = w.Drain(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, calls)
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		found, err := r.Effects(t.Context(), id)
		require.Equal(t, crm.Unknown, found[0].State)
		require.False(t, found[0].SentAt.IsZero())
		return err
	}))
}

// planErp puts an effect of kind erp that is due now into a store.
func planErp(t *testing.T, store crm.Store, now time.Time) crm.EffectID {
	t.Helper()
	on := crm.OfProfile(crm.ProfileKey{Source: "till", ID: "1"})
	id := crmtest.IDs().ID("own", on, crm.FactKey{}, "")
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: id, Kind: "erp", Cause: "own", Subject: on, Due: now, State: crm.Planned, Created: now, Changed: now})
		return err
	}))
	return id
}

// TestWorkerRecall: what is recalled after it was claimed is due again as it was, and the
// others go; where it cannot be told, nothing leaves and the run ends with the error.
func TestWorkerRecall(t *testing.T) {
	now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		recall func(n int) ([]bool, error)
		calls  int
		fails  string
		state  crm.EffectState
	}{
		"nothing":      {func(int) ([]bool, error) { return nil, nil }, 1, "", crm.Done},
		"once":         {func(n int) ([]bool, error) { return []bool{n == 1}, nil }, 1, "", crm.Done},
		"an error":     {func(int) ([]bool, error) { return nil, crm.ErrBusy }, 0, crm.ErrBusy.Error(), crm.Sent},
		"a panic":      {func(int) ([]bool, error) { panic("recall") }, 0, "recall", crm.Sent},
		"wrong answer": {func(int) ([]bool, error) { return []bool{true, true}, nil }, 0, "2 of 1", crm.Sent},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.NewAt(func() time.Time { return now })
			id := planErp(t, store, now)
			asked, calls := 0, 0
			w := crm.Worker{Store: store, Now: func() time.Time { return now }, Handlers: []crm.EffectHandler{{Kind: "erp",
				Recall: func(context.Context, crm.Reader, []*crm.Claim) ([]bool, error) { asked++; return c.recall(asked) },
				Do: func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
					calls++
					return []crm.Receipt{{ID: claims[0].Effect.ID, Status: crm.Accepted}}, nil
				}}}}
			_, err := w.Drain(t.Context())
			if c.fails == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.fails)
			}
			require.Equal(t, c.calls, calls)
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				found, err := r.Effects(t.Context(), id)
				require.Equal(t, c.state, found[0].State)
				return err
			}))
		})
	}
}
