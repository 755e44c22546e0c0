package crmtest

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// faultyReader hides what a view cannot do.
type faultyReader struct{ crm.Reader }

// faultyTx is a transaction whose calls meet the store's fault.
type faultyTx struct {
	in    crm.Tx
	store *Faulty
}

// asked returns what a call within the transaction returns, or the fault that it meets
// before it is made.
func asked[V any](t *faultyTx, call func() (V, error)) (V, error) {
	if err := t.store.meet(); err != nil {
		var none V
		return none, err
	}
	return call()
}

// told is asked for a call that returns no more than an error.
func told(t *faultyTx, call func() error) error {
	_, err := asked(t, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (t *faultyTx) Kinds() *crm.Kinds { return t.in.Kinds() }

func (t *faultyTx) Now(ctx context.Context) (time.Time, error) {
	return asked(t, func() (time.Time, error) { return t.in.Now(ctx) })
}

func (t *faultyTx) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	return asked(t, func() ([]*crm.Profile, error) { return t.in.Profiles(ctx, keys...) })
}

func (t *faultyTx) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	return asked(t, func() ([]*crm.Profile, error) { return t.in.ScanProfiles(ctx, parts, after, limit) })
}

func (t *faultyTx) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	return asked(t, func() ([][]crm.ProfileKey, error) { return t.in.Members(ctx, ids...) })
}

func (t *faultyTx) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	return asked(t, func() ([]crm.CustomerID, error) { return t.in.CustomersOf(ctx, keys...) })
}

func (t *faultyTx) FactKinds(ctx context.Context) ([]crm.FactKind, error) {
	return asked(t, func() ([]crm.FactKind, error) { return t.in.FactKinds(ctx) })
}

func (t *faultyTx) Anchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	return asked(t, func() ([]crm.Subject, error) { return t.in.Anchors(ctx, keys...) })
}

func (t *faultyTx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	return asked(t, func() ([]crm.Subject, error) { return t.in.LockAnchors(ctx, keys...) })
}

func (t *faultyTx) PutAnchors(ctx context.Context, anchors ...crm.FactRef) error {
	return told(t, func() error { return t.in.PutAnchors(ctx, anchors...) })
}

func (t *faultyTx) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	return asked(t, func() ([]crm.ProfileKey, error) { return t.in.Homes(ctx, ids...) })
}

func (t *faultyTx) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	return asked(t, func() ([]crm.CustomerID, error) { return t.in.HomeIDs(ctx, keys...) })
}

func (t *faultyTx) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	return asked(t, func() ([][]crm.Link, error) { return t.in.Links(ctx, keys...) })
}

func (t *faultyTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	return told(t, func() error { return t.in.LockCustomers(ctx, ids...) })
}

func (t *faultyTx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	return told(t, func() error { return t.in.PutProfiles(ctx, profiles...) })
}

func (t *faultyTx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	return told(t, func() error { return t.in.AppendLinks(ctx, links...) })
}

func (t *faultyTx) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	return asked(t, func() ([]*crm.Fact, error) { return t.in.Facts(ctx, refs...) })
}

func (t *faultyTx) FactsOf(ctx context.Context, q crm.FactQuery) ([]*crm.Fact, error) {
	return asked(t, func() ([]*crm.Fact, error) { return t.in.FactsOf(ctx, q) })
}

func (t *faultyTx) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) ([]*crm.Fact, error) {
	return asked(t, func() ([]*crm.Fact, error) { return t.in.ScanFacts(ctx, parts, kind, after, limit) })
}

func (t *faultyTx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return asked(t, func() ([]crm.Put, error) { return t.in.PutFacts(ctx, facts...) })
}

func (t *faultyTx) PutNewest(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	return asked(t, func() ([]crm.Put, error) { return t.in.PutNewest(ctx, facts...) })
}

func (t *faultyTx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	return told(t, func() error { return t.in.DeleteFacts(ctx, refs...) })
}

