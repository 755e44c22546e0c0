package crm

import (
	"context"
	"slices"
	"time"
)

// Pruned counts what Prune took away.
type Pruned struct {
	Changes   int `json:"changes"`   // entries of the change feed
	Effects   int `json:"effects"`   // final effects that were stripped
	Links     int `json:"links"`     // index entries of links that ended
	Documents int `json:"documents"` // of progress, and states
	// Reservations that are final, or had expired
	Reservations int `json:"reservations"`
}

// Prune takes away what the record does not need any more and that is older than
// an instant:
//
//   - entries of the change feed that every consumer with a cursor has read. A
//     consumer that never advances keeps all that it has not read: DropCursors
//     forgets one that is gone for good. A position from before what was pruned,
//     such as that of a new consumer, is ErrPruned in Changes: begin at Head, then
//     read the record itself.
//   - of final effects the notes of their reasons, and the providers' ids: a delivery
//     report that knows no other id finds nothing then.
//   - reservations of counters that were confirmed, released or had expired by then:
//     do not use their ids again. What they used stays used. One that still stands by
//     the store's clock stays.
//
// What stays: profiles, link decisions, facts, consents and the other ledgers,
// counters, and every effect with its id, cause, state, times, address and guards,
// so that nothing is done again and Digest and audits are as before.
//
// It works part by part in small transactions, beside readers and writers,
// may be stopped anywhere and run again, and changes nothing the second time. An
// instant later than the service's time is ErrInvalid.
func (s *Service) Prune(ctx context.Context, before time.Time) (Pruned, error) {
	return s.PruneWith(ctx, before, nil)
}

// PruneWith is Prune for an engine that keeps data of its own with effects: strip
// takes away from a final effect, a copy that it may change, what only it knows
// not to be needed any more, and returns the index entries and documents that go
// with it. It may be called several times for one effect.
func (s *Service) PruneWith(ctx context.Context, before time.Time, strip func(*Effect) (Leftover, error)) (Pruned, error) {
	var total Pruned
	if before.After(s.Now()) {
		return total, invalid("prune", "record", "", fieldError("before", "is in the future"))
	}
	if err := s.pruneChanges(ctx, Micros(before), &total); err != nil {
		return total, err
	}
	if err := s.pruneReservations(ctx, before, &total); err != nil {
		return total, err
	}
	return total, s.pruneEffects(ctx, before, strip, &total)
}

// Leftover is what goes when an effect is stripped.
type Leftover struct {
	Refs      []Ref
	Documents []*Document // kind and id
	States    []StateKey
}

// DropCursors forgets consumers of the change feed that will not come again, so
// that Prune need not keep what they have not read.
func (s *Service) DropCursors(ctx context.Context, consumers ...string) error {
	return s.Update(ctx, func(tx Tx) error { return tx.DropCursors(ctx, consumers...) })
}

// The bounds of one transaction of Prune.
const (
	pruneParts   = 64
	pruneChanges = 2000
	pruneEffects = 500
)

// pruneChanges takes away what all cursors have passed.
func (s *Service) pruneChanges(ctx context.Context, before time.Time, total *Pruned) error {
	for first := 0; first < Parts; first += pruneParts {
		for {
			n := 0
			err := s.Update(ctx, func(tx Tx) error {
				passed, err := passed(ctx, tx)
				if err != nil {
					return err
				}
				var here PartPositions
				copy(here[first:first+pruneParts], passed[first:first+pruneParts])
				n, err = tx.PruneChanges(ctx, here.Position(), before, pruneChanges)
				return err
			})
			if err != nil {
				return err
			}
			total.Changes += n
			if n < pruneChanges {
				break
			}
		}
	}
	return nil
}

// passed returns how far every consumer has read: the head, if there is none.
func passed(ctx context.Context, r Reader) (*PartPositions, error) {
	head, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	least, err := head.Parts()
	if err != nil {
		return nil, err
	}
	cursors, err := r.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cursors {
		at, err := c.At.Parts()
		if err != nil {
			return nil, err
		}
		for p := range least {
			least[p] = min(least[p], at[p])
		}
	}
	return least, nil
}

// pruneEffects strips final effects.
func (s *Service) pruneEffects(ctx context.Context, before time.Time, strip func(*Effect) (Leftover, error), total *Pruned) error {
	stripped := func(e *Effect) (*Effect, Leftover, error) {
		if e == nil || !e.State.Final() || !e.Changed.Before(before) {
			return nil, Leftover{}, nil
		}
		c := e.Clone()
		for i := range c.Reasons {
			c.Reasons[i].Note = ""
		}
		var left Leftover
		if strip != nil {
			var err error
			if left, err = strip(c); err != nil {
				return nil, left, err
			}
		}
		c.Provider = "" // no report comes so late
		if slices.Equal(c.Reasons, e.Reasons) && string(c.Data) == string(e.Data) && e.Provider == "" {
			return nil, Leftover{}, nil
		}
		return c, left, nil
	}
	for after := EffectID(""); ; {
		var ids []EffectID
		var page []*Effect
		err := s.store.View(ctx, func(r Reader) (err error) {
			ids = ids[:0]
			if page, err = r.ScanEffects(ctx, AllParts(), after, pruneEffects); err != nil {
				return err
			}
			for _, e := range page {
				c, _, err := stripped(e)
				if err != nil {
					return err
				}
				if c != nil {
					ids = append(ids, e.ID)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			var n Pruned
			err := s.Update(ctx, func(tx Tx) error {
				n = Pruned{}
				found, err := tx.Effects(ctx, ids...)
				if err != nil {
					return err
				}
				var puts []*Effect
				for _, e := range found {
					c, left, err := stripped(e)
					if err != nil {
						return err
					}
					if c == nil {
						continue
					}
					puts = append(puts, c)
					n.Links += len(left.Refs)
					if e.Provider != "" {
						left.Refs = append(left.Refs, e.ProviderRefs()...)
					}
					if err := tx.DeleteRefs(ctx, left.Refs...); err != nil {
						return err
					}
					if err := tx.DeleteStates(ctx, left.States...); err != nil {
						return err
					}
					n.Documents += len(left.States)
					for _, d := range left.Documents {
						if err := tx.DeleteDocuments(ctx, d.Kind, d.ID); err != nil {
							return err
						}
						n.Documents++
					}
				}
				n.Effects = len(puts)
				return tx.UpdateEffects(ctx, puts...)
			})
			if err != nil {
				return err
			}
			total.Effects += n.Effects
			total.Links += n.Links
			total.Documents += n.Documents
		}
		if len(page) < pruneEffects {
			return nil
		}
		after = page[len(page)-1].ID
	}
}
