package crm

import (
	"context"
	"time"
)

// UnimplementedTx answers ErrUnimplemented to everything. Stores outside this
// library embed it, so that a method added to Tx does not break their build.
type UnimplementedTx struct{}

var _ Tx = UnimplementedTx{}

func (UnimplementedTx) Profiles(context.Context, ...ProfileKey) ([]*Profile, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanProfiles(context.Context, PartRange, ProfileKey, int) ([]*Profile, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Members(context.Context, ...CustomerID) ([][]ProfileKey, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) CustomersOf(context.Context, ...ProfileKey) ([]CustomerID, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Anchors(context.Context, ...FactKey) ([]Subject, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) LockAnchors(context.Context, ...FactKey) ([]Subject, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutAnchors(context.Context, ...FactRef) error { return ErrUnimplemented }
func (UnimplementedTx) Homes(context.Context, ...CustomerID) ([]ProfileKey, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) HomeIDs(context.Context, ...ProfileKey) ([]CustomerID, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Links(context.Context, ...ProfileKey) ([][]Link, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) LockCustomers(context.Context, ...CustomerID) error { return ErrUnimplemented }
func (UnimplementedTx) PutProfiles(context.Context, ...*Profile) error     { return ErrUnimplemented }
func (UnimplementedTx) AppendLinks(context.Context, ...*Link) error        { return ErrUnimplemented }
func (UnimplementedTx) Facts(context.Context, ...FactRef) ([]*Fact, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) FactsOf(context.Context, FactQuery) ([]*Fact, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanFacts(context.Context, PartRange, FactKind, FactRef, int) ([]*Fact, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) FactKinds(context.Context) ([]FactKind, error) { return nil, ErrUnimplemented }

// Kinds returns BuiltIn.
func (UnimplementedTx) Kinds() *Kinds { return BuiltIn() }
func (UnimplementedTx) PutFacts(context.Context, ...*Fact) ([]Put, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutNewest(context.Context, ...*Fact) ([]Put, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) DeleteFacts(context.Context, ...FactRef) error { return ErrUnimplemented }
func (UnimplementedTx) Addresses(context.Context, ...Address) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanAddresses(context.Context, PartRange, Address, int) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) LockAddresses(context.Context, ...Address) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutAddresses(context.Context, ...*AddressState) error { return ErrUnimplemented }
func (UnimplementedTx) Refs(context.Context, RefKind, int, ...string) ([][]Ref, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanRefs(context.Context, RefQuery) ([]Ref, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutRefs(context.Context, ...Ref) error    { return ErrUnimplemented }
func (UnimplementedTx) DeleteRefs(context.Context, ...Ref) error { return ErrUnimplemented }
func (UnimplementedTx) Effects(context.Context, ...EffectID) ([]*Effect, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) EffectsOf(context.Context, ...Subject) ([]*Effect, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) DueEffects(context.Context, DueQuery) ([]*Effect, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanEffects(context.Context, PartRange, EffectID, int) ([]*Effect, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutEffects(context.Context, ...*Effect) ([]bool, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) UpdateEffects(context.Context, ...*Effect) error { return ErrUnimplemented }
func (UnimplementedTx) Now(context.Context) (time.Time, error)          { return time.Time{}, ErrUnimplemented }
func (UnimplementedTx) Changes(context.Context, Position, int) ([]Change, Position, error) {
	return nil, "", ErrUnimplemented
}
func (UnimplementedTx) Head(context.Context) (Position, error) { return "", ErrUnimplemented }
func (UnimplementedTx) Cursor(context.Context, string) (Position, error) {
	return "", ErrUnimplemented
}
func (UnimplementedTx) SetCursor(context.Context, string, Position) error { return ErrUnimplemented }
func (UnimplementedTx) Documents(context.Context, string, ...string) ([]*Document, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanDocuments(context.Context, string, string, int) ([]*Document, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutDocuments(context.Context, ...*Document) error { return ErrUnimplemented }
func (UnimplementedTx) DeleteDocuments(context.Context, string, ...string) error {
	return ErrUnimplemented
}
func (UnimplementedTx) Cursors(context.Context) ([]Cursor, error)    { return nil, ErrUnimplemented }
func (UnimplementedTx) DropCursors(context.Context, ...string) error { return ErrUnimplemented }
func (UnimplementedTx) PruneChanges(context.Context, Position, time.Time, int) (int, error) {
	return 0, ErrUnimplemented
}
func (UnimplementedTx) Counters(context.Context, ...CounterKey) ([]*Counter, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanCounters(context.Context, PartRange, CounterKey, int) ([]*Counter, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Reservations(context.Context, ...ReservationKey) ([]*Reservation, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanReservations(context.Context, PartRange, ReservationKey, int) ([]*Reservation, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) SetLimits(context.Context, ...Counter) error { return ErrUnimplemented }
func (UnimplementedTx) Reserve(context.Context, ...Take) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Confirm(context.Context, ...Take) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) Release(context.Context, ...ReservationKey) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) DeleteReservations(context.Context, ...ReservationKey) error {
	return ErrUnimplemented
}
func (UnimplementedTx) States(context.Context, ...StateKey) ([]*State, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) ScanStates(context.Context, PartRange, string, Subject, int) ([]*State, error) {
	return nil, ErrUnimplemented
}
func (UnimplementedTx) PutStates(context.Context, ...*State) error      { return ErrUnimplemented }
func (UnimplementedTx) DeleteStates(context.Context, ...StateKey) error { return ErrUnimplemented }
