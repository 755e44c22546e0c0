package dbtest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// TestEffectsOfAnotherSubject updates effects whose subject stays, as that of nearly all does,
// and one that is another's from now on, in one call and each in its own: they are found by
// the subject that they have, and hold what was written.
func TestEffectsOfAnotherSubject(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := context.Background()
		store := d.store()
		due := time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)
		was, is := crm.OfProfile(crm.ProfileKey{Source: "web", ID: "0"}), crm.Subject{}
		for i := 1; is == (crm.Subject{}) || is.Part() != was.Part(); i++ { // the id of an effect holds the part of its subject
			is = crm.OfProfile(crm.ProfileKey{Source: "web", ID: strconv.Itoa(i)})
		}
		var all []*crm.Effect
		for _, occurrence := range []string{"a", "b", "c"} {
			all = append(all, &crm.Effect{ID: crmtest.EffectID("rule/a", was, crm.FactKey{}, occurrence), Occurrence: occurrence, Kind: crm.EffectMessage, Cause: "rule/a", Subject: was, Due: due, State: crm.Planned, Created: due, Changed: due})
		}
		slices.SortFunc(all, func(a, b *crm.Effect) int { return strings.Compare(string(a.ID), string(b.ID)) })
		require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
			_, err := tx.PutEffects(ctx, all...)
			return err
		}))
		update := func(change ...int) {
			require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
				var changed []*crm.Effect
				for _, i := range change {
					e := all[i].Clone()
					e.Attempts++
					e.State, e.Reasons, e.Lease = crm.Sent, []crm.Reason{{Guard: "consent", Pass: true}}, due.Add(time.Minute)
					if i == 2 {
						e.Subject = is
					}
					changed = append(changed, e)
				}
				if err := tx.UpdateEffects(ctx, changed...); err != nil {
					return err
				}
				for n, i := range change {
					all[i] = changed[n]
				}
				return nil
			}))
			require.NoError(t, store.View(ctx, func(r crm.Reader) error {
				for subject, want := range map[crm.Subject][]*crm.Effect{was: all[:2], is: all[2:]} {
					if all[2].Subject == was {
						want = map[crm.Subject][]*crm.Effect{was: all}[subject]
					}
					got, err := r.EffectsOf(ctx, subject)
					require.NoError(t, err)
					require.Equal(t, want, got)
				}
				due, err := r.DueEffects(ctx, crm.DueQuery{State: crm.Sent, Before: due.Add(time.Hour)})
				require.Len(t, due, sent(all))
				return err
			}))
		}
		update(0)
		update(0, 1, 2)
		update(2)
	})
}

// sent counts the effects that are.
func sent(effects []*crm.Effect) (n int) {
	for _, e := range effects {
		if e.State == crm.Sent {
			n++
		}
	}
	return n
}
