package vefa_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
)

// sharedPhone imports n records that all have one phone, each with an order,
// and makes one customer of them by decisions written straight to the store.
func sharedPhone(tb testing.TB, svc *crm.Service, n int, at time.Time) {
	ctx := context.Background()
	phone := crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	b := crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindConsent, Source: "till", ID: "c"}, Subject: crm.OfAddress(phone), At: at, Version: 1,
		Data: &crm.Consent{ConsentKey: crm.ConsentKey{Brand: "bench"}, Status: crm.Granted}}}}
	for i := range n {
		key := crm.ProfileKey{Source: "till", ID: fmt.Sprint(i)}
		b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: key, At: at, Since: at.Add(time.Duration(i) * time.Second),
			Name: crm.Name{Given: "Ada", Family: "Usta"}, Contacts: []crm.Contact{{Address: phone}}})
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: fmt.Sprint(i)}, Subject: crm.OfProfile(key), At: at, Version: 1,
			Data: &crm.Order{Number: fmt.Sprint(i), Total: crm.Money{Amount: 1000, Currency: "TRY"}}})
	}
	rep, err := svc.Import(ctx, b)
	require.NoError(tb, err)
	require.Empty(tb, rep.Rejected)
	require.NoError(tb, svc.Store().Update(ctx, func(tx crm.Tx) error {
		first, err := tx.Profiles(ctx, b.Profiles[0].ProfileKey)
		if err != nil {
			return err
		}
		var links []*crm.Link
		for _, p := range b.Profiles[1:] {
			links = append(links, &crm.Link{Profile: p.ProfileKey, Customer: first[0].Customer, Kind: crm.LinkManual, Actor: "test", At: at})
		}
		return tx.AppendLinks(ctx, links...)
	}))
}

func sharedPhoneEngine(tb testing.TB, now func() time.Time) *vefa.Engine {
	book, err := rules.ReadYAML("evening.yaml", []byte(`rules: [{name: ask, when: DaysSincePurchase == 0 and SMSConsent, then: [{survey: visit}]}]`))
	require.NoError(tb, err)
	eng, err := vefa.New(vefa.Config{
		Store: memstore.New(), Now: now, Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example",
		Keys: nighttest.Keys(), Rules: []*rules.Book{book}, Consent: crm.ConsentKey{Brand: "bench"},
		Surveys: []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(), Invitation: messaging.Campaign{Name: "visit", Text: "{link}",
			Fields: []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 60}}, Unmeasured: "a test"}}},
	})
	require.NoError(tb, err)
	return eng
}

// Case A12: one phone on many records. 50,000 of them are audited in seconds,
// and an evening over them is not quadratic either:
//
//	go test -run xxx -bench SharedPhone -benchtime 1x ./vefa
func BenchmarkSharedPhone(b *testing.B) {
	ctx := context.Background()
	now := time.Date(2025, 1, 1, 15, 0, 0, 0, time.UTC)
	for b.Loop() {
		eng := sharedPhoneEngine(b, func() time.Time { return now })
		start := time.Now()
		sharedPhone(b, eng.Service(), 50_000, now.Add(-time.Hour))
		b.ReportMetric(time.Since(start).Seconds(), "s/import")
		start = time.Now()
		rep, err := eng.Night(ctx, vefa.Night{})
		require.NoError(b, err)
		b.ReportMetric(time.Since(start).Seconds(), "s/evening")
		for _, step := range []string{"identify", "clicks", "rules", "carry", "deliver"} {
			b.ReportMetric(seconds(rep, step), "s/"+step)
		}
		b.Log(rep.Rules, rep.Identified, rep.Delivered)
		start = time.Now()
		audit, err := vefa.Audit(ctx, eng.Service().Store(), crm.ConsentKey{Brand: "bench"})
		require.NoError(b, err)
		b.Log(audit)
		b.ReportMetric(time.Since(start).Seconds(), "s/audit")
	}
}
