package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	offers "github.com/vefacrm/vefa/messaging/offer"
)

// Case E18: a campaign each evening, of which one customer answers each that he gets, by an
// order, and another none. He is written to every third day, the other less and less often, to
// the day.
func TestCadenceGrows(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	const days = 70
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Campaigns = nil, nil, -1, nil
		for day := range days {
			c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{nighttest.Start.AddDate(0, 0, day).Format(time.DateOnly)},
				Campaign: messaging.Campaign{Name: fmt.Sprint("day", day), Text: fmt.Sprint("Day ", day), Unmeasured: "a test",
					Cadence: messaging.Cadence{Every: 71 * time.Hour, Grow: 2, Most: 719 * time.Hour}}})
		}
	})
	got := map[crm.Address][]int{}
	b := nighttest.People(2)
	for day := range days {
		clock.Set(nighttest.Start.AddDate(0, 0, day))
		before := len(shop.Sender.Messages())
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		b = crm.Batch{}
		for _, m := range shop.Sender.Messages()[before:] {
			got[m.To] = append(got[m.To], day)
			if m.To == nighttest.Phone(0) {
				b.Facts = append(b.Facts, nighttest.Order(0, fmt.Sprint("a", day), clock.Now().Add(time.Hour)))
			}
		}
	}
	var often []int
	for day := 0; day < days; day += 3 {
		often = append(often, day)
	}
	require.Equal(t, often, got[nighttest.Phone(0)])
	require.Equal(t, []int{0, 3, 9, 21, 45}, got[nighttest.Phone(1)], "3, 6, 12 and 24 days, then 30")
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	for _, c := range res.Campaigns {
		if c.Name == "day1" {
			require.Equal(t, []vefa.Count{{Name: messaging.GuardCadence, N: 2}}, c.Withheld)
		}
	}
}

