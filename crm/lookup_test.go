package crm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// TestLookUps asks for people by everything that is known of them: each clue
// alone, several as alternatives, and clues that must find no record.
func TestLookUps(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	a, b, c := pos("1"), pos("2"), web("3")
	shared := phone(7)
	gift := order(a, "TR-555", t0)
	gift.Data.(*crm.Order).Recipient = c
	visit := &crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: "service", ID: "v1"}, Subject: crm.OfProfile(b), At: t0, Version: 1, Data: &crm.Visit{Number: "v1", Service: "battery", Serial: "SN-9"}}
	_, err := s.Import(ctx, crm.Batch{
		Profiles: []*crm.Profile{person(a, "Ada", "Kaya", t0, phone(1), shared), person(b, "Işıl", "Gülşahin", t0, phone(2), shared), person(c, "Çağlar", "Öztürk", t0)},
		Facts:    []*crm.Fact{order(a, "1001", t0), order(b, "1002", t0), gift, visit},
	})
	require.NoError(t, err)
	key := func(kind crm.FactKind, source, id string) crm.FactKey {
		return crm.FactKey{Kind: kind, Source: source, ID: id}
	}
	one, two, present := key(crm.KindOrder, "pos", "1001"), key(crm.KindOrder, "pos", "1002"), key(crm.KindOrder, "pos", "TR-555")
	for name, x := range map[string]struct {
		q    crm.Query
		want []crm.Hit
	}{
		"nothing":                       {crm.Query{}, nil},
		"an address":                    {crm.Query{Address: phone(1)}, []crm.Hit{{Profile: a}}},
		"a shared address":              {crm.Query{Address: shared}, []crm.Hit{{Profile: a}, {Profile: b}}},
		"an unknown address":            {crm.Query{Address: phone(99)}, nil},
		"a key":                         {crm.Query{External: b}, []crm.Hit{{Profile: b}}},
		"an unknown key":                {crm.Query{External: pos("99")}, nil},
		"an order":                      {crm.Query{OrderNumber: "1001"}, []crm.Hit{{Profile: a, Fact: one}}},
		"an unknown order":              {crm.Query{OrderNumber: "1003"}, nil},
		"a serial number of an order":   {crm.Query{Serial: "SN1002"}, []crm.Hit{{Profile: b, Fact: two}}},
		"a serial number of a visit":    {crm.Query{Serial: "SN-9"}, []crm.Hit{{Profile: b, Fact: visit.Key}}},
		"an unknown serial number":      {crm.Query{Serial: "SN-8"}, nil},
		"a suffix and the buyer":        {crm.Query{Suffix: "555", Surname: "KAYA"}, []crm.Hit{{Profile: a, Fact: present}}},
		"a suffix and the recipient":    {crm.Query{Suffix: "555", Surname: "ozturk"}, []crm.Hit{{Profile: a, Fact: present}}},
		"a suffix and somebody else":    {crm.Query{Suffix: "555", Surname: "Gülşahin"}, nil},
		"a suffix alone":                {crm.Query{Suffix: "555"}, nil},
		"a surname alone":               {crm.Query{Surname: "Kaya"}, nil},
		"the key and what it finds too": {crm.Query{External: a, Address: phone(1)}, []crm.Hit{{Profile: a}}},
		"alternatives":                  {crm.Query{External: c, Address: shared, OrderNumber: "1002", Serial: "SN1002"}, []crm.Hit{{Profile: c}, {Profile: a}, {Profile: b}, {Profile: b, Fact: two}}},
		"a key and an order":            {crm.Query{External: pos("99"), OrderNumber: "1001"}, []crm.Hit{{Profile: a, Fact: one}}},
		"longer than any key":           {crm.Query{OrderNumber: strings.Repeat("1", crm.MaxKeyLen+1), Serial: strings.Repeat("1", crm.MaxKeyLen+1)}, nil},
		"as long as a key":              {crm.Query{OrderNumber: strings.Repeat("1", crm.MaxKeyLen)}, nil},
	} {
		var got []crm.Hit
		for h, err := range s.Find(ctx, x.q) {
			require.NoError(t, err, name)
			who, err := s.CustomerOf(ctx, h.Profile)
			require.NoError(t, err)
			require.Equal(t, who.ID, h.Customer, name)
			h.Customer = ""
			got = append(got, h)
		}
		require.ElementsMatch(t, x.want, got, name)
		if len(x.want) > 1 {
			n := 0
			for range s.Find(ctx, x.q) {
				n++
				break
			}
			require.Equal(t, 1, n)
		}
	}
}

// TestLookUpsAreBounded reads at most a thousand entries of one index.
func TestLookUpsAreBounded(t *testing.T) {
	s, _ := newService(t)
	var b crm.Batch
	for i := range 1010 {
		b.Profiles = append(b.Profiles, person(pos(fmt.Sprint(i)), "A", "B", t0, phone(1)))
	}
	_, err := s.Import(t.Context(), b)
	require.NoError(t, err)
	n := 0
	for _, err := range s.Find(t.Context(), crm.Query{Address: phone(1)}) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1000, n)
}

// TestEntriesFollowAFact holds that a newer version of an order is not found by what
// it does not say any more.
func TestEntriesFollowAFact(t *testing.T) {
	s, _ := newService(t)
	sold := func(version int64, number string, serials ...string) *crm.Fact {
		o := &crm.Order{Number: number}
		for _, n := range serials {
			o.Lines = append(o.Lines, crm.OrderLine{SKU: "W-1", Quantity: 1, Serial: n})
		}
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "1"}, Subject: crm.OfProfile(pos("1")), At: t0, Version: version, Data: o}
	}
	found := func(q crm.Query) (n int) {
		for _, err := range s.Find(t.Context(), q) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	require.NoError(t, s.Record(t.Context(), sold(1, "1001", "a", "b")))
	require.NoError(t, s.Record(t.Context(), sold(3, "1002", "b", "c")))
	_, err := s.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{sold(2, "1003", "d")}}) // older
	require.NoError(t, err)
	for q, want := range map[crm.Query]int{{OrderNumber: "1001"}: 0, {OrderNumber: "1002"}: 1, {OrderNumber: "1003"}: 0,
		{Serial: "a"}: 0, {Serial: "b"}: 1, {Serial: "c"}: 1, {Serial: "d"}: 0} {
		require.Equal(t, want, found(q), "%+v", q)
	}
}
