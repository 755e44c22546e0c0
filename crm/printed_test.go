package crm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestEachIsLogged: an error and a panic of what Each calls are logged, as those of a Do.
func TestEachIsLogged(t *testing.T) {
	for want, do := range map[string]func() error{
		"no such ledger": func() error { return errors.New("no such ledger") },
		"panic: nil map": func() error { panic("nil map") },
	} {
		now := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
		store := memstore.NewAt(func() time.Time { return now })
		on := crm.OfProfile(crm.ProfileKey{Source: "till", ID: "1"})
		id := crmtest.IDs().ID("own", on, crm.FactKey{}, "")
		require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
			_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: id, Kind: "erp", Cause: "own", Subject: on, Due: now, State: crm.Planned, Created: now, Changed: now})
			return err
		}))
		var log bytes.Buffer
		w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&log, nil)), Handlers: []crm.EffectHandler{{Kind: "erp", Idempotent: true,
			Do: crm.Each(func(context.Context, *crm.Claim) (crm.Receipt, error) { return crm.Receipt{}, do() })}}}
		_, err := w.Drain(t.Context())
		require.NoError(t, err)
		require.Contains(t, log.String(), "level=WARN")
		require.Contains(t, log.String(), want)
		require.Contains(t, log.String(), string(id))
	}
}

// TestPrinted: records print what they hold, and a profile nothing of its person.
func TestPrinted(t *testing.T) {
	key := crm.CounterKey{Kind: "voucher", ID: "spring"}
	require.Equal(t, "voucher/spring: limit 10, reserved 2, used 3", fmt.Sprint(crm.Counter{CounterKey: key, Limit: 10, Reserved: 2, Used: 3}))
	require.Equal(t, "voucher/spring/a: amount 1, for 1m0s, limit 5", fmt.Sprint(crm.Take{ReservationKey: crm.ReservationKey{Counter: key, ID: "a"}, Amount: 1, For: time.Minute, Limit: 5}))
	p := &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: "1"}, Name: crm.Name{Given: "Ada"}, SourceVersion: 4, Rev: 2}
	require.Equal(t, "profile till/1, source version 4, revision 2", fmt.Sprint(p))
}
