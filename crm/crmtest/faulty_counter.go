package crmtest

import (
	"context"

	"github.com/vefacrm/vefa/crm"
)

func (t *faultyTx) Counters(ctx context.Context, keys ...crm.CounterKey) (out []*crm.Counter, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Counters(ctx, keys...)
}

func (t *faultyTx) ScanCounters(ctx context.Context, parts crm.PartRange, after crm.CounterKey, limit int) (out []*crm.Counter, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanCounters(ctx, parts, after, limit)
}

func (t *faultyTx) Reservations(ctx context.Context, keys ...crm.ReservationKey) (out []*crm.Reservation, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Reservations(ctx, keys...)
}

func (t *faultyTx) ScanReservations(ctx context.Context, parts crm.PartRange, after crm.ReservationKey, limit int) (out []*crm.Reservation, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanReservations(ctx, parts, after, limit)
}

func (t *faultyTx) SetLimits(ctx context.Context, limits ...crm.Counter) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.SetLimits(ctx, limits...)
}

func (t *faultyTx) Reserve(ctx context.Context, takes ...crm.Take) (out []crm.ReservationState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Reserve(ctx, takes...)
}

func (t *faultyTx) Confirm(ctx context.Context, takes ...crm.Take) (out []crm.ReservationState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Confirm(ctx, takes...)
}

func (t *faultyTx) Release(ctx context.Context, keys ...crm.ReservationKey) (out []crm.ReservationState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Release(ctx, keys...)
}

func (t *faultyTx) DeleteReservations(ctx context.Context, keys ...crm.ReservationKey) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.DeleteReservations(ctx, keys...)
}

func (t *faultyTx) States(ctx context.Context, keys ...crm.StateKey) (out []*crm.State, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.States(ctx, keys...)
}

func (t *faultyTx) ScanStates(ctx context.Context, parts crm.PartRange, kind string, after crm.Subject, limit int) (out []*crm.State, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanStates(ctx, parts, kind, after, limit)
}

func (t *faultyTx) PutStates(ctx context.Context, states ...*crm.State) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.PutStates(ctx, states...)
}

func (t *faultyTx) DeleteStates(ctx context.Context, keys ...crm.StateKey) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.DeleteStates(ctx, keys...)
}