// Writing back, calling and coming to the store are answers to a message, as buying is. A
// machine that writes for him does not, nor what we say to him, nor what lies ahead.
func TestCadenceKnowsResponses(t *testing.T) {
	const days = 24
	interaction := func(i int, id string, at time.Time, data crm.Interaction) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindInteraction, Source: "shop", ID: id}, Subject: crm.OfProfile(nighttest.Key(i)), At: at, Version: 1, Data: &data}
	}
	type happened struct {
		inbound messaging.Inbound
		fact    *crm.Fact
	}
	responses := []struct {
		name    string
		after   func(i int, id string, at time.Time) happened
		answers [2]bool // as AtStore has visits, and as the host does
	}{
		{"writes back", func(i int, id string, at time.Time) happened {
			return happened{inbound: messaging.Inbound{ID: id, From: nighttest.Phone(i), Text: "Nice, put one aside for me", At: at}}
		}, [2]bool{true, true}},
		{"is away", func(i int, id string, at time.Time) happened {
			return happened{inbound: messaging.Inbound{ID: id, From: nighttest.Phone(i), Text: "I am away", At: at, Automatic: true}}
		}, [2]bool{}},
		{"calls", func(i int, id string, at time.Time) happened {
			return happened{fact: interaction(i, id, at, crm.Interaction{Channel: "call", Direction: "in"})}
		}, [2]bool{true, true}},
		{"is called", func(i int, id string, at time.Time) happened {
			return happened{fact: interaction(i, id, at, crm.Interaction{Channel: "call", Direction: "out"})}
		}, [2]bool{}},
		{"comes to the store", func(i int, id string, at time.Time) happened {
			return happened{fact: interaction(i, id, at, crm.Interaction{Channel: "store"})}
		}, [2]bool{true, false}},
		{"comes to the boutique", func(i int, id string, at time.Time) happened {
			return happened{fact: interaction(i, id, at, crm.Interaction{Channel: "boutique"})}
		}, [2]bool{false, true}},
		{"has a watch repaired", func(i int, id string, at time.Time) happened {
			return happened{fact: &crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: "pos", ID: id}, Subject: crm.OfProfile(nighttest.Key(i)), At: at, Version: 1, Data: &crm.Visit{Number: id, Service: "repair"}}}
		}, [2]bool{true, true}},
		{"an order lies ahead", func(i int, id string, at time.Time) happened {
			return happened{fact: nighttest.Order(i, id, at.AddDate(1, 0, 0))}
		}, [2]bool{}},
		{"a call lies ahead", func(i int, id string, at time.Time) happened {
			return happened{fact: interaction(i, id, at.AddDate(1, 0, 0), crm.Interaction{Channel: "call", Direction: "in"})}
		}, [2]bool{}},
	}
	for as, visit := range []func(*crm.Fact, *crm.Place) bool{nil, func(f *crm.Fact, _ *crm.Place) bool {
		said, ok := f.Data.(*crm.Interaction)
		return ok && said.Channel == "boutique"
	}} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Campaigns, c.StoreVisit = nil, nil, -1, nil, visit
			for day := range days {
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{nighttest.Start.AddDate(0, 0, day).Format(time.DateOnly)},
					Campaign: messaging.Campaign{Name: fmt.Sprint("day", day), Text: fmt.Sprint("Day ", day), Unmeasured: "a test",
						Cadence: messaging.Cadence{Every: 71 * time.Hour, Grow: 2, Most: 719 * time.Hour}}})
			}
		})
		got := map[crm.Address][]int{}
		b := nighttest.People(len(responses))
		for day := range days {
			clock.Set(nighttest.Start.AddDate(0, 0, day))
			before := len(shop.Sender.Messages())
			_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			b = crm.Batch{}
			clock.Advance(time.Hour)
			for _, m := range shop.Sender.Messages()[before:] {
				got[m.To] = append(got[m.To], day)
				for i, r := range responses {
					if m.To != nighttest.Phone(i) {
						continue
					}
					did := r.after(i, fmt.Sprint(i, "-", day), clock.Now())
					if did.fact != nil {
						b.Facts = append(b.Facts, did.fact)
						continue
					}
					_, err := shop.Engine.Feedback(t.Context(), messaging.Feedback{Inbound: []messaging.Inbound{did.inbound}})
					require.NoError(t, err)
				}
			}
		}
		for i, r := range responses {
			want := []int{0, 3, 9, 21}
			if r.answers[as] {
				want = []int{0, 3, 6, 9, 12, 15, 18, 21}
			}
			require.Equal(t, want, got[nighttest.Phone(i)], "%s, %d", r.name, as)
		}
	}
}

// Two campaigns of one evening know nothing of each other when they are drawn: the second is
// withheld when it would leave, also in one batch.
func TestCadenceWithinABatch(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Campaigns = nil, nil, -1, nil
		for _, name := range []string{"a", "b", "c"} {
			c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{"2025-03-03"},
				Campaign: messaging.Campaign{Name: name, Text: name, Unmeasured: "a test", Cadence: messaging.Cadence{Every: time.Hour}}})
		}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(200))})
	require.NoError(t, err)
	got := map[crm.Address]int{}
	for _, m := range shop.Sender.Messages() {
		got[m.To]++
	}
	require.Len(t, got, 200)
	for to, n := range got {
		require.Equal(t, 1, n, to)
	}
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, []vefa.Count{{Name: messaging.GuardCadence, N: 400}}, res.Withheld)
}

