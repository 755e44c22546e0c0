package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// TestStoreVisits gives each of the addressed a history and asks for the visits that it means:
// within the window, at a store, once a day and place. Of those held out a tenth came.
func TestStoreVisits(t *testing.T) {
	const people = 400
	window := 10 * 24 * time.Hour
	type history struct {
		name   string
		visits int // by AtStore
		facts  func(id string, at crm.Subject, from time.Time) []*crm.Fact
	}
	fact := func(kind crm.FactKind, id string, s crm.Subject, at time.Time, place string, d crm.FactData) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "pos", ID: id}, Subject: s, At: at, Place: place, Version: 1, Data: d}
	}
	order := func(id string, s crm.Subject, at time.Time, place string, change func(*crm.Order)) *crm.Fact {
		o := &crm.Order{Number: id, Channel: "store", Total: crm.Money{Amount: 10000, Currency: "TRY"}}
		if change != nil {
			change(o)
		}
		return fact(crm.KindOrder, id, s, at, place, o)
	}
	noon := func(from time.Time, days int) time.Time {
		return from.Truncate(24*time.Hour).AddDate(0, 0, days).Add(9 * time.Hour)
	}
	histories := []history{
		{"nothing", 0, func(string, crm.Subject, time.Time) []*crm.Fact { return nil }},
		{"twice on a day and place, once elsewhere", 2, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			return []*crm.Fact{order(id, s, noon(from, 1), "izmir", nil), order(id+"b", s, noon(from, 1).Add(time.Hour), "izmir", nil), order(id+"c", s, noon(from, 1), "bursa", nil)}
		}},
		{"two days", 2, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			return []*crm.Fact{order(id, s, noon(from, 1), "izmir", nil), order(id+"b", s, noon(from, 2), "izmir", nil)}
		}},
		{"before, and after the window", 0, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			return []*crm.Fact{order(id, s, from.Add(-time.Minute), "izmir", nil), order(id+"b", s, from.Add(window+time.Minute), "izmir", nil)}
		}},
		{"the web, and a cancelled sale", 0, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			return []*crm.Fact{order(id, s, noon(from, 1), "", func(o *crm.Order) { o.Channel = "web" }), order(id+"b", s, noon(from, 1), "izmir", func(o *crm.Order) { o.Status = crm.OrderCancelled })}
		}},
		{"looked, and was called", 1, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			return []*crm.Fact{fact(crm.KindInteraction, id, s, noon(from, 3), "izmir", &crm.Interaction{Channel: "store", Direction: "in"}),
				fact(crm.KindInteraction, id+"b", s, noon(from, 4), "izmir", &crm.Interaction{Channel: "store", Direction: "out"}),
				fact(crm.KindInteraction, id+"c", s, noon(from, 5), "", &crm.Interaction{Channel: "call", Direction: "in"})}
		}},
		{"a battery, and the day over midnight in Istanbul", 2, func(id string, s crm.Subject, from time.Time) []*crm.Fact {
			at := noon(from, 3).Add(11*time.Hour + 30*time.Minute) // 20:30 UTC, 23:30 there
			return []*crm.Fact{fact(crm.KindVisit, id, s, at, "izmir", &crm.Visit{Number: id, Service: "battery"}), order(id+"b", s, at.Add(time.Hour), "izmir", nil)}
		}},
	}
	for name, own := range map[string]func(f *crm.Fact, place *crm.Place) bool{
		"as it is": nil,
		"the host's": func(f *crm.Fact, place *crm.Place) bool {
			return place != nil && place.Kind == "store" && place.ID == "bursa"
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Rules, c.Surveys, c.TrainAt, c.StoreVisit = nil, nil, -1, own
				c.Campaigns[0].Campaign = messaging.Campaign{Name: "spring", Text: "Spring", Holdout: 0.3, Window: window}
			})
			require.NoError(t, shop.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "izmir", Kind: "store", Name: "I", Zone: "Europe/Istanbul"}, &crm.Place{ID: "bursa", Kind: "store", Name: "B", Zone: "Europe/Istanbul"}))
			_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(people))})
			require.NoError(t, err)
			var want experiment.Counts
			var arms [2]experiment.Spend
			var facts []*crm.Fact
			effects, data := recorded(t, store, crm.EffectMessage)
			for i, f := range effects {
				h := histories[i%len(histories)]
				if f.State == crm.HeldOut {
					if h = histories[0]; want.HeldOut%10 == 0 {
						h = histories[1]
					}
				}
				facts = append(facts, h.facts(fmt.Sprint("f", i), crm.OfProfile(data[f.ID].Profile), f.Created)...)
				n := h.visits
				if own != nil {
					n = map[bool]int{true: 1}[h.name == histories[1].name]
				}
				if f.State == crm.HeldOut {
					want.HeldOut++
					want.HeldOutConverted += int64(min(n, 1))
					arms[1].Add(int64(n))
				} else {
					want.Assigned++
					want.Converted += int64(min(n, 1))
					arms[0].Add(int64(n))
				}
			}
			_, err = shop.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
			require.NoError(t, err)
			clock.Set(nighttest.Start.AddDate(0, 0, 20))
			res, err := shop.Engine.Results(t.Context())
			require.NoError(t, err)
			got := res.Campaigns[0].Visits
			require.NotNil(t, got)
			want.Delivered = want.Assigned
			require.Equal(t, want, got.Report.Counts)
			mean, err := experiment.CompareSpend(arms[0], arms[1], 0)
			require.NoError(t, err)
			require.Equal(t, mean, got.Mean)
			require.InDelta(t, float64(want.Assigned)*mean.Difference, got.Extra, 1e-9)
			require.True(t, got.Low < got.Extra && got.Extra < got.High)
			if own == nil {
				require.Equal(t, experiment.Better, got.Report.Result)
			}
		})
	}
}

// Where the record has no visits nothing is said about them, and a host's function that panics
// is an error.
func TestNoStoreVisits(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	panics := false
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.StoreVisit = func(*crm.Fact, *crm.Place) bool {
			if panics {
				panic("ouch")
			}
			return false
		}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(20))})
	require.NoError(t, err)
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Nil(t, res.Campaigns[0].Visits)
	panics = true
	_, err = shop.Engine.Results(t.Context())
	require.ErrorContains(t, err, "Config.StoreVisit")
}
