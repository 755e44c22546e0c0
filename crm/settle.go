package crm

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// GuardDesk is the Guard of the reason with which a person settled an effect.
const GuardDesk = "desk"

// UnknownEffects iterates over the effects of some kinds (none: all) whose fate the
// other side could not tell, part by part: what a person has to look up there and to
// settle with SettleEffect. It reads them by an index and holds no transaction open
// between them.
func (s *Service) UnknownEffects(ctx context.Context, kinds ...EffectKind) iter.Seq2[*Effect, error] {
	return func(yield func(*Effect, error) bool) {
		parts := func(p PartRange, limit int) (found []*Effect, err error) {
			err = s.store.View(ctx, func(r Reader) (err error) {
				found, err = r.DueEffects(ctx, DueQuery{Parts: p, State: Unknown, Kinds: kinds, Before: s.Now().AddDate(1000, 0, 0), Limit: limit})
				return err
			})
			return found, err
		}
		all, err := parts(AllParts(), scanSize)
		if err != nil {
			yield(nil, err)
			return
		}
		if len(all) < scanSize { // as nearly always
			slices.SortFunc(all, func(a, b *Effect) int { return strings.Compare(string(a.ID), string(b.ID)) })
			for _, e := range all {
				if !yield(e, nil) {
					return
				}
			}
			return
		}
		for p := range Part(Parts) {
			limit := scanSize
			for {
				found, err := parts(PartRange{p, p + 1}, limit)
				if err != nil {
					yield(nil, err)
					return
				}
				if len(found) == limit { // in the order of due times, by which no page can go on
					limit *= 4
					continue
				}
				slices.SortFunc(found, func(a, b *Effect) int { return strings.Compare(string(a.ID), string(b.ID)) })
				for _, e := range found {
					if !yield(e, nil) {
						return
					}
				}
				break
			}
		}
	}
}

// Settlement is what a person found out about an effect of unknown fate.
type Settlement struct {
	// State is what became of it: Done; Failed, it never will be; or Planned, the other
	// side never had it, and it is to be handed over again if its guards still agree.
	State    EffectState
	Actor    string // who found out; must be set
	Note     string // how; kept among the effect's reasons, so without text or address
	Provider string // the other side's own id of it, if it is known now
}

// SettleEffect ends what is unknown about an effect by what a person found out, with a
// reason that names the person, and returns it as it is then. Told again it changes
// nothing. An effect that is not
// there is ErrNotFound; one that is not Unknown, because its answer came or somebody
// else settled it, is ErrStale; a settlement without an Actor, or with another State,
// ErrInvalid.
func (s *Service) SettleEffect(ctx context.Context, id EffectID, x Settlement) (*Effect, error) {
	var faults []error
	if strings.TrimSpace(x.Actor) == "" {
		faults = append(faults, fieldError("actor", "must not be empty: the effect says who settled it"))
	}
	if x.State != Done && x.State != Failed && x.State != Planned {
		faults = append(faults, fieldError("state", fmt.Sprintf("must be %s, %s or %s, not %q", Done, Failed, Planned, x.State)))
	}
	if err := invalid("settle", "effect", string(id), faults...); err != nil {
		return nil, err
	}
	var out *Effect
	err := s.update(ctx, func(tx Tx) error {
		found, err := tx.Effects(ctx, id)
		if err != nil {
			return err
		}
		note := Clip(x.Actor, maxWord)
		if x.Note != "" {
			note += ": " + Clip(x.Note, maxNote)
		}
		why := Reason{Guard: GuardDesk, Pass: x.State == Done, Note: note}
		switch e := found[0]; {
		case e == nil:
			return &Error{Op: "settle", Entity: "effect", ID: string(id), Kind: ErrNotFound}
		case e.State == x.State && len(e.Reasons) > 0 && e.Reasons[len(e.Reasons)-1] == why:
			out = e // told again by one whose answer was lost
			return nil
		case e.State != Unknown:
			return &Error{Op: "settle", Entity: "effect", ID: string(id), Kind: ErrStale, Err: fmt.Errorf("it is %s", e.State)}
		}
		out = found[0].Clone()
		out.State, out.Changed, out.Lease = x.State, s.Now(), time.Time{}
		if x.Provider != "" {
			out.Provider = clipProvider(x.Provider)
		}
		if x.State == Planned {
			out.SentAt, out.Guards, out.Due = time.Time{}, nil, s.Now()
		}
		out.Reasons = append(out.Reasons, why)
		return putAnswers(ctx, tx, []*Effect{out})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