// What a person got at addresses that were replaced since counts for the cadence when a campaign
// is drawn, as when it leaves: nobody is held out beside people who get nothing. What the provider
// refused counts in neither.
func TestCadenceOfReplacedAddresses(t *testing.T) {
	const people = 60
	for _, refused := range []bool{false, true} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		sent := 0
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Campaigns = nil, nil, -1, nil
			c.Sender = messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
				if refused && m.Cause == "campaign/a" {
					return crm.Receipt{ID: m.ID, Status: crm.Declined}
				}
				sent++
				return crm.Receipt{ID: m.ID, Status: crm.Accepted}
			})
			for i, name := range []string{"a", "b"} {
				m := messaging.Campaign{Name: name, Text: name, Unmeasured: "a test"}
				if i == 1 {
					m.Cadence, m.Holdout, m.Window, m.Unmeasured = messaging.Cadence{Every: 240 * time.Hour}, 0.4, time.Hour, ""
				}
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{nighttest.Start.AddDate(0, 0, i).Format(time.DateOnly)}, Campaign: m})
			}
		})
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(people))})
		require.NoError(t, err)
		clock.Set(nighttest.Start.AddDate(0, 0, 1))
		b := nighttest.People(people)
		b.Facts = nil
		for i, p := range b.Profiles[:people/2] { // half of them have another number
			p.At = clock.Now().Add(-time.Hour)
			p.Contacts[0].Address = nighttest.Phone(1000 + i)
			b.Facts = append(b.Facts, nighttest.Consent(1000+i, p.ID, crm.Granted, p.At))
		}
		_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		res, err := shop.Engine.Results(t.Context())
		require.NoError(t, err)
		i := slices.IndexFunc(res.Campaigns, func(c vefa.CampaignResult) bool { return c.Name == "b" })
		n := res.Campaigns[i].Report.Counts
		if !refused {
			require.Equal(t, people, sent, "nobody gets a second within ten days")
			require.Zero(t, n.Assigned)
			require.Zero(t, n.HeldOut, "held out beside nobody")
			continue
		}
		require.EqualValues(t, people, n.Assigned+n.HeldOut, "nobody got the first")
		require.EqualValues(t, sent, n.Assigned)
	}
}

// A number that somebody had is another's now: what went to it counts for both, also where both
// are in one batch.
func TestCapOfAPassedOnNumber(t *testing.T) {
	for _, batch := range []int{1, 500} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Campaigns, c.Batch = nil, nil, -1, nil, batch
			for i, name := range []string{"a", "b"} {
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{nighttest.Start.AddDate(0, 0, i).Format(time.DateOnly)},
					Campaign: messaging.Campaign{Name: name, Text: name, Unmeasured: "a test", Caps: []messaging.Cap{{Max: 1, Per: 240 * time.Hour}}}})
			}
		})
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), 1)
		clock.Set(nighttest.Start.AddDate(0, 0, 1))
		b := nighttest.People(2)
		for i, p := range b.Profiles {
			p.At = clock.Now().Add(-time.Hour)
			p.Contacts[0].Address = nighttest.Phone(1 - i)
		}
		_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), 1, "in batches of %d", batch)
		effects, _ := recorded(t, store, crm.EffectMessage)
		require.Len(t, effects, 3)
	}
}

// Case E17: a campaign about rings goes to those to whom rings mean something; the others are
// withheld before anybody is held out, and counted.
func TestRelevance(t *testing.T) {
	const people = 300
	at := nighttest.Start
	run := func(t *testing.T, score offers.Scorer) (*nighttest.Retailer, crm.Store, error) {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(at)
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Relevance = nil, nil, -1, score
			c.Campaigns[0].Campaign = messaging.Campaign{Name: "rings", Text: "Rings", Holdout: 0.3, Window: time.Hour, Categories: []string{"ring"}, Relevance: 0.5}
		})
		b := nighttest.People(people)
		for i := range people {
			b.Profiles[i].Since, b.Profiles[i].At = at.AddDate(-5, 0, 0), at.AddDate(-5, 0, 0)
			o := b.Facts[2*i+1]
			of([]string{"ring", "strap", "ring"}[i%3], o)
			if i%3 == 2 {
				o.At = at.AddDate(-3, 0, 0)
			}
		}
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		return shop, store, err
	}
	// Bought a ring today: (1 + 0 + 1)/3. A strap today: 1/3. A ring three years ago: less.
	shop, store, err := run(t, nil)
	require.NoError(t, err)
	effects, data := recorded(t, store, crm.EffectMessage)
	require.Len(t, effects, people)
	held := 0
	for _, f := range effects {
		var i int
		_, err := fmt.Sscanf(data[f.ID].Profile.ID, nighttest.Key(0).ID[:len(nighttest.Key(0).ID)-1]+"%d", &i)
		require.NoError(t, err)
		if i%3 == 0 {
			require.NotEqual(t, crm.Withheld, f.State)
			if f.State == crm.HeldOut {
				held++
			}
			continue
		}
		require.Equal(t, crm.Withheld, f.State, "nobody is held out who would get nothing")
		for _, r := range f.Reasons {
			if r.Guard == messaging.GuardRelevance {
				require.Equal(t, map[int]string{1: "scored 0.33, at least 0.50 is asked", 2: "scored 0.05, at least 0.50 is asked"}[i%3], r.Note)
			}
		}
	}
	require.Greater(t, held, 15)
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, []vefa.Count{{Name: messaging.GuardRelevance, N: 200}}, res.Campaigns[0].Withheld)

	// The host's own.
	shop, _, err = run(t, func(_ context.Context, in offers.Interest) (float64, error) {
		if in.Person.Bought["strap"] == 1 && in.At.Sub(at) < time.Minute && in.Campaign == "rings" {
			return 0.5, nil
		}
		return 0.49, nil
	})
	require.NoError(t, err)
	require.InDelta(t, 70, len(shop.Sender.Messages()), 20, "of a hundred, less those held out")
}

