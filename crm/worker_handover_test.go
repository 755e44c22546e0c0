package crm_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// interrupted is a store that calls before in front of each Update, counted from 1.
type interrupted struct {
	crm.Store
	n      int
	before func(n int) error
}

func (s *interrupted) Update(ctx context.Context, fn func(crm.Tx) error) error {
	s.n++
	if err := s.before(s.n); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// TestWorkerHandsOver: where the other side can neither be asked nor recognises ids, a claim
// whose process ended before it was handed over is sent by the next process, and only a claim
// that was handed over is of unknown fate. A process that was slow and not dead finds that its
// claim was taken over and hands nothing over: the effect leaves once.
func TestWorkerHandsOver(t *testing.T) {
	killed := errors.New("killed")
	for _, c := range []struct {
		name  string
		at    int // the Update in front of which the first process ends or waits
		slow  bool
		state crm.EffectState
	}{
		{"killed before the hand-over is noted", 2, false, crm.Done},
		{"killed before the answer is recorded", 3, false, crm.Unknown},
		{"slow before the hand-over is noted", 2, true, crm.Done},
	} {
		t.Run(c.name, func(t *testing.T) {
			var past atomic.Int64
			start := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
			now := func() time.Time { return start.Add(time.Duration(past.Load())) }
			store := memstore.NewAt(now)
			id := planErp(t, store, start)
			calls := 0
			worker := func(on crm.Store) *crm.Worker {
				return &crm.Worker{Store: on, Now: now, Logger: slog.New(slog.DiscardHandler), Handlers: []crm.EffectHandler{{Kind: "erp",
					Do: crm.Each(func(context.Context, *crm.Claim) (crm.Receipt, error) {
						calls++
						return crm.Receipt{Status: crm.Accepted}, nil
					})}}}
			}
			next := func() {
				past.Add(int64(time.Hour)) // the lease is over
				_, err := worker(store).Resume(t.Context())
				require.NoError(t, err)
				_, err = worker(store).Drain(t.Context())
				require.NoError(t, err)
			}
			first := worker(&interrupted{Store: store, before: func(n int) error {
				switch {
				case n != c.at && (n < c.at || c.slow):
					return nil
				case c.slow:
					next()
					return nil
				}
				return killed
			}})
			_, err := first.Drain(t.Context())
			if c.slow {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, killed)
				next()
			}
			require.Equal(t, 1, calls)
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				found, err := r.Effects(t.Context(), id)
				require.Equal(t, c.state, found[0].State)
				return err
			}))
		})
	}
}
