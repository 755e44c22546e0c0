package crm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// A worker books effects in another system. The first answer is lost; because the
// system recognises ids, the effect is handed over again under its own when the lease
// of five minutes has ended.
func ExampleWorker() {
	ctx, now := context.Background(), time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	store := memstore.NewAt(func() time.Time { return now })
	on := crm.OfProfile(crm.ProfileKey{Source: "till", ID: "1"})
	id := crmtest.IDs().ID("loyalty/bonus", on, crm.FactKey{}, "2025-03") // yours: crm.NewEffectIDs
	err := store.Update(ctx, func(tx crm.Tx) error {
		_, err := tx.PutEffects(ctx, &crm.Effect{ID: id, Kind: "erp", Cause: "loyalty/bonus", Subject: on, Occurrence: "2025-03",
			Due: now, State: crm.Planned, Created: now, Changed: now})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := 0
	book := func(_ context.Context, c *crm.Claim) (crm.Receipt, error) {
		if calls++; calls == 1 {
			return crm.Receipt{}, errors.New("connection lost")
		}
		return crm.Receipt{Status: crm.Accepted, Provider: "B-1"}, nil
	}
	w := crm.Worker{Store: store, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
		Handlers: []crm.EffectHandler{{Kind: "erp", Do: crm.Each(book), Idempotent: true}}}
	for range 2 {
		did, err := w.Drain(ctx)
		fmt.Println("done:", did.Done, "unknown:", did.Unknown, err)
		now = now.Add(10 * time.Minute)
	}
	// Its report names the system's own id.
	err = store.View(ctx, func(r crm.Reader) error {
		all, err := r.Effects(ctx, id)
		fmt.Println(all[0].State, all[0].Provider, calls)
		return err
	})
	fmt.Println(err)
	// Output:
	// done: 0 unknown: 1 <nil>
	// done: 1 unknown: 0 <nil>
	// done B-1 2
	// <nil>
}
