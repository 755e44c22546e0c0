package vefa_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey"
)

// TestSaidOnce: the kind of a fact, the name of an invitation and its link are said once,
// and what the host gave stays as it is. Case B17.
func TestSaidOnce(t *testing.T) {
	cfg := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
		Messages: []messaging.Campaign{{Name: "offer", Text: "See {link}", URL: "https://shop.example/x", Unmeasured: "a test"},
			{Name: "plain", Text: "Write {{link}} as it is", Unmeasured: "a test"}},
		Surveys: []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(), Invitation: messaging.Campaign{Text: "{link}", Unmeasured: "a test"}}}}
	eng, err := vefa.New(cfg)
	require.NoError(t, err)
	require.Empty(t, cfg.Messages[0].Fields)
	require.Empty(t, cfg.Surveys[0].Invitation.Name)

	bad := cfg
	bad.Messages = []messaging.Campaign{{Name: "offer", Text: "See {link}", Unmeasured: "a test"}}
	_, err = vefa.New(bad)
	require.ErrorContains(t, err, "has a link and no URL that it leads to")

	svc, ayse := eng.Service(), crm.ProfileKey{Source: "till", ID: "1"}
	order := &crm.Fact{Key: crm.FactKey{Source: "till", ID: "9"}, Subject: crm.OfProfile(ayse), At: nighttest.Start, Data: &crm.Order{Number: "9"}}
	note := &crm.Fact{Key: crm.FactKey{Source: "till", ID: "n"}, Subject: crm.OfProfile(ayse), At: nighttest.Start, Data: &crm.Note{Text: "x"}}
	rep, err := svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{{ProfileKey: ayse}}, Facts: []*crm.Fact{order, nil, {Subject: crm.OfProfile(ayse), At: nighttest.Start, Data: (*crm.Order)(nil)}}})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Facts)
	require.Len(t, rep.Rejected, 2)
	require.NoError(t, svc.Record(t.Context(), note))
	require.Empty(t, order.Key.Kind, "what the host gave is its own")
	c, err := svc.CustomerOf(t.Context(), ayse)
	require.NoError(t, err)
	facts, err := svc.Facts(t.Context(), c.ID)
	require.NoError(t, err)
	var kinds []crm.FactKind
	for _, f := range facts {
		kinds = append(kinds, f.Key.Kind)
	}
	require.ElementsMatch(t, []crm.FactKind{crm.KindOrder, crm.KindNote}, kinds)
	for f, o := range crm.FactsAs[*crm.Order](facts) {
		require.Equal(t, "9", f.Key.ID)
		require.Equal(t, "9", o.Number)
		kinds = nil
	}
	require.Nil(t, kinds, "there is one")
	orphan := *note
	orphan.Subject = crm.OfProfile(crm.ProfileKey{Source: "till", ID: "nobody"})
	require.ErrorIs(t, svc.Record(t.Context(), &orphan), crm.ErrNotFound, "a note on nobody, by its Data")
}
