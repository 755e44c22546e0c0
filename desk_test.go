package vefa_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// desked returns a retailer with a desk and n people, and no other messages.
func desked(t *testing.T, n int, change func(*vefa.Config)) (*nighttest.Retailer, crm.Store) {
	t.Helper()
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.Campaigns, c.TrainAt = nil, nil, nil, -1
		c.Segments = "segment everybody = everyone segment gold = tag(gold)"
		c.Desk = &campaigns.Config{Untested: true}
		if change != nil {
			change(c)
		}
	})
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(n))
	require.NoError(t, err)
	return shop, store
}

// scheduled takes a campaign through the desk.
func scheduled(t *testing.T, shop *nighttest.Retailer, segment string, c messaging.Campaign, at time.Time) *campaigns.Life {
	t.Helper()
	desk := shop.Engine.Desk()
	l, err := desk.Draft(t.Context(), "ayse", segment, c)
	require.NoError(t, err)
	_, err = desk.Approve(t.Context(), c.Name, "mehmet", l.Seal)
	require.NoError(t, err)
	l, err = desk.Schedule(t.Context(), c.Name, "ayse", at)
	require.NoError(t, err)
	return l
}

func offer() messaging.Campaign {
	return messaging.Campaign{Name: "offer", Text: "Spring {link} {Orders}", URL: "https://shop.example/offer", Unmeasured: "a test",
		Fields: []messaging.Field{{Name: "Orders", Type: messaging.NumberField, Fallback: "0", Max: 9}}}
}

// at is the state of a campaign at the desk.
func state(t *testing.T, shop *nighttest.Retailer, name string) campaigns.State {
	t.Helper()
	l, err := shop.Engine.Desk().Get(t.Context(), name)
	require.NoError(t, err)
	return l.State
}

// A campaign of the desk is drawn once its time has come, by an evening or by DrawDue, and
// whoever comes later is not in it; its link leads where it says; it is closed when all has
// left, and its results are told as those of any other.
func TestDeskCampaign(t *testing.T) {
	for i := range 4 {
		evening, pages := i%2 == 0, i > 1
		t.Run(fmt.Sprint("evening ", evening, ", page by page ", pages), func(t *testing.T) {
			shop, store := desked(t, 30, func(c *vefa.Config) {
				if pages {
					c.Resident = -1
				}
			})
			eng, ctx := shop.Engine, t.Context()
			draw := func() {
				t.Helper()
				if evening {
					_, err := eng.Night(ctx, vefa.Night{})
					require.NoError(t, err)
					return
				}
				_, err := eng.DrawDue(ctx)
				require.NoError(t, err)
				_, err = eng.Deliver(ctx)
				require.NoError(t, err)
			}
			scheduled(t, shop, "everybody", offer(), nighttest.Start.Add(20*time.Hour))
			draw()
			require.Empty(t, shop.Sender.Messages(), "it is not due")
			require.Equal(t, campaigns.Scheduled, state(t, shop, "offer"))
			p, err := eng.Progress(ctx, "offer")
			require.NoError(t, err)
			require.Zero(t, p.Planned)

			shop.Clock.Set(nighttest.Start.AddDate(0, 0, 1))
			draw()
			require.Len(t, shop.Sender.Messages(), 30)
			l, err := eng.Desk().Get(ctx, "offer")
			require.NoError(t, err)
			require.Equal(t, campaigns.Closed, l.State)
			require.Equal(t, &campaigns.Audience{Considered: 30, Planned: 30}, l.Drawn)
			p, err = eng.Progress(ctx, "offer")
			require.NoError(t, err)
			require.Equal(t, vefa.CampaignProgress{Life: l, Planned: 30, Sent: 30, Withheld: []vefa.Count{}}, p)

			_, err = eng.Service().Import(ctx, nighttest.People(40))
			require.NoError(t, err)
			shop.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
			draw()
			require.Len(t, shop.Sender.Messages(), 30, "nobody joins")

			_, rest, _ := strings.Cut(shop.Sender.Messages()[0].Text, "https://s.example")
			token, orders, _ := strings.Cut(rest, " ")
			require.Equal(t, "1", orders, "a field that rules read")
			w := httptest.NewRecorder()
			eng.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", token, nil))
			require.Equal(t, "https://shop.example/offer", w.Header().Get("Location"))
			res, err := eng.Results(ctx)
			require.NoError(t, err)
			require.Len(t, res.Campaigns, 1)
			require.EqualValues(t, 30, res.Campaigns[0].Report.Counts.Delivered)
			id, err := eng.Service().Profile(ctx, nighttest.Key(3))
			require.NoError(t, err)
			why, err := eng.Why(ctx, id.Customer, "campaign/offer", vefa.WhyQuery{})
			require.NoError(t, err)
			require.Len(t, why.Effects, 1)
			clean(t, store)
		})
	}
}

