package crmtest

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// readOnly makes a Tx of a Reader. What it does not have cannot be called.
type readOnly struct {
	crm.Reader
	crm.CustomerLocker
	crm.ProfileWriter
	crm.FactWriter
	crm.AddressWriter
	crm.AnchorWriter
	crm.RefWriter
	crm.EffectWriter
	crm.DocumentWriter
	crm.StateWriter
	crm.CounterWriter
	crm.CursorWriter
}

// faultyReader hides what a view cannot do.
type faultyReader struct{ crm.Reader }

// faultyTx is a transaction whose calls meet the store's fault.
type faultyTx struct {
	in    crm.Tx
	store *Faulty
}

func (t *faultyTx) Now(ctx context.Context) (out time.Time, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Now(ctx)
}

func (t *faultyTx) Kinds() *crm.Kinds { return t.in.Kinds() }

func (t *faultyTx) Profiles(ctx context.Context, keys ...crm.ProfileKey) (out []*crm.Profile, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Profiles(ctx, keys...)
}

func (t *faultyTx) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) (out []*crm.Profile, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanProfiles(ctx, parts, after, limit)
}

func (t *faultyTx) Members(ctx context.Context, ids ...crm.CustomerID) (out [][]crm.ProfileKey, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Members(ctx, ids...)
}

func (t *faultyTx) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) (out []crm.CustomerID, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.CustomersOf(ctx, keys...)
}

func (t *faultyTx) FactKinds(ctx context.Context) (out []crm.FactKind, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.FactKinds(ctx)
}

func (t *faultyTx) Anchors(ctx context.Context, keys ...crm.FactKey) (out []crm.Subject, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Anchors(ctx, keys...)
}

func (t *faultyTx) LockAnchors(ctx context.Context, keys ...crm.FactKey) (out []crm.Subject, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.LockAnchors(ctx, keys...)
}

func (t *faultyTx) PutAnchors(ctx context.Context, anchors ...crm.FactRef) (err error) {
	if err = t.store.meet(); err != nil {
		return err
	}
	return t.in.PutAnchors(ctx, anchors...)
}

func (t *faultyTx) Homes(ctx context.Context, ids ...crm.CustomerID) (out []crm.ProfileKey, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Homes(ctx, ids...)
}

func (t *faultyTx) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) (out []crm.CustomerID, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.HomeIDs(ctx, keys...)
}

func (t *faultyTx) Links(ctx context.Context, keys ...crm.ProfileKey) (out [][]crm.Link, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Links(ctx, keys...)
}

func (t *faultyTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.LockCustomers(ctx, ids...)
}

func (t *faultyTx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.PutProfiles(ctx, profiles...)
}

func (t *faultyTx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.AppendLinks(ctx, links...)
}

func (t *faultyTx) Facts(ctx context.Context, refs ...crm.FactRef) (out []*crm.Fact, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Facts(ctx, refs...)
}

func (t *faultyTx) FactsOf(ctx context.Context, q crm.FactQuery) (out []*crm.Fact, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.FactsOf(ctx, q)
}

func (t *faultyTx) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) (out []*crm.Fact, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanFacts(ctx, parts, kind, after, limit)
}

func (t *faultyTx) PutFacts(ctx context.Context, facts ...*crm.Fact) (out []crm.Put, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.PutFacts(ctx, facts...)
}

func (t *faultyTx) PutNewest(ctx context.Context, facts ...*crm.Fact) (out []crm.Put, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.PutNewest(ctx, facts...)
}

func (t *faultyTx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.DeleteFacts(ctx, refs...)
}

func (t *faultyTx) Addresses(ctx context.Context, addrs ...crm.Address) (out []*crm.AddressState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Addresses(ctx, addrs...)
}

func (t *faultyTx) ScanAddresses(ctx context.Context, parts crm.PartRange, after crm.Address, limit int) (out []*crm.AddressState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanAddresses(ctx, parts, after, limit)
}

func (t *faultyTx) LockAddresses(ctx context.Context, addrs ...crm.Address) (out []*crm.AddressState, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.LockAddresses(ctx, addrs...)
}

func (t *faultyTx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.PutAddresses(ctx, states...)
}

func (t *faultyTx) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) (out [][]crm.Ref, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Refs(ctx, kind, limit, keys...)
}

func (t *faultyTx) ScanRefs(ctx context.Context, q crm.RefQuery) (out []crm.Ref, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanRefs(ctx, q)
}

func (t *faultyTx) PutRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.PutRefs(ctx, refs...)
}

func (t *faultyTx) DeleteRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.DeleteRefs(ctx, refs...)
}

func (t *faultyTx) Effects(ctx context.Context, ids ...crm.EffectID) (out []*crm.Effect, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Effects(ctx, ids...)
}

func (t *faultyTx) EffectsOf(ctx context.Context, subjects ...crm.Subject) (out []*crm.Effect, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.EffectsOf(ctx, subjects...)
}

func (t *faultyTx) DueEffects(ctx context.Context, q crm.DueQuery) (out []*crm.Effect, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.DueEffects(ctx, q)
}

func (t *faultyTx) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) (out []*crm.Effect, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanEffects(ctx, parts, after, limit)
}

func (t *faultyTx) PutEffects(ctx context.Context, effects ...*crm.Effect) (out []bool, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.PutEffects(ctx, effects...)
}

func (t *faultyTx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.UpdateEffects(ctx, effects...)
}

func (t *faultyTx) Changes(ctx context.Context, after crm.Position, limit int) (out []crm.Change, next crm.Position, err error) {
	if err = t.store.meet(); err != nil {
		return out, next, err
	}
	return t.in.Changes(ctx, after, limit)
}

func (t *faultyTx) Head(ctx context.Context) (out crm.Position, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Head(ctx)
}

func (t *faultyTx) Cursor(ctx context.Context, consumer string) (out crm.Position, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Cursor(ctx, consumer)
}

func (t *faultyTx) SetCursor(ctx context.Context, consumer string, to crm.Position) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.SetCursor(ctx, consumer, to)
}

func (t *faultyTx) Documents(ctx context.Context, kind string, ids ...string) (out []*crm.Document, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Documents(ctx, kind, ids...)
}

func (t *faultyTx) ScanDocuments(ctx context.Context, kind, after string, limit int) (out []*crm.Document, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.ScanDocuments(ctx, kind, after, limit)
}

func (t *faultyTx) PutDocuments(ctx context.Context, docs ...*crm.Document) error {
	if err := t.store.meet(); err != nil {
		return err
	}
	return t.in.PutDocuments(ctx, docs...)
}

func (t *faultyTx) Cursors(ctx context.Context) (out []crm.Cursor, err error) {
	if err = t.store.meet(); err != nil {
		return out, err
	}
	return t.in.Cursors(ctx)
}

func (t *faultyTx) DropCursors(ctx context.Context, consumers ...string) (err error) {
	if err = t.store.meet(); err != nil {
		return err
	}
	return t.in.DropCursors(ctx, consumers...)
}

func (t *faultyTx) PruneChanges(ctx context.Context, upTo crm.Position, before time.Time, limit int) (n int, err error) {
	if err = t.store.meet(); err != nil {
		return n, err
	}
	return t.in.PruneChanges(ctx, upTo, before, limit)
}

func (t *faultyTx) DeleteDocuments(ctx context.Context, kind string, ids ...string) (err error) {
	if err = t.store.meet(); err != nil {
		return err
	}
	return t.in.DeleteDocuments(ctx, kind, ids...)
}
