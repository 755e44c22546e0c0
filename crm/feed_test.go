package crm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// lockedStore fails its updates as a store does that another process has locked.
type lockedStore struct {
	crm.Store
	locked func() bool
}

var errLocked = errors.New("database is locked")

func (s *lockedStore) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if s.locked() {
		return &crm.Error{Op: "update", Kind: crm.ErrBusy, Err: errLocked}
	}
	return s.Store.Update(ctx, fn)
}

// heldTx is a transaction whose cursor another worker holds.
type heldTx struct{ crm.Tx }

func (t heldTx) Cursor(context.Context, string) (crm.Position, error) {
	return "", &crm.Error{Op: "read", Entity: "cursor", Kind: crm.ErrBusy}
}

type heldStore struct{ crm.Store }

func (s heldStore) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(heldTx{tx}) })
}

// Case A10: a busy handler or a locked store is an error; only a cursor that
// another worker holds is nothing to do.
func TestFeedReportsWhatIsBusy(t *testing.T) {
	store := memstore.New()
	s := crm.New(store, crm.Config{Now: (&clock{t0}).now})
	require.NoError(t, s.PutProfile(t.Context(), person(pos("1"), "A", "B", t0)))
	busy := &crm.Error{Op: "reserve", Entity: "budget", Kind: crm.ErrBusy}
	feed := &crm.Feed{Store: store, Consumer: "x", Handler: func(context.Context, crm.Tx, []crm.Change) error { return busy }}
	_, err := feed.RunOnce(t.Context())
	require.ErrorIs(t, err, busy)

	feed.Store = &lockedStore{store, func() bool { return true }}
	_, err = feed.RunOnce(t.Context())
	require.ErrorIs(t, err, errLocked)

	feed.Store = heldStore{store}
	n, err := feed.RunOnce(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

// Case A10: Run waits longer each time, says so, and goes on when it can.
func TestFeedWaitsForABusyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		s := crm.New(store, crm.Config{})
		require.NoError(t, s.PutProfile(t.Context(), person(pos("1"), "A", "B", t0)))
		attempts := 0
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		feed := &crm.Feed{
			Store:    &lockedStore{store, func() bool { attempts++; return attempts <= 10 }},
			Consumer: "x", Logger: slog.New(slog.NewTextHandler(&out, nil)),
			Handler: func(context.Context, crm.Tx, []crm.Change) error { cancel(); return nil },
		}
		start := time.Now()
		require.NoError(t, feed.Run(ctx))
		require.Equal(t, 11, attempts)
		// 1, 2, 4, 8, 16, 32 seconds, then a minute each.
		require.Equal(t, 63*time.Second+4*time.Minute, time.Since(start))
		require.Equal(t, 10, strings.Count(out.String(), errLocked.Error()))
	})
}