// A scorer that fails for one customer withholds that one message, and neither those of others
// nor of other campaigns (case A18), when the campaign is drawn and when it leaves.
func TestScorerFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for want, score := range map[string]offers.Scorer{
		"Config.Relevance: no model":                                  func(context.Context, offers.Interest) (float64, error) { return 0, errors.New("no model") },
		"Config.Relevance: a score of NaN is not from 0 to 1":         func(context.Context, offers.Interest) (float64, error) { return math.NaN(), nil },
		"Config.Relevance: a score of 1.5 is not from 0 to 1":         func(context.Context, offers.Interest) (float64, error) { return 1.5, nil },
		"Config.Relevance: a score of -1e-09 is not from 0 to 1":      func(context.Context, offers.Interest) (float64, error) { return -1e-9, nil },
		"Config.Relevance: crm: score: panic: ouch":                   func(context.Context, offers.Interest) (float64, error) { panic("ouch") },
		"Config.Relevance: context canceled":                          func(context.Context, offers.Interest) (float64, error) { return 0, context.Canceled },
		"vefa: message \"rings\": Config.Relevance: context canceled": func(context.Context, offers.Interest) (float64, error) { cancel(); return 0, ctx.Err() },
	} {
		stops := strings.HasPrefix(want, "vefa")
		for _, drawing := range []bool{true, false} {
			if stops && drawing {
				continue
			}
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			ill := drawing
			shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Rules, c.Surveys, c.TrainAt, c.Campaigns = nil, nil, -1, nil
				c.Relevance = func(ctx context.Context, in offers.Interest) (float64, error) {
					if ill && in.Person.Unit == nighttest.Key(0).String() {
						return score(ctx, in)
					}
					return 1, nil
				}
				rings := messaging.Campaign{Name: "rings", Text: "Rings", Unmeasured: "a test", Start: nighttest.Start.Add(time.Hour), Relevance: 0.5}
				notice := rings
				notice.Name, notice.Class, notice.Relevance = "notice", vefa.Transactional, 0
				for _, m := range []messaging.Campaign{rings, notice} {
					c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{"2025-03-03"}, Campaign: m})
				}
			})
			_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(5))})
			require.NoError(t, err)
			ill = true
			clock.Advance(2 * time.Hour)
			if stops { // a call that was cancelled has decided nothing
				_, err = shop.Engine.Deliver(ctx)
				require.ErrorContains(t, err, want)
				ill = false
				_, err = shop.Engine.Deliver(t.Context())
				require.NoError(t, err)
				require.Len(t, shop.Sender.Messages(), 10)
				continue
			}
			_, err = shop.Engine.Deliver(t.Context())
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), 9)
			all, data := recorded(t, store, crm.EffectMessage)
			for _, f := range all {
				if data[f.ID].Profile != nighttest.Key(0) || data[f.ID].Name != "campaign/rings" {
					require.Equal(t, crm.Done, f.State)
					continue
				}
				require.Equal(t, crm.Withheld, f.State)
				i := slices.IndexFunc(f.Reasons, func(r crm.Reason) bool { return r.Guard == messaging.GuardRelevance })
				require.False(t, f.Reasons[i].Pass)
				require.Contains(t, f.Reasons[i].Note, want)
			}
		}
	}
}

