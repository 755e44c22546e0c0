package crm

import (
	"context"
	"time"
)

// Store keeps the record. crm/memstore and crm/sqlstore are the stores of this
// library; crm/storetest is the suite that every store passes.
//
// Values that a Reader returns belong to the store: do not change them. Copy
// what you want to change; Profile, Effect and AddressState have a Clone. Values
// given to a Tx belong to the caller again when the method returns. Times are kept
// as UTC microseconds.
type Store interface {
	// View runs fn on a consistent state. Writes in a view do not compile.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn in a transaction, which is rolled back when fn returns an
	// error or panics. Where the database asks for it (serialization failure,
	// deadlock, lock time-out) fn may be run again, so it must not have effects
	// of its own.
	Update(ctx context.Context, fn func(Tx) error) error
}

// Reader reads one consistent state of the record. Methods may be added in minor
// versions. A method that takes keys answers in their order. A scan goes on after the
// last value of the page before, and a page with fewer than limit values is the last.
type Reader interface {
	EffectReader

	// Profiles returns one entry per key, nil where there is no such profile.
	Profiles(ctx context.Context, keys ...ProfileKey) ([]*Profile, error)
	// ScanProfiles returns up to limit profiles of the parts that come after
	// the key (the zero key: from the start) in the order part, source, id.
	ScanProfiles(ctx context.Context, parts PartRange, after ProfileKey, limit int) ([]*Profile, error)
	// Members returns, per customer id, the profiles placed there now, sorted.
	Members(ctx context.Context, ids ...CustomerID) ([][]ProfileKey, error)
	// CustomersOf returns the customer that each profile belongs to now, or ""
	// where there is no such profile. It reads less than Profiles does.
	CustomersOf(ctx context.Context, keys ...ProfileKey) ([]CustomerID, error)
	// Homes returns, per customer id, the profile that it was made for, or the
	// zero key for an id that never was.
	Homes(ctx context.Context, ids ...CustomerID) ([]ProfileKey, error)
	// HomeIDs is the inverse: the id that was made for each profile, or "".
	HomeIDs(ctx context.Context, keys ...ProfileKey) ([]CustomerID, error)
	// Links returns, per profile, all decisions about it in the order taken.
	Links(ctx context.Context, keys ...ProfileKey) ([][]Link, error)

	// Facts returns one entry per ref, nil where there is no such fact.
	Facts(ctx context.Context, refs ...FactRef) ([]*Fact, error)
	// FactsOf returns up to q.Limit facts of q.Subjects of q.Kinds after
	// q.After in the order of FactRef.Compare.
	FactsOf(ctx context.Context, q FactQuery) ([]*Fact, error)
	// ScanFacts returns up to limit facts of one kind in the parts after the
	// ref (the zero ref: from the start) in the order of FactRef.Compare.
	ScanFacts(ctx context.Context, parts PartRange, kind FactKind, after FactRef, limit int) ([]*Fact, error)
	// FactKinds returns, sorted, every kind of which there are facts, a host's
	// own included. It may name built-in kinds of which there are none. It may
	// read the whole record.
	FactKinds(ctx context.Context) ([]FactKind, error)
	// Kinds returns the kinds that the store has descriptions of: BuiltIn and those
	// that it was given. It reads nothing.
	Kinds() *Kinds

	// Addresses returns one entry per address; for an address never written
	// about, an empty state of version 0.
	Addresses(ctx context.Context, addrs ...Address) ([]*AddressState, error)
	// ScanAddresses returns up to limit states in the parts after the address
	// in the order part, channel, value.
	ScanAddresses(ctx context.Context, parts PartRange, after Address, limit int) ([]*AddressState, error)

	// Anchors tells where the facts hang that exist once in the world: orders, visits and
	// tickets. It returns, per key, the subject that the fact hangs on, or the zero
	// Subject where there is no such fact. Where it is not there yet and others hang
	// on it, the service makes it hang on itself: OfRecord of the key.
	Anchors(ctx context.Context, keys ...FactKey) ([]Subject, error)

	// Refs returns, per key, up to limit entries of one index in the order of
	// Ref.Compare.
	Refs(ctx context.Context, kind RefKind, limit int, keys ...string) ([][]Ref, error)
	// ScanRefs returns up to q.Limit entries under one key after q.After in the
	// order of Ref.Compare, or against it. A page costs the same wherever it is.
	ScanRefs(ctx context.Context, q RefQuery) ([]Ref, error)

	// Changes returns up to limit changes after the position, sorted by part
	// and within a part in commit order, and the position after them. It is
	// ErrPruned if any of them was pruned: what is left would hide that
	// something is missing.
	Changes(ctx context.Context, after Position, limit int) ([]Change, Position, error)
	// Head returns the position after everything committed.
	Head(ctx context.Context) (Position, error)
	// Cursors returns how far each consumer has read, by consumer.
	Cursors(ctx context.Context) ([]Cursor, error)

	// Documents returns one entry per id, nil where there is no such document.
	Documents(ctx context.Context, kind string, ids ...string) ([]*Document, error)
	// ScanDocuments returns up to limit documents of a kind after the id.
	ScanDocuments(ctx context.Context, kind, after string, limit int) ([]*Document, error)

	// States returns one entry per key, nil where there is no such state.
	States(ctx context.Context, keys ...StateKey) ([]*State, error)
	// ScanStates returns up to limit states of a kind in the parts after the subject
	// (the zero Subject: from the start) in the order part, subject.
	ScanStates(ctx context.Context, parts PartRange, kind string, after Subject, limit int) ([]*State, error)

	// Counters returns one entry per key, nil where there is no such counter.
	Counters(ctx context.Context, keys ...CounterKey) ([]*Counter, error)
	// ScanCounters returns up to limit counters in the parts after the key (the zero
	// key: from the start) in the order part, kind, id.
	ScanCounters(ctx context.Context, parts PartRange, after CounterKey, limit int) ([]*Counter, error)
	// Reservations returns one entry per key as it is stored, nil where there is no
	// such reservation. One that has expired may still be stored as Reserved.
	Reservations(ctx context.Context, keys ...ReservationKey) ([]*Reservation, error)
	// ScanReservations returns up to limit reservations in the parts after the key
	// in the order part, kind, counter, id.
	ScanReservations(ctx context.Context, parts PartRange, after ReservationKey, limit int) ([]*Reservation, error)

	// Now returns the time of the store: of a database server its own, of a
	// store within the process that of the process or of the store's
	// configuration. Leases go by it, because all processes that share a store
	// agree on it, however wrong their own clocks are. It moves on within a
	// transaction.
	Now(ctx context.Context) (time.Time, error)
}