func (t *faultyTx) Addresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	return asked(t, func() ([]*crm.AddressState, error) { return t.in.Addresses(ctx, addrs...) })
}

func (t *faultyTx) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) ([]*crm.AddressState, error) {
	return asked(t, func() ([]*crm.AddressState, error) { return t.in.ScanAddresses(ctx, parts, after, limit) })
}

func (t *faultyTx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	return asked(t, func() ([]*crm.AddressState, error) { return t.in.LockAddresses(ctx, addrs...) })
}

func (t *faultyTx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	return told(t, func() error { return t.in.PutAddresses(ctx, states...) })
}

func (t *faultyTx) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	return asked(t, func() ([][]crm.Ref, error) { return t.in.Refs(ctx, kind, limit, keys...) })
}

func (t *faultyTx) ScanRefs(ctx context.Context, q crm.RefQuery) ([]crm.Ref, error) {
	return asked(t, func() ([]crm.Ref, error) { return t.in.ScanRefs(ctx, q) })
}

func (t *faultyTx) PutRefs(ctx context.Context, refs ...crm.Ref) error {
	return told(t, func() error { return t.in.PutRefs(ctx, refs...) })
}

func (t *faultyTx) DeleteRefs(ctx context.Context, refs ...crm.Ref) error {
	return told(t, func() error { return t.in.DeleteRefs(ctx, refs...) })
}

func (t *faultyTx) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	return asked(t, func() ([]*crm.Effect, error) { return t.in.Effects(ctx, ids...) })
}

func (t *faultyTx) EffectsOf(ctx context.Context, subjects ...crm.Subject) ([]*crm.Effect, error) {
	return asked(t, func() ([]*crm.Effect, error) { return t.in.EffectsOf(ctx, subjects...) })
}

func (t *faultyTx) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	return asked(t, func() ([]*crm.Effect, error) { return t.in.DueEffects(ctx, q) })
}

func (t *faultyTx) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) ([]*crm.Effect, error) {
	return asked(t, func() ([]*crm.Effect, error) { return t.in.ScanEffects(ctx, parts, after, limit) })
}

func (t *faultyTx) PutEffects(ctx context.Context, effects ...*crm.Effect) ([]bool, error) {
	return asked(t, func() ([]bool, error) { return t.in.PutEffects(ctx, effects...) })
}

func (t *faultyTx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	return told(t, func() error { return t.in.UpdateEffects(ctx, effects...) })
}

func (t *faultyTx) Head(ctx context.Context) (crm.Position, error) {
	return asked(t, func() (crm.Position, error) { return t.in.Head(ctx) })
}

func (t *faultyTx) Cursor(ctx context.Context, consumer string) (crm.Position, error) {
	return asked(t, func() (crm.Position, error) { return t.in.Cursor(ctx, consumer) })
}

func (t *faultyTx) SetCursor(ctx context.Context, consumer string, to crm.Position) error {
	return told(t, func() error { return t.in.SetCursor(ctx, consumer, to) })
}

func (t *faultyTx) Documents(ctx context.Context, kind string, ids ...string) ([]*crm.Document, error) {
	return asked(t, func() ([]*crm.Document, error) { return t.in.Documents(ctx, kind, ids...) })
}

func (t *faultyTx) ScanDocuments(ctx context.Context, kind, after string, limit int) ([]*crm.Document, error) {
	return asked(t, func() ([]*crm.Document, error) { return t.in.ScanDocuments(ctx, kind, after, limit) })
}

func (t *faultyTx) PutDocuments(ctx context.Context, docs ...*crm.Document) error {
	return told(t, func() error { return t.in.PutDocuments(ctx, docs...) })
}

func (t *faultyTx) Cursors(ctx context.Context) ([]crm.Cursor, error) {
	return asked(t, func() ([]crm.Cursor, error) { return t.in.Cursors(ctx) })
}

