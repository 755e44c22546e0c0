package crm

import (
	"context"
	"time"
)

// Unimplemented returns a Tx that reads from r and answers ErrUnimplemented to every
// write; with a nil r it answers that to everything. A store outside this library embeds
// it in its transactions, so that a method added to Tx does not break its build.
func Unimplemented(r Reader) Tx {
	if r == nil {
		r = unread{}
	}
	return unwritten{r}
}

// unread is the Reader of a store that reads nothing.
type unread struct{}

// unwritten makes a Tx of a Reader.
type unwritten struct{ Reader }

func (unread) Profiles(context.Context, ...ProfileKey) ([]*Profile, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanProfiles(context.Context, PartRange, ProfileKey, int) ([]*Profile, error) {
	return nil, ErrUnimplemented
}
func (unread) Members(context.Context, ...CustomerID) ([][]ProfileKey, error) {
	return nil, ErrUnimplemented
}
func (unread) CustomersOf(context.Context, ...ProfileKey) ([]CustomerID, error) {
	return nil, ErrUnimplemented
}
func (unread) Anchors(context.Context, ...FactKey) ([]Subject, error) { return nil, ErrUnimplemented }
func (unread) Homes(context.Context, ...CustomerID) ([]ProfileKey, error) {
	return nil, ErrUnimplemented
}
func (unread) HomeIDs(context.Context, ...ProfileKey) ([]CustomerID, error) {
	return nil, ErrUnimplemented
}
func (unread) Links(context.Context, ...ProfileKey) ([][]Link, error) { return nil, ErrUnimplemented }
func (unread) Facts(context.Context, ...FactRef) ([]*Fact, error)     { return nil, ErrUnimplemented }
func (unread) FactsOf(context.Context, FactQuery) ([]*Fact, error)    { return nil, ErrUnimplemented }
func (unread) ScanFacts(context.Context, PartRange, FactKind, FactRef, int) ([]*Fact, error) {
	return nil, ErrUnimplemented
}
func (unread) FactKinds(context.Context) ([]FactKind, error) { return nil, ErrUnimplemented }

// Kinds returns BuiltIn.
func (unread) Kinds() *Kinds { return BuiltIn() }
func (unread) Addresses(context.Context, ...Address) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanAddresses(context.Context, PartRange, Address, int) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (unread) Refs(context.Context, RefKind, int, ...string) ([][]Ref, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanRefs(context.Context, RefQuery) ([]Ref, error)        { return nil, ErrUnimplemented }
func (unread) Effects(context.Context, ...EffectID) ([]*Effect, error)  { return nil, ErrUnimplemented }
func (unread) EffectsOf(context.Context, ...Subject) ([]*Effect, error) { return nil, ErrUnimplemented }
func (unread) DueEffects(context.Context, DueQuery) ([]*Effect, error)  { return nil, ErrUnimplemented }
func (unread) ScanEffects(context.Context, PartRange, EffectID, int) ([]*Effect, error) {
	return nil, ErrUnimplemented
}
func (unread) Now(context.Context) (time.Time, error) { return time.Time{}, ErrUnimplemented }
func (unread) Changes(context.Context, Position, int) ([]Change, Position, error) {
	return nil, "", ErrUnimplemented
}
func (unread) Head(context.Context) (Position, error) { return "", ErrUnimplemented }
func (unread) Documents(context.Context, string, ...string) ([]*Document, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanDocuments(context.Context, string, string, int) ([]*Document, error) {
	return nil, ErrUnimplemented
}
func (unread) Cursors(context.Context) ([]Cursor, error) { return nil, ErrUnimplemented }
func (unread) Counters(context.Context, ...CounterKey) ([]*Counter, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanCounters(context.Context, PartRange, CounterKey, int) ([]*Counter, error) {
	return nil, ErrUnimplemented
}
func (unread) Reservations(context.Context, ...ReservationKey) ([]*Reservation, error) {
	return nil, ErrUnimplemented
}
func (unread) ScanReservations(context.Context, PartRange, ReservationKey, int) ([]*Reservation, error) {
	return nil, ErrUnimplemented
}
func (unread) States(context.Context, ...StateKey) ([]*State, error) { return nil, ErrUnimplemented }
func (unread) ScanStates(context.Context, PartRange, string, Subject, int) ([]*State, error) {
	return nil, ErrUnimplemented
}

func (unwritten) LockAnchors(context.Context, ...FactKey) ([]Subject, error) {
	return nil, ErrUnimplemented
}
func (unwritten) PutAnchors(context.Context, ...FactRef) error       { return ErrUnimplemented }
func (unwritten) LockCustomers(context.Context, ...CustomerID) error { return ErrUnimplemented }
func (unwritten) PutProfiles(context.Context, ...*Profile) error     { return ErrUnimplemented }
func (unwritten) AppendLinks(context.Context, ...*Link) error        { return ErrUnimplemented }
func (unwritten) PutFacts(context.Context, ...*Fact) ([]Put, error)  { return nil, ErrUnimplemented }
func (unwritten) PutNewest(context.Context, ...*Fact) ([]Put, error) { return nil, ErrUnimplemented }
func (unwritten) DeleteFacts(context.Context, ...FactRef) error      { return ErrUnimplemented }
func (unwritten) LockAddresses(context.Context, ...Address) ([]*AddressState, error) {
	return nil, ErrUnimplemented
}
func (unwritten) PutAddresses(context.Context, ...*AddressState) error { return ErrUnimplemented }
func (unwritten) PutRefs(context.Context, ...Ref) error                { return ErrUnimplemented }
func (unwritten) DeleteRefs(context.Context, ...Ref) error             { return ErrUnimplemented }
func (unwritten) PutEffects(context.Context, ...*Effect) ([]bool, error) {
	return nil, ErrUnimplemented
}
func (unwritten) UpdateEffects(context.Context, ...*Effect) error          { return ErrUnimplemented }
func (unwritten) Cursor(context.Context, string) (Position, error)         { return "", ErrUnimplemented }
func (unwritten) SetCursor(context.Context, string, Position) error        { return ErrUnimplemented }
func (unwritten) PutDocuments(context.Context, ...*Document) error         { return ErrUnimplemented }
func (unwritten) DeleteDocuments(context.Context, string, ...string) error { return ErrUnimplemented }
func (unwritten) DropCursors(context.Context, ...string) error             { return ErrUnimplemented }
func (unwritten) PruneChanges(context.Context, Position, time.Time, int) (int, error) {
	return 0, ErrUnimplemented
}
func (unwritten) SetLimits(context.Context, ...Counter) error { return ErrUnimplemented }
func (unwritten) Reserve(context.Context, ...Take) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (unwritten) Confirm(context.Context, ...Take) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (unwritten) Release(context.Context, ...ReservationKey) ([]ReservationState, error) {
	return nil, ErrUnimplemented
}
func (unwritten) DeleteReservations(context.Context, ...ReservationKey) error {
	return ErrUnimplemented
}
func (unwritten) DeleteCounters(context.Context, ...CounterKey) error {
	return ErrUnimplemented
}
func (unwritten) PutStates(context.Context, ...*State) error      { return ErrUnimplemented }
func (unwritten) DeleteStates(context.Context, ...StateKey) error { return ErrUnimplemented }