// What could not be sent is refused when it is drafted, with all faults.
func TestDeskRefusesDrafts(t *testing.T) {
	shop, _ := desked(t, 1, func(c *vefa.Config) {
		c.Campaigns = []vefa.Campaign{{Segment: "gold", Campaign: messaging.Campaign{Name: "spring", Text: "x", Unmeasured: "a test"}}}
	})
	_, err := shop.Engine.Desk().Draft(t.Context(), "ayse", "platinum", messaging.Campaign{Name: "spring", Text: "{Nonsense} {link}", URL: "https://127.0.0.1/x",
		Unmeasured: "a test", Fields: []messaging.Field{{Name: "Nonsense", Max: 3}}, Consent: crm.ConsentKey{Brand: "other"}})
	for _, want := range []string{`"platinum"`, "Config.Campaigns", "Nonsense", "Destinations", "Config.Consent"} {
		require.ErrorContains(t, err, want)
	}
	_, err = shop.Engine.Desk().Draft(t.Context(), "ayse", "gold", messaging.Campaign{Name: "leads", Text: "{link}", Unmeasured: "a test"})
	require.ErrorContains(t, err, "no URL")
	plain := nighttest.New(t, memstore.New(), shop.Clock, nil)
	require.Nil(t, plain.Engine.Desk())
	_, err = plain.Engine.DrawDue(t.Context())
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = plain.Engine.Progress(t.Context(), "offer")
	require.ErrorIs(t, err, crm.ErrNotFound)
	_, err = plain.Engine.Progress(t.Context(), "spring")
	require.NoError(t, err)
}

// acting is a sender that does something before its first messages are taken.
type acting struct {
	*messaging.MemorySender
	once sync.Once
	act  func()
}

func (a *acting) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	a.once.Do(a.act)
	return a.MemorySender.Send(ctx, batch)
}

// A pause or a cancellation holds for all that has not been handed over yet, claimed or not:
// of a paused campaign all leaves later, once; of a cancelled one nothing more does.
func TestDeskStopsWhatWasClaimed(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprint("cancel ", cancel), func(t *testing.T) {
			sender := &acting{MemorySender: messaging.NewMemorySender(nil)}
			shop, store := desked(t, 100, func(c *vefa.Config) { c.Sender = sender })
			eng, ctx := shop.Engine, t.Context()
			scheduled(t, shop, "everybody", offer(), nighttest.Start)
			sender.act = func() {
				var err error
				if cancel {
					_, err = eng.Desk().Cancel(ctx, "offer", "mehmet", "a wrong price")
				} else {
					_, err = eng.Desk().Pause(ctx, "offer", "mehmet", "a wrong price")
				}
				require.NoError(t, err)
			}
			_, err := eng.DrawDue(ctx)
			require.NoError(t, err)
			_, err = eng.Deliver(ctx)
			require.NoError(t, err)
			before := len(sender.Messages())
			require.Less(t, before, 16, "no more than were being handed over")
			for range 3 {
				shop.Clock.Advance(10 * time.Minute)
				_, err = eng.Deliver(ctx)
				require.NoError(t, err)
			}
			require.Len(t, sender.Messages(), before)
			p, err := eng.Progress(ctx, "offer")
			require.NoError(t, err)
			if cancel {
				require.Equal(t, []vefa.Count{{Name: campaigns.Guard, N: 100 - before}}, p.Withheld)
				require.Equal(t, campaigns.Cancelled, p.Life.State)
				clean(t, store)
				return
			}
			require.Equal(t, 100-before, p.Waiting)
			_, err = eng.Desk().Resume(ctx, "offer", "mehmet", "")
			require.NoError(t, err)
			shop.Clock.Advance(10 * time.Minute)
			_, err = eng.Deliver(ctx)
			require.NoError(t, err)
			require.Len(t, sender.Messages(), 100)
			require.Zero(t, sender.Repeats())
			require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
			clean(t, store)
		})
	}
}