// Tx reads and writes within one transaction and sees its own writes. Methods
// may be added in minor versions: a store outside this library embeds
// what Unimplemented returns.
type Tx interface {
	Reader
	EffectWriter

	// LockCustomers keeps other transactions from locking the same customers
	// until this one ends; what is read afterwards includes everything that
	// those who held them before have committed. An id that was never made is
	// ignored. Give all ids in one call, before addresses are locked.
	//
	// A transaction that changes the members of a customer, when one of them was first
	// seen, its addresses or its tickets holds its lock, from before it reads
	// what it decides by: read where the profiles are, lock, read again, and
	// answer ErrConflict if they have moved.
	LockCustomers(ctx context.Context, ids ...CustomerID) error

	// PutProfiles inserts (Rev 0) or replaces (Rev as read) and sets the new
	// Rev; it leaves Customer alone. A stale Rev is ErrConflict and nothing of
	// the call is kept.
	PutProfiles(ctx context.Context, profiles ...*Profile) error
	// AppendLinks appends decisions, gives them their Seq and moves the
	// profiles. The first decision about a profile must be LinkNew, which also
	// makes the customer's home. A LinkNotMe moves nothing.
	AppendLinks(ctx context.Context, links ...*Link) error

	// PutFacts inserts facts and replaces older versions (see Fact.Version) and
	// says what became of each; facts of one call count one after the other.
	PutFacts(ctx context.Context, facts ...*Fact) ([]Put, error)
	// PutNewest is PutFacts for facts whose sources give no versions: what says
	// something else than is stored replaces it, under the larger of its Version
	// and the stored one plus 1. That is decided while the row is locked, so of
	// several writers at once the last one's content stays.
	PutNewest(ctx context.Context, facts ...*Fact) ([]Put, error)
	// DeleteFacts removes facts; absent ones are ignored. The change feed
	// reports it as a change.
	DeleteFacts(ctx context.Context, refs ...FactRef) error

	// LockAddresses is Addresses, and keeps everybody else from locking the
	// same addresses until the transaction ends. Give all of them in one call.
	LockAddresses(ctx context.Context, addrs ...Address) ([]*AddressState, error)
	// PutAddresses writes states; each Version must be one more than the one
	// that is stored, else ErrConflict.
	PutAddresses(ctx context.Context, states ...*AddressState) error

	// LockAnchors keeps a fact that exists once in the world from being stored twice by
	// two who deliver it for two subjects at the same time. It is Anchors, and keeps other
	// transactions from locking the same
	// keys until this one ends. A key that has no anchor yet cannot be locked:
	// of two who put one the second starts again, or gets ErrConflict in the
	// host's own transaction. Give all keys in one call and before anything else
	// is locked.
	LockAnchors(ctx context.Context, keys ...FactKey) ([]Subject, error)
	// PutAnchors says where facts hang from now on. Each key may be given once.
	PutAnchors(ctx context.Context, anchors ...FactRef) error

	// PutRefs adds entries; those that are there already are left alone.
	PutRefs(ctx context.Context, refs ...Ref) error
	// DeleteRefs removes entries; absent ones are ignored.
	DeleteRefs(ctx context.Context, refs ...Ref) error

	// PutDocuments inserts (Rev 0) or replaces (Rev as read) and sets the new
	// Rev. A stale Rev is ErrConflict and nothing of the call is kept.
	PutDocuments(ctx context.Context, docs ...*Document) error
	// DeleteDocuments removes documents of a kind; absent ones are ignored.
	DeleteDocuments(ctx context.Context, kind string, ids ...string) error

	// PutStates inserts (Rev 0) or replaces (Rev as read) and sets the new Rev. A
	// stale Rev is ErrConflict and nothing of the call is kept.
	PutStates(ctx context.Context, states ...*State) error
	// DeleteStates removes states; absent ones are ignored.
	DeleteStates(ctx context.Context, keys ...StateKey) error

	// What the next four methods answer was decided while the counter was locked, or in
	// one statement: of many that take at once none gets more than there is. Give all of
	// one transaction in one call, after all other locks: a counter stays locked until the
	// transaction ends.
	//
	//	state of the reservation   Reserve             Confirm                  Release
	//	none                       reserved, exhausted absent                   absent
	//	reserved                   reserved            confirmed                released
	//	confirmed                  confirmed           confirmed, if the same   confirmed
	//	released, expired          released, expired   released, expired        released, expired
	//
	// A call of Reserve with another amount than the id was used for, of Confirm with more
	// than that or with another amount than was confirmed, is answered Mismatch.

	// SetLimits makes counters or sets their limits. A limit below what is gone takes
	// nothing back; nothing more is given until enough was returned.
	SetLimits(ctx context.Context, limits ...Counter) error
	// Reserve answers per entry, in their order: what does not fit any more is Exhausted,
	// a later smaller one may still be granted. Before it says so, it takes back what
	// has expired. An id that comes again in one call gets its first answer, or Mismatch
	// for another amount.
	Reserve(ctx context.Context, takes ...Take) ([]ReservationState, error)
	// Confirm makes reservations final: it uses the amount that each entry names and gives
	// back the rest. An amount of 0 is ErrInvalid. One that has expired is given back.
	Confirm(ctx context.Context, takes ...Take) ([]ReservationState, error)
	// Release gives reservations back.
	Release(ctx context.Context, keys ...ReservationKey) ([]ReservationState, error)
	// DeleteReservations forgets reservations that are final; what they used stays used.
	// Others, and absent ones, are ignored.
	DeleteReservations(ctx context.Context, keys ...ReservationKey) error
	// DeleteCounters forgets counters of which nothing is reserved, with what they used.
	// Others, and absent ones, are ignored. Reservations stay: delete those first.
	DeleteCounters(ctx context.Context, keys ...CounterKey) error

	// Cursor returns the consumer's position and holds it until the
	// transaction ends. If another transaction holds it the error is an *Error
	// of kind ErrBusy without a cause; that of a locked store has one.
	Cursor(ctx context.Context, consumer string) (Position, error)
	// SetCursor moves the consumer to a position and keeps it from others as Cursor does.
	SetCursor(ctx context.Context, consumer string, to Position) error
	// DropCursors forgets consumers; absent ones are ignored. One that comes
	// again begins where a new one does.
	DropCursors(ctx context.Context, consumers ...string) error
	// PruneChanges deletes up to limit changes (0: 1,000) that are older than
	// before, oldest first, and returns how many. Of each part it stops at the
	// part's number in upTo and at the first change that is not older. It does not
	// ask whether a consumer still needs them; Service.Prune does.
	PruneChanges(ctx context.Context, upTo Position, before time.Time, limit int) (int, error)
}

