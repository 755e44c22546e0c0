package nighttest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// between is a store that calls a function once, before the first transaction
// after a reading of link decisions.
type between struct {
	crm.Store
	read atomic.Bool
	call func() // nil when there is nothing to call
}

type readingOf struct {
	crm.Reader
	b *between
}

func (r readingOf) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	r.b.read.Store(true)
	return r.Reader.Links(ctx, keys...)
}

func (b *between) View(ctx context.Context, fn func(crm.Reader) error) error {
	return b.Store.View(ctx, func(r crm.Reader) error { return fn(readingOf{r, b}) })
}

func (b *between) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if call := b.call; call != nil && b.read.Load() {
		b.call = nil
		call()
	}
	return b.Store.Update(ctx, fn)
}

// decided has people decide about profiles between the moment when linkage found
// out who is who and that when it writes it: their word stands, on this evening
// and on the next, when linkage looks at the others again.
// Case A1.
func decided(t *testing.T, open func(t *testing.T) crm.Store) {
	a, b, late, other := Key(0), Key(1), Key(2), Key(30)
	for name, verb := range map[string]struct {
		say   func(context.Context, *crm.Service) error
		first bool // a and b are one before
		holds bool // two whatever a model may find out without the number
		one   [][2]crm.ProfileKey
		two   [][2]crm.ProfileKey
		later [][2]crm.ProfileKey // one after the evening that follows, by name and number alone
		model [][2]crm.ProfileKey // the same by a model, which weighs more than that
	}{
		"split": {first: true, holds: true, two: [][2]crm.ProfileKey{{a, b}}, later: [][2]crm.ProfileKey{{a, late}}, model: [][2]crm.ProfileKey{{a, late}},
			say: func(ctx context.Context, svc *crm.Service) error {
				_, err := svc.Split(ctx, "desk", crm.Evidence{}, b)
				return err
			}},
		"merge": {one: [][2]crm.ProfileKey{{b, other}}, later: [][2]crm.ProfileKey{{b, other}, {a, b}, {a, late}}, model: [][2]crm.ProfileKey{{b, other}, {a, late}},
			say: func(ctx context.Context, svc *crm.Service) error {
				_, err := svc.Merge(ctx, "desk", crm.Evidence{}, b, other)
				return err
			}},
		"apart": {two: [][2]crm.ProfileKey{{a, b}}, holds: true,
			say: func(ctx context.Context, svc *crm.Service) error {
				_, err := svc.KeepApart(ctx, "desk", crm.Evidence{}, b, a)
				return err
			}},
		"not me": {two: [][2]crm.ProfileKey{{a, b}, {b, late}}, later: [][2]crm.ProfileKey{{a, late}},
			say: func(ctx context.Context, svc *crm.Service) error {
				_, err := svc.NotMe(ctx, b, Phone(0), "desk")
				return err
			}},
	} {
		for _, trainAt := range []int{1000, 30} {
			t.Run(fmt.Sprintf("%s/%d", name, trainAt), func(t *testing.T) {
				clock, store := &crmtest.Clock{}, &between{Store: open(t)}
				clock.Set(Start)
				shop := New(t, store, clock, func(c *vefa.Config) { c.TrainAt = trainAt })
				svc := shop.Engine.Service()
				evening := func(day int, batch crm.Batch) vefa.NightReport {
					at := Start.AddDate(0, 0, day)
					clock.Set(at)
					rep, err := shop.Engine.Night(t.Context(), vefa.Night{Day: at.Format(time.DateOnly), Source: Once(batch)})
					require.NoError(t, err)
					return rep
				}
				are := func(one bool, pairs [][2]crm.ProfileKey, when string) {
					t.Helper()
					for _, p := range pairs {
						x, err := svc.CustomerOf(t.Context(), p[0])
						require.NoError(t, err)
						y, err := svc.CustomerOf(t.Context(), p[1])
						require.NoError(t, err)
						require.Equal(t, one, x.ID == y.ID, "%s and %s after %s", p[0], p[1], when)
					}
				}
				alike := func(i int) *crm.Profile {
					p := People(40).Profiles[i]
					p.Name, p.Birth, p.Contacts = crm.Name{Given: "Nermin", Family: "Karagoz"}, "1980-02-03", []crm.Contact{{Address: Phone(0)}}
					return p
				}
				world := People(40)
				world.Profiles = append(world.Profiles[3:], alike(0))
				world.Facts = nil
				if verb.first {
					world.Profiles = append(world.Profiles, alike(1))
				}
				evening(0, world)
				if verb.first {
					are(true, [][2]crm.ProfileKey{{a, b}}, "the first evening")
				}
				// What comes now is like them; a person decides before it is written.
				news := crm.Batch{Profiles: []*crm.Profile{alike(2)}}
				if !verb.first {
					news.Profiles = append(news.Profiles, alike(1))
				}
				said := false
				_, err := svc.Import(t.Context(), news)
				require.NoError(t, err)
				store.call = func() { said = true; require.NoError(t, verb.say(t.Context(), svc)) }
				store.read.Store(false)
				rep := evening(1, crm.Batch{})
				require.True(t, said)
				require.Positive(t, rep.Identified.Stale)
				are(true, verb.one, "the evening")
				are(false, verb.two, "the evening")
				require.Zero(t, evening(2, crm.Batch{}).Identified.Stale)
				later := verb.later
				if rep.Identified.TrainAt == 0 {
					later = verb.model
				}
				are(true, later, "the next evening")
				if verb.holds {
					are(false, verb.two, "the next evening")
				}
				audit, err := vefa.Audit(t.Context(), store, Brand)
				require.NoError(t, err)
				require.True(t, audit.Clean(), "%+v", audit)
			})
		}
	}
}
