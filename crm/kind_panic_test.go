package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// bomb is a content whose functions panic where its text says so.
type bomb struct {
	Where string `json:"where"`
}

func (b *bomb) Validate() error { b.at("validate"); return nil }

func (b *bomb) at(where string) {
	if b.Where == where {
		panic(where)
	}
}

func (b *bomb) MarshalJSON() ([]byte, error) {
	b.at("json")
	return []byte(`{"where":"` + b.Where + `"}`), nil
}

// TestAKindThatPanicsStopsOneRecord: whichever function of a host's kind panics, the
// record that it panicked for is rejected and the others of the batch are kept. Case A7,
// of kinds that a host brings.
func TestAKindThatPanicsStopsOneRecord(t *testing.T) {
	kind := crm.Kind{
		Name: "acme.bomb", New: func() crm.FactData { return new(bomb) }, Subject: crm.OnProfile, Unique: true,
		Table: "bombs", Columns: []crm.Column{crm.ColumnOf("spot", func(b *bomb) string { b.at("column"); return b.Where })},
		Example: func() crm.FactData { return &bomb{Where: "nowhere"} },
		Index:   func(f *crm.Fact, add func(crm.RefKind, string, int64)) { f.Data.(*bomb).at("index") },
		Names:   func(f *crm.Fact, add func(string, crm.ProfileKey)) { f.Data.(*bomb).at("names") },
		Moment:  func(f *crm.Fact) (time.Time, bool) { f.Data.(*bomb).at("moment"); return f.At, true },
		Digest:  func(f *crm.Fact) []string { f.Data.(*bomb).at("digest"); return nil },
	}
	at := time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC)
	fact := func(where string) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: "acme.bomb", Source: "pos", ID: where}, Subject: crm.OfProfile(crm.ProfileKey{Source: "pos", ID: "1"}), At: at, Version: 1, Data: &bomb{Where: where}}
	}
	svc := crm.New(memstore.New(kind), crm.Config{Kinds: []crm.Kind{kind}})
	bad := []string{"validate", "json", "column", "index", "names", "moment", "digest"}
	var b crm.Batch
	for _, where := range append(bad, "a", "b") {
		b.Facts = append(b.Facts, fact(where))
	}
	rep, err := svc.Import(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, 2, rep.Facts)
	require.Len(t, rep.Rejected, len(bad))
	for _, r := range rep.Rejected {
		var panicked *crm.PanicError
		require.ErrorAs(t, r.Err, &panicked, r.ID)
		require.ErrorIs(t, r.Err, crm.ErrInvalid, r.ID)
	}
	var panicked *crm.PanicError
	require.ErrorAs(t, svc.Record(t.Context(), fact("index")), &panicked)
}

// TestNobodyChangesATicket: a change without an actor is refused, and changes nothing.
func TestNobodyChangesATicket(t *testing.T) {
	svc := crm.New(memstore.New(), crm.Config{})
	k := crm.ProfileKey{Source: "pos", ID: "1"}
	_, err := svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{{ProfileKey: k}}})
	require.NoError(t, err)
	ref, err := svc.OpenTicket(t.Context(), k, "desk", "1", crm.Ticket{Title: "late"})
	require.NoError(t, err)
	for _, actor := range []string{"", "  "} {
		_, err = svc.ChangeTicket(t.Context(), ref, crm.TicketChange{Actor: actor, State: crm.TicketSolved})
		require.ErrorIs(t, err, crm.ErrInvalid)
		require.ErrorContains(t, err, "actor")
		require.ErrorIs(t, svc.SetTicket(t.Context(), ref, crm.TicketSolved, actor, ""), crm.ErrInvalid)
	}
	open := 0
	for f, err := range svc.OpenTickets(t.Context(), crm.TicketQuery{}) {
		require.NoError(t, err)
		require.Empty(t, f.Data.(*crm.Ticket).Log)
		open++
	}
	require.Equal(t, 1, open)
}