// FactQuery asks for the facts of some subjects.
type FactQuery struct {
	Subjects []Subject
	Kinds    []FactKind // empty: all
	After    FactRef    // the last fact of the page before
	Limit    int        // at most this many; 0 means 1,000
}

// Put says what became of a fact that was put.
type Put uint8

// What can become of a fact.
const (
	PutSame  Put = iota // this version of it is there
	PutNew              // it is new, or newer than what was there
	PutOlder            // a newer version is there
	PutWon              // another content of the same version was there and is replaced
	PutLost             // another content of the same version is there and stays
)

// Changed reports whether the fact was written.
func (p Put) Changed() bool { return p == PutNew || p == PutWon }

// EffectReader reads effects.
type EffectReader interface {
	// Effects returns one entry per id, nil where there is no such effect.
	Effects(ctx context.Context, ids ...EffectID) ([]*Effect, error)
	// EffectsOf returns all effects on the subjects, sorted by subject and id.
	// A subject has few: they are what was done to one source record.
	EffectsOf(ctx context.Context, subjects ...Subject) ([]*Effect, error)
	// DueEffects returns up to q.Limit effects, the longest due first, as CompareDue
	// sorts them.
	DueEffects(ctx context.Context, q DueQuery) ([]*Effect, error)
	// ScanEffects returns up to limit effects in the parts after the id ("":
	// from the start), sorted by id.
	ScanEffects(ctx context.Context, parts PartRange, after EffectID, limit int) ([]*Effect, error)
}

// DueQuery asks for effects that wait.
type DueQuery struct {
	Parts  PartRange
	State  EffectState  // Planned, Sent or Unknown; the others do not wait
	Kinds  []EffectKind // empty: all
	Before time.Time    // due before this instant (of Sent and Unknown: lease ended before)
	Limit  int          // at most this many; 0 means 1,000
}

// EffectWriter writes effects. It is all the storage that an engine with
// delayed actions or an outbox needs.
type EffectWriter interface {
	// PutEffects inserts effects that are new and reports which were; one whose
	// id is there already changes nothing.
	PutEffects(ctx context.Context, effects ...*Effect) (created []bool, err error)
	// UpdateEffects replaces effects and sets the new Rev. A stale Rev is
	// ErrConflict and nothing of the call is kept.
	UpdateEffects(ctx context.Context, effects ...*Effect) error
}

// Cursor is how far a consumer of the change feed has read.
type Cursor struct {
	Consumer string
	At       Position
}

// pageSize is how many records the package's own iterators ask for at a time.
const pageSize = 256
