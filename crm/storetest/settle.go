package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// testSettlements lists effects of unknown fate and settles them by several people at
// once: of those who settle one, one does.
func testSettlements(e *env) {
	const n = 1100 // more than a page
	now := start.Add(time.Hour)
	svc := crm.New(e.store, crm.Config{Now: func() time.Time { return now }})
	all := make([]*crm.Effect, n)
	for i := range all {
		all[i] = effect(i, "settle")
		all[i].Kind, all[i].State, all[i].SentAt, all[i].Lease = "parcel", crm.Unknown, start, start.Add(time.Duration(i%7)*time.Hour)
	}
	all[0].State, all[0].SentAt, all[0].Lease = crm.Planned, time.Time{}, time.Time{}
	all[1].Kind = "letter"
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutEffects(e.ctx, all...)
		return err
	})
	list := func(kinds ...crm.EffectKind) (ids []crm.EffectID) {
		seen := map[crm.EffectID]bool{}
		for f, err := range svc.UnknownEffects(e.ctx, kinds...) {
			require.NoError(e, err)
			require.Equal(e, crm.Unknown, f.State)
			require.False(e, seen[f.ID], "listed twice")
			seen[f.ID] = true
			ids = append(ids, f.ID)
		}
		return ids
	}
	require.Len(e, list(), n-1)
	require.Equal(e, []crm.EffectID{all[1].ID}, list("letter"))
	parcels := list("parcel")
	require.Len(e, parcels, n-2)

	settled := map[crm.EffectID]*atomic.Int64{}
	for _, id := range parcels[:100] {
		settled[id] = &atomic.Int64{}
	}
	states := []crm.EffectState{crm.Done, crm.Failed, crm.Planned}
	require.NoError(e, parallel(4, func(w int) error {
		for i, id := range parcels[:100] {
			x := crm.Settlement{State: states[i%3], Actor: fmt.Sprint("staff/", w), Note: "asked the carrier", Provider: fmt.Sprint("c-", i)}
			f, err := svc.SettleEffect(e.ctx, id, x)
			switch {
			case errors.Is(err, crm.ErrStale):
				continue
			case err != nil:
				return err
			case f.State != x.State:
				return fmt.Errorf("%s is %s", id, f.State)
			}
			settled[id].Add(1)
		}
		return nil
	}))
	for id, times := range settled {
		require.EqualValues(e, 1, times.Load(), id)
	}
	require.Len(e, list("parcel"), n-102)
	e.view(func(r crm.Reader) error {
		found, err := r.Effects(e.ctx, parcels[:3]...)
		if err != nil {
			return err
		}
		for i, f := range found {
			require.Equal(e, states[i], f.State)
			require.True(e, f.Lease.IsZero())
			require.True(e, f.Changed.Equal(now))
			last := f.Reasons[len(f.Reasons)-1]
			require.Equal(e, crm.GuardDesk, last.Guard)
			require.Equal(e, states[i] == crm.Done, last.Pass)
			require.Regexp(e, `^staff/\d: asked the carrier$`, last.Note)
			require.Equal(e, f.State == crm.Planned, f.SentAt.IsZero())
		}
		return nil
	})
	require.Len(e, e.refs(crm.RefProvider, 10, (&crm.Effect{Kind: "parcel", Provider: "c-0"}).ProviderRefs()[0].Key)[0], 1)

	for range 2 { // the answer to the first call was lost
		f, err := svc.SettleEffect(e.ctx, parcels[200], crm.Settlement{State: crm.Failed, Actor: "a", Note: "lost"})
		require.NoError(e, err)
		require.Equal(e, crm.Failed, f.State)
		require.Equal(e, crm.Reason{Guard: crm.GuardDesk, Note: "a: lost"}, f.Reasons[len(f.Reasons)-1])
		require.Len(e, f.Reasons, len(all[0].Reasons)+1)
	}

	_, err := svc.SettleEffect(e.ctx, all[0].ID, crm.Settlement{State: crm.Done, Actor: "a"})
	require.ErrorIs(e, err, crm.ErrStale, "it waits")
	_, err = svc.SettleEffect(e.ctx, effect(n+5, "settle").ID, crm.Settlement{State: crm.Done, Actor: "a"})
	require.ErrorIs(e, err, crm.ErrNotFound)
	_, err = svc.SettleEffect(e.ctx, all[1].ID, crm.Settlement{State: crm.Withheld})
	require.ErrorIs(e, err, crm.ErrInvalid)
	require.ErrorContains(e, err, "actor")
	require.ErrorContains(e, err, "state")
}
