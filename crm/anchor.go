package crm

import "context"

// AnchorReader tells where the facts hang that exist once in the world: orders,
// visits and tickets.
type AnchorReader interface {
	// Anchors returns, per key, the subject that the fact hangs on, or the zero
	// Subject where there is no such fact. Where it is not there yet and others hang
	// on it, the service makes it hang on itself: OfRecord of the key.
	Anchors(ctx context.Context, keys ...FactKey) ([]Subject, error)
}

// AnchorWriter keeps a fact that exists once in the world from being stored
// twice by two who deliver it for two subjects at the same time.
type AnchorWriter interface {
	// LockAnchors is Anchors, and keeps other transactions from locking the same
	// keys until this one ends. A key that has no anchor yet cannot be locked:
	// of two who put one the second starts again, or gets ErrConflict in the
	// host's own transaction. Give all keys in one call and before anything else
	// is locked.
	LockAnchors(ctx context.Context, keys ...FactKey) ([]Subject, error)
	// PutAnchors says where facts hang from now on. Each key may be given once.
	PutAnchors(ctx context.Context, anchors ...FactRef) error
}

// Part returns the part that the anchor of a fact is kept in.
func (k FactKey) Part() Part { return PartOf(string(k.Kind), k.ID) }
