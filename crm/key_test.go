package crm_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Keys are written so that no two are alike: the index of facts, audiences and
// arms of campaigns rest on it.
func TestKeysAreWrittenApart(t *testing.T) {
	seen := map[string]crm.ProfileKey{}
	text := rapid.StringMatching(`[ab/%25F]{1,5}`)
	rapid.Check(t, func(t *rapid.T) {
		k := crm.ProfileKey{Source: text.Draw(t, "source"), ID: text.Draw(t, "id")}
		if was, ok := seen[k.String()]; ok && was != k {
			t.Fatalf("%#v and %#v are both written %s", was, k, k)
		}
		seen[k.String()] = k
	})
	require.Equal(t, "till/47/11", crm.ProfileKey{Source: "till", ID: "47/11"}.String())
}

// Two systems whose names have slashes do not find each other's orders.
func TestSourcesWithSlashes(t *testing.T) {
	ctx := context.Background()
	svc := crm.New(memstore.New(), crm.Config{})
	one, other := crm.ProfileKey{Source: "erp/tr", ID: "1"}, crm.ProfileKey{Source: "erp", ID: "tr/1"}
	order := func(who crm.ProfileKey, number string) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: who.Source, ID: who.ID}, Subject: crm.OfProfile(who),
			At: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), Data: &crm.Order{Number: number, Total: crm.Money{Amount: 1, Currency: "TRY"}}}
	}
	rep, err := svc.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{{ProfileKey: one, Name: crm.Name{Family: "Kaya"}}, {ProfileKey: other, Name: crm.Name{Family: "Kaya"}}},
		Facts:    []*crm.Fact{order(one, "100"), order(other, "200")},
	})
	require.NoError(t, err)
	require.Empty(t, rep.Rejected)
	for who, number := range map[crm.ProfileKey]string{one: "100", other: "200"} {
		n := 0
		for hit, err := range svc.Find(ctx, crm.Query{OrderNumber: number}) {
			require.NoError(t, err)
			require.Equal(t, who, hit.Profile)
			require.Equal(t, crm.FactKey{Kind: crm.KindOrder, Source: who.Source, ID: who.ID}, hit.Fact)
			n++
		}
		require.Equal(t, 1, n)
	}
}

// Counters are locked in the order of their keys: by kind, then by id.
func TestCounterKeysHaveAnOrder(t *testing.T) {
	keys := []crm.CounterKey{{Kind: "stock", ID: "1"}, {Kind: "stock", ID: "2"}, {Kind: "voucher", ID: "0"}, {Kind: "voucher", ID: "1"}}
	for i, a := range keys {
		for j, b := range keys {
			require.Equal(t, cmp.Compare(i, j), a.Compare(b), "%v %v", a, b)
		}
	}
}
