package crm

import (
	"context"
	"iter"
)

// A fact may come before the record that it hangs on. It is stored at once, and
// the record gets an anchor that says that it hangs on itself: so a writer that delivers
// the record next has locked that there are facts to be attached.

// recordsOf appends the records that facts hang on, each once, that are not among
// the keys of best.
func recordsOf(keys []FactKey, facts []*Fact, best map[FactKey]*Fact) []FactKey {
	var seen map[FactKey]bool
	for _, f := range facts {
		if f.Subject.Record == "" {
			continue
		}
		if k := f.Subject.recordKey(); best[k] == nil && !seen[k] {
			if seen == nil {
				seen = map[FactKey]bool{}
			}
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// miss notes a record that is not there.
func (w *writer) miss(k FactKey) {
	if w.missing == nil {
		w.missing = map[FactKey]bool{}
	}
	w.missing[k] = true
}

func waitingRef(f *Fact) Ref {
	return Ref{refWaiting, string(f.Subject.recordKey().Kind), f.Subject, RefKey(f.Key.String()), 0}
}

// attach takes what has waited for the records of this chunk off the list. The
// records are not written yet, so all that hangs on them has waited.
func (w *writer) attach() error {
	if len(w.arrived) == 0 {
		return nil
	}
	on := make([]Subject, len(w.arrived))
	for i, k := range w.arrived {
		on[i] = OfRecord(k)
	}
	w.arrived = nil
	var refs []Ref
	for f, err := range FactsOf(w.ctx, w.tx, on) {
		if err != nil {
			return err
		}
		w.rep.Attached++
		refs = append(refs, waitingRef(f))
	}
	return w.tx.DeleteRefs(w.ctx, refs...)
}

// Waiting iterates over the facts that hang on a record of one of the kinds (none:
// of any) that was not delivered yet, by kind, record and key. They are in no
// timeline until it is. It reads page by page, each as of its own time.
func (s *Service) Waiting(ctx context.Context, kinds ...FactKind) iter.Seq2[*Fact, error] {
	if len(kinds) == 0 {
		kinds = s.kinds.names(func(k *Kind) bool { return k.Unique })
	}
	return func(yield func(*Fact, error) bool) {
		for _, kind := range kinds {
			for q := (RefQuery{Kind: refWaiting, Key: string(kind), Limit: pageSize}); ; {
				var facts []*Fact
				var page []Ref
				err := s.store.View(ctx, func(r Reader) (err error) {
					if page, err = r.ScanRefs(ctx, q); err != nil {
						return err
					}
					refs := make([]FactRef, len(page))
					for i, ref := range page {
						refs[i].Subject = ref.Subject
						if refs[i].Key, err = factOfTarget(ctx, r, ref); err != nil {
							return err
						}
					}
					facts, err = r.Facts(ctx, refs...)
					return err
				})
				if err != nil {
					yield(nil, err)
					return
				}
				for _, f := range facts {
					if f != nil && !yield(f, nil) {
						return
					}
				}
				if len(page) < pageSize {
					break
				}
				q.After = page[len(page)-1]
			}
		}
	}
}

// maxRecords bounds how long a chain of records may be that one finds an owner by.
const maxRecords = 16

// Owners returns what each subject hangs on in the end: a profile or an address is
// that itself, a record hangs on what its own subject hangs on. The zero Subject
// says that a record is not there yet.
func Owners(ctx context.Context, r Reader, subjects ...Subject) ([]Subject, error) {
	out := append([]Subject(nil), subjects...)
	for n := 0; ; n++ {
		var keys []FactKey
		var at []int
		for i, s := range out {
			if s.Record != "" {
				keys, at = append(keys, s.recordKey()), append(at, i)
			}
		}
		if len(keys) == 0 {
			return out, nil
		}
		found, err := r.Anchors(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for j, i := range at {
			if found[j] == out[i] || n == maxRecords { // waits, or they hang on each other
				found[j] = Subject{}
			}
			out[i] = found[j]
		}
	}
}