// What a click within the campaign's own life says counts when the message leaves: a score is
// asked again then, of what is known by then.
func TestRelevanceIsAskedAgain(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	score := 0.9
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Relevance = func(context.Context, offers.Interest) (float64, error) { return score, nil }
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "rings", Text: "Rings", Unmeasured: "a test", Relevance: 0.5, Start: nighttest.Start.Add(time.Hour)}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(5))})
	require.NoError(t, err)
	require.Empty(t, shop.Sender.Messages())
	score = 0.1
	clock.Advance(2 * time.Hour)
	_, err = shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Empty(t, shop.Sender.Messages())
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, []vefa.Count{{Name: messaging.GuardRelevance, N: 5}}, res.Withheld)
}

// Answers count for the relevance of a campaign when it leaves, too, though no rule asks for them.
func TestRelevanceReadsResponses(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	var answered []bool
	at := nighttest.Start.Add(time.Minute)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "rings", Text: "Rings", Unmeasured: "a test", Relevance: 0.5}
		c.Relevance = func(_ context.Context, in offers.Interest) (float64, error) {
			answered = append(answered, in.Responded.Equal(at))
			return 1, nil
		}
	})
	svc := shop.Engine.Service()
	_, err := svc.Import(t.Context(), nighttest.People(1))
	require.NoError(t, err)
	require.NoError(t, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at, Version: 1,
		Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 9}}))
	clock.Set(nighttest.Start.Add(time.Hour))
	_, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Len(t, shop.Sender.Messages(), 1)
	require.Equal(t, []bool{true, true}, answered, "when it was drawn, and when it left")
}

// So they do for a campaign of the desk, of which the configuration knows nothing.
func TestRelevanceOfTheDeskReadsResponses(t *testing.T) {
	at := nighttest.Start.Add(time.Minute)
	var answered []bool
	shop, _ := desked(t, 1, func(c *vefa.Config) {
		c.Relevance = func(_ context.Context, in offers.Interest) (float64, error) {
			answered = append(answered, in.Responded.Equal(at))
			return 1, nil
		}
	})
	require.NoError(t, shop.Engine.Service().Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at, Version: 1,
		Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 9}}))
	shop.Clock.Set(nighttest.Start.Add(time.Hour))
	m := offer()
	m.Relevance = 0.5
	scheduled(t, shop, "everybody", m, shop.Clock.Now())
	_, err := shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	_, err = shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, shop.Sender.Messages(), 1)
	require.Equal(t, []bool{true, true}, answered, "when it was drawn, and when it left")
}

// What a campaign is about is what those words are about that somebody gets.
func TestRelevanceGoesByTheVariant(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "spring", Text: "Straps", Unmeasured: "a test", Relevance: 0.5, Categories: []string{"strap"},
			Variants: []messaging.Variant{{Name: "rings", Text: "Rings", Share: 0.5, Categories: []string{"ring"}}}}
		c.Relevance = func(_ context.Context, in offers.Interest) (float64, error) {
			return map[bool]float64{true: 1}[slices.Equal(in.Categories, []string{"ring"})], nil
		}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(40))})
	require.NoError(t, err)
	all, data := recorded(t, store, crm.EffectMessage)
	states := map[string]map[crm.EffectState]int{"": {}, "rings": {}}
	for _, f := range all {
		states[data[f.ID].Variant][f.State]++
	}
	require.Len(t, all, 40)
	require.Greater(t, states[""][crm.Withheld], 5)
	require.Greater(t, states["rings"][crm.Done], 5)
	require.Len(t, states[""], 1)
	require.Len(t, states["rings"], 1)
}