// A drawing that was cut off is done again, and is no other; one of a campaign that was put
// off meanwhile never leaves: the audience is that of the new time alone.
func TestDeskDrawingCutOff(t *testing.T) {
	for _, moved := range []bool{false, true} {
		t.Run(fmt.Sprint("moved ", moved), func(t *testing.T) {
			var faulty *crmtest.Faulty
			shop, store := desked(t, 1200, func(c *vefa.Config) {
				faulty = crmtest.NewFaulty(c.Store)
				c.Store = faulty
			})
			eng, ctx := shop.Engine, t.Context()
			scheduled(t, shop, "everybody", offer(), nighttest.Start)
			_, err := eng.Segments(ctx) // everybody is read
			require.NoError(t, err)
			planned := func() (n int) {
				require.NoError(t, store.View(ctx, func(r crm.Reader) error {
					for _, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
						if n++; err != nil {
							return err
						}
					}
					return nil
				}))
				return n
			}
			for n := 1; planned() == 0; n++ {
				faulty.Fail(crmtest.Fault{Where: crmtest.After, N: n})
				_, err = eng.DrawDue(ctx)
				faulty.Heal()
				require.Less(t, n, 50)
			}
			require.Error(t, err)
			require.Less(t, planned(), 1200)
			require.Equal(t, campaigns.Scheduled, state(t, shop, "offer"))
			if moved {
				_, err = eng.Desk().Schedule(ctx, "offer", "ayse", nighttest.Start.Add(time.Hour))
				require.NoError(t, err)
			}
			_, err = eng.Deliver(ctx)
			require.NoError(t, err)
			require.Empty(t, shop.Sender.Messages(), "it has not begun")
			shop.Clock.Advance(2 * time.Hour)
			_, err = eng.DrawDue(ctx)
			require.NoError(t, err)
			_, err = eng.Deliver(ctx)
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), 1200)
			require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
			p, err := eng.Progress(ctx, "offer")
			require.NoError(t, err)
			require.Equal(t, 1200, p.Sent)
			require.Equal(t, 1200, p.Planned)
			res, err := eng.Results(ctx)
			require.NoError(t, err)
			require.EqualValues(t, 1200, res.Campaigns[0].Report.Counts.Assigned)
			clean(t, store)
		})
	}
}

// A process that draws a campaign that another has begun adds no recipient.
func TestDeskDrawnByTwo(t *testing.T) {
	const people, fewer = 600, 500
	shop, store := desked(t, people, nil)
	ctx := t.Context()
	svc := shop.Engine.Service()
	var keys []crm.ProfileKey
	for i := range people {
		keys = append(keys, nighttest.Key(i))
		require.NoError(t, svc.Tag(ctx, keys[i], crm.TagChange{Tag: "gold", By: "desk"}))
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	scheduled(t, shop, "gold", offer(), nighttest.Start)
	var once sync.Once
	slow := nighttest.New(t, store, shop.Clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.Campaigns, c.TrainAt, c.Segments = nil, nil, nil, -1, "segment everybody = everyone segment gold = tag(gold)"
		c.Desk = &campaigns.Config{}
		c.Progress = func(step string, done, _ int) {
			if !strings.HasPrefix(step, "campaign") {
				return
			}
			once.Do(func() { // it has planned those who come first
				require.Equal(t, fewer, done)
				for _, k := range keys[fewer:] {
					require.NoError(t, svc.Untag(ctx, k, crm.TagChange{Tag: "gold", By: "desk"}))
				}
				_, err := shop.Engine.DrawDue(ctx)
				require.NoError(t, err)
				require.Equal(t, campaigns.Sending, state(t, shop, "offer"))
			})
		}
	})
	_, err := slow.Engine.DrawDue(ctx)
	require.NoError(t, err)
	p, err := slow.Engine.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Equal(t, fewer, p.Waiting, "the others were not in the audience when it began")
	require.Equal(t, fewer, p.Life.Drawn.Considered)
}
