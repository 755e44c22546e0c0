package vefa_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// A campaign that is sent at noon of a Turkish feast leaves at once to whom it is no feast and no
// night, and to each other at the first hour that is theirs.
func TestCampaignsHeedLocalHours(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	feast := time.Date(2025, 3, 30, 12, 0, 0, 0, istanbul) // Sunday, the first day of Ramazan Bayramı
	clock.Set(feast)
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger, c.Rules, c.Surveys, c.Home = slog.New(slog.DiscardHandler), nil, nil, istanbul
		c.Campaigns[0].On = []string{"2025-03-30"}
		c.Campaigns[0].Quiet = messaging.QuietHours{Local: true, Holidays: true, Spread: time.Minute}
		c.Jurisdictions = []messaging.Jurisdiction{{Country: "NL", Prefixes: []string{"+31"}, Zones: []string{"Europe/Amsterdam"},
			Open: []messaging.OpenHours{{From: "13:00", To: "20:00"}, {}, {}, {}, {}, {}, {}}}}
	})
	b := nighttest.People(4)
	numbers := []string{"+905320000000", "+4915112345678", "+33612345678", "+31612345678"}
	for i, n := range numbers {
		b.Profiles[i].Contacts[0].Value = n
		for _, f := range b.Facts {
			if f.Subject == crm.OfAddress(nighttest.Phone(i)) {
				f.Subject = crm.OfAddress(crm.Address{Channel: crm.Phone, Value: n})
			}
		}
	}
	_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	left := func() (out []string) {
		for _, m := range w.Sender.Messages() {
			out = append(out, m.To.Value)
		}
		return out
	}
	require.Equal(t, []string{numbers[1]}, left())
	for _, f := range effectsOf(t, store, "campaign/spring") {
		want := map[string]time.Time{numbers[0]: time.Date(2025, 4, 2, 6, 0, 0, 0, time.UTC), numbers[2]: time.Date(2025, 3, 31, 6, 0, 0, 0, time.UTC), numbers[3]: time.Date(2025, 3, 30, 11, 0, 0, 0, time.UTC)}[f.Subject.Address.Value]
		if !want.IsZero() {
			require.WithinRange(t, f.Due, want, want.Add(4*time.Minute), f.Subject.Address.Value)
		}
	}
	clock.Set(feast.Add(3 * time.Hour))
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{numbers[1], numbers[3]}, left())
	clock.Set(feast.AddDate(0, 0, 3))
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, numbers, left())
}

// The country of a postal address as exports have it, or one whose hours nobody knows, does not
// switch hours off: the campaign was drawn in the evening, and the process that delivers comes
// back at 3 in the morning.
func TestLocalHoursOfAnyCountry(t *testing.T) {
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	for _, country := range []string{"", "TR", "Türkiye", "tr", "JP"} {
		t.Run(country, func(t *testing.T) {
			mail := messaging.NewMemorySender(nil)
			shop, store := desked(t, 0, func(c *vefa.Config) {
				c.Channels = []messaging.Channel{{Name: crm.Email, Slots: []messaging.Slot{{Name: "subject", Form: messaging.LineForm}, {Name: "text"}}}}
				c.Sender = messaging.ByChannel{crm.Email: mail}
			})
			shop.Clock.Set(time.Date(2025, 3, 3, 19, 0, 0, 0, istanbul))
			to := crm.Address{Channel: crm.Email, Value: "ada@mail.example"}
			b := nighttest.People(1)
			b.Profiles[0].Contacts = []crm.Contact{{Address: to}}
			b.Profiles[0].Postal.Country = country
			b.Facts[0].Subject = crm.OfAddress(to)
			_, err := shop.Engine.Service().Import(t.Context(), b)
			require.NoError(t, err)
			scheduled(t, shop, "everybody", messaging.Campaign{Name: "m", Unmeasured: "a test",
				Contents: []messaging.Content{{Channel: crm.Email, Text: "Spring", Parts: map[string]string{"subject": "Spring"}}}, Quiet: messaging.QuietHours{Local: true}}, shop.Clock.Now())
			_, err = shop.Engine.DrawDue(t.Context())
			require.NoError(t, err)
			shop.Clock.Set(time.Date(2025, 3, 4, 3, 0, 0, 0, istanbul))
			_, err = shop.Engine.Deliver(t.Context())
			require.NoError(t, err)
			all, _ := recorded(t, store, crm.EffectMessage)
			require.Len(t, all, 1)
			require.Empty(t, mail.Messages(), "at 3 in Istanbul")
			require.Equal(t, crm.Planned, all[0].State, "%v", all[0].Reasons)
			shop.Clock.Advance(10 * time.Hour)
			_, err = shop.Engine.Deliver(t.Context())
			require.NoError(t, err)
			require.Len(t, mail.Messages(), 1)
		})
	}
}

// 47 CFR 64.1200(c)(1): 8 to 21 at the called party's. Who ordered at the web shop, a place in New
// York, may be anywhere, and a number of Los Angeles says where; who was in a store in New York may
// be in either.
func TestLocalHoursOfAWebShop(t *testing.T) {
	zone := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		return loc
	}
	la, ny := zone("America/Los_Angeles"), zone("America/New_York")
	for kind, want := range map[string]time.Time{ // from 21:30 in New York
		"web":   time.Date(2025, 3, 3, 18, 30, 0, 0, la),
		"store": time.Date(2025, 3, 4, 8, 0, 0, 0, la),
	} {
		t.Run(kind, func(t *testing.T) {
			shop, _ := desked(t, 0, func(c *vefa.Config) { c.Currency, c.People = "USD", people.Options{Region: "US"} })
			ctx := t.Context()
			require.NoError(t, shop.Engine.Service().PutPlaces(ctx, &crm.Place{ID: "ny", Kind: kind, Name: "New York", Zone: ny.String()}))
			b := nighttest.People(1)
			to := crm.Address{Channel: crm.Phone, Value: "+12135550100"}
			b.Profiles[0].Contacts[0].Address = to
			b.Facts[0].Subject = crm.OfAddress(to)
			b.Facts[1].Place = "ny"
			b.Facts[1].Data.(*crm.Order).Total.Currency = "USD"
			_, err := shop.Engine.Service().Import(ctx, b)
			require.NoError(t, err)
			shop.Clock.Set(time.Date(2025, 3, 3, 21, 30, 0, 0, ny))
			m := offer()
			m.Quiet = messaging.QuietHours{Local: true, Spread: time.Second}
			scheduled(t, shop, "everybody", m, shop.Clock.Now())
			_, err = shop.Engine.DrawDue(ctx)
			require.NoError(t, err)
			for range 48 {
				_, err = shop.Engine.Deliver(ctx)
				require.NoError(t, err)
				shop.Clock.Advance(30 * time.Minute)
			}
			sent := shop.Sender.Messages()
			require.Len(t, sent, 1)
			require.Equal(t, want.UTC(), sent[0].At.UTC().Truncate(time.Minute))
		})
	}
}
