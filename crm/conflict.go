package crm

import (
	"context"
	"fmt"
)

// ConflictPolicy says what an import does with a record whose version is there
// with other content, which its source should not have sent: one of the two is
// lost. It also decides between two such records of one delivery. Records
// without a version are not concerned: the later one is the newer one. Whatever
// it says, Record and PutProfile write nothing and return ErrExists.
type ConflictPolicy string

// The policies. With the second and the third the order of deliveries matters,
// and an import reads what is stored before it writes, under locks: it takes
// longer. All processes that import should have the same one.
const (
	// ConflictByContent keeps the record with the larger content hash, so that
	// the order of deliveries does not matter, and lists both outcomes in
	// ImportReport.Conflicting.
	ConflictByContent ConflictPolicy = ""
	// ConflictReject keeps what came first. The other is in
	// ImportReport.Rejected, with ErrExists.
	ConflictReject ConflictPolicy = "reject"
	// ConflictNewest keeps what was delivered last and lists it in
	// ImportReport.Conflicting.
	ConflictNewest ConflictPolicy = "newest"
)

// Validate returns an error for a policy that is none of the above.
func (p ConflictPolicy) Validate() error {
	switch p {
	case ConflictByContent, ConflictReject, ConflictNewest:
		return nil
	}
	return fieldError("conflicts", fmt.Sprintf("%q is not known: %q, %q or empty", string(p), ConflictReject, ConflictNewest))
}

// conflict reports a record with the version of another one that says something
// else, and whether it takes the other's place; larger says that its content
// hash is.
func (w *writer) conflict(entity, id string, version int64, larger bool) (won bool) {
	switch w.policy {
	case ConflictReject:
		w.reject(entity, id, &Error{Op: "import", Entity: entity, ID: id, Kind: ErrExists, Err: errSameVersion})
		return false
	case ConflictNewest:
		larger = true
	}
	w.rep.Conflicting = append(w.rep.Conflicting, Conflict{entity, id, version, larger})
	return larger
}

// settle returns the facts that are to be written where a policy other than the
// store's own decides between contents of one version: it removes what a fact
// takes the place of, and leaves out facts that give way.
func (w *writer) settle(facts []*Fact) ([]*Fact, error) {
	if w.policy == ConflictByContent {
		return facts, nil
	}
	refs := make([]FactRef, len(facts))
	for i, f := range facts {
		refs[i] = f.Ref()
	}
	olds, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return nil, err
	}
	out := make([]*Fact, 0, len(facts))
	var gone []FactRef
	for i, f := range facts {
		if old := olds[i]; old != nil && old.Version == f.Version && !w.newest[f] {
			won, err := w.pick(old, f, true)
			if err != nil {
				return nil, err
			}
			if won == old {
				continue
			}
			gone = append(gone, refs[i])
		}
		out = append(out, f)
	}
	if len(gone) == 0 {
		return out, nil
	}
	return out, w.tx.DeleteFacts(w.ctx, gone...)
}

// misconfigured is the Store of a Service whose Config cannot be followed.
type misconfigured struct{ err error }

func (m misconfigured) View(context.Context, func(Reader) error) error { return m.err }
func (m misconfigured) Update(context.Context, func(Tx) error) error   { return m.err }