func (t *faultyTx) DropCursors(ctx context.Context, consumers ...string) error {
	return told(t, func() error { return t.in.DropCursors(ctx, consumers...) })
}

func (t *faultyTx) PruneChanges(ctx context.Context, upTo crm.Position, before time.Time, limit int) (int, error) {
	return asked(t, func() (int, error) { return t.in.PruneChanges(ctx, upTo, before, limit) })
}

func (t *faultyTx) DeleteDocuments(ctx context.Context, kind string, ids ...string) error {
	return told(t, func() error { return t.in.DeleteDocuments(ctx, kind, ids...) })
}

func (t *faultyTx) Counters(ctx context.Context, keys ...crm.CounterKey) ([]*crm.Counter, error) {
	return asked(t, func() ([]*crm.Counter, error) { return t.in.Counters(ctx, keys...) })
}

func (t *faultyTx) ScanCounters(ctx context.Context, parts crm.PartRange, after crm.CounterKey, limit int) ([]*crm.Counter, error) {
	return asked(t, func() ([]*crm.Counter, error) { return t.in.ScanCounters(ctx, parts, after, limit) })
}

func (t *faultyTx) Reservations(ctx context.Context, keys ...crm.ReservationKey) ([]*crm.Reservation, error) {
	return asked(t, func() ([]*crm.Reservation, error) { return t.in.Reservations(ctx, keys...) })
}

func (t *faultyTx) ScanReservations(ctx context.Context, parts crm.PartRange, after crm.ReservationKey, limit int) ([]*crm.Reservation, error) {
	return asked(t, func() ([]*crm.Reservation, error) { return t.in.ScanReservations(ctx, parts, after, limit) })
}

func (t *faultyTx) SetLimits(ctx context.Context, limits ...crm.Counter) error {
	return told(t, func() error { return t.in.SetLimits(ctx, limits...) })
}

func (t *faultyTx) Reserve(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	return asked(t, func() ([]crm.ReservationState, error) { return t.in.Reserve(ctx, takes...) })
}

func (t *faultyTx) Confirm(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	return asked(t, func() ([]crm.ReservationState, error) { return t.in.Confirm(ctx, takes...) })
}

func (t *faultyTx) Release(ctx context.Context, keys ...crm.ReservationKey) ([]crm.ReservationState, error) {
	return asked(t, func() ([]crm.ReservationState, error) { return t.in.Release(ctx, keys...) })
}

func (t *faultyTx) DeleteReservations(ctx context.Context, keys ...crm.ReservationKey) error {
	return told(t, func() error { return t.in.DeleteReservations(ctx, keys...) })
}

func (t *faultyTx) DeleteCounters(ctx context.Context, keys ...crm.CounterKey) error {
	return told(t, func() error { return t.in.DeleteCounters(ctx, keys...) })
}

func (t *faultyTx) States(ctx context.Context, keys ...crm.StateKey) ([]*crm.State, error) {
	return asked(t, func() ([]*crm.State, error) { return t.in.States(ctx, keys...) })
}

func (t *faultyTx) ScanStates(ctx context.Context, parts crm.PartRange, kind string, after crm.Subject, limit int) ([]*crm.State, error) {
	return asked(t, func() ([]*crm.State, error) { return t.in.ScanStates(ctx, parts, kind, after, limit) })
}

func (t *faultyTx) PutStates(ctx context.Context, states ...*crm.State) error {
	return told(t, func() error { return t.in.PutStates(ctx, states...) })
}

func (t *faultyTx) DeleteStates(ctx context.Context, keys ...crm.StateKey) error {
	return told(t, func() error { return t.in.DeleteStates(ctx, keys...) })
}

func (t *faultyTx) Changes(ctx context.Context, after crm.Position, limit int) (out []crm.Change, next crm.Position, err error) {
	if err = t.store.meet(); err != nil {
		return out, next, err
	}
	return t.in.Changes(ctx, after, limit)
}
