package crm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/storetest"
)

// Case A7: what Validate accepts, an import accepts, and finds again.
func TestValidIsAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		b := storetest.ValidRecord(rapid.Uint64().Draw(t, "seed"))
		for _, p := range b.Profiles {
			require.NoError(t, p.Validate())
		}
		for _, f := range b.Facts {
			require.NoError(t, f.Validate())
		}
		s := crm.New(memstore.New(), crm.Config{})
		rep, err := s.Import(ctx, b)
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		require.Equal(t, 1, rep.Profiles+rep.Facts)
		rep, err = s.Import(ctx, b)
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Repeated: 1}, rep)
		var queries []crm.Query
		for _, p := range b.Profiles {
			for _, c := range p.Contacts {
				if !c.Masked {
					queries = append(queries, crm.Query{Address: c.Address})
				}
			}
		}
		for _, f := range b.Facts {
			if o, ok := f.Data.(*crm.Order); ok {
				queries = append(queries, crm.Query{OrderNumber: o.Number})
			}
		}
		for _, q := range queries {
			n := 0
			for hit, err := range s.Find(ctx, q) {
				require.NoError(t, err)
				n++
				if len(b.Facts) > 0 {
					require.Equal(t, b.Facts[0].Key, hit.Fact)
				}
			}
			require.Equal(t, 1, n, "%+v", q)
		}
	})
}

// Case A7: faults that no store could keep are the record's own.
func TestUnstorableIsInvalid(t *testing.T) {
	far := time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)
	before := time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
	type embedded struct{ *crm.Order }
	fact := func(d crm.FactData) *crm.Fact {
		kind := crm.KindOrder
		if k := crm.BuiltIn().OfData(d); k != nil {
			kind = k.Name
		}
		return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "s", ID: "1"}, Subject: crm.OfProfile(pos("1")), At: t0, Data: d}
	}
	for field, f := range map[string]*crm.Fact{
		"delivered": fact(&crm.Order{Number: "1", Delivered: far}),
		"done":      fact(&crm.Visit{Number: "1", Service: "x", Done: before}),
		"opened":    fact(&crm.Ticket{State: crm.TicketOpen, Opened: far}),
		"log[0].at": fact(&crm.Ticket{State: crm.TicketOpen, Opened: t0, Log: []crm.TicketLog{{At: far}}}),
		"expires":   fact(&crm.TagChange{Tag: "x", Expires: far}),
		"values":    fact(&crm.Answer{Survey: "x", Values: map[string]any{"f": func() {}}}),
		"data":      fact(&crm.Custom{JSON: []byte(`{}`)}),
		"data is a": fact(embedded{&crm.Order{Number: "1"}}),
		"currency":  fact(&crm.Order{Number: "1", Total: crm.Money{Amount: 1, Currency: "\x00\x00\x00"}}),
	} {
		require.ErrorContains(t, f.Validate(), field)
		s, _ := newService(t)
		rep, err := s.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{f, order(pos("1"), "2", t0)}})
		require.NoError(t, err)
		require.Len(t, rep.Rejected, 1, field)
		require.Equal(t, 1, rep.Facts)
	}
	for _, p := range []*crm.Profile{{ProfileKey: pos("1"), At: far}, {ProfileKey: pos("1"), Since: before}} {
		require.Error(t, p.Validate())
	}
	f := order(pos("1"), "1", time.Date(1, 1, 1, 0, 0, 0, 999, time.UTC))
	require.ErrorContains(t, f.Validate(), "at must be set")
	f.At = far
	require.ErrorContains(t, f.Validate(), "at has a year")
}

// pickyStore refuses facts with a place, as a database does that has a
// constraint of its own, or is down.
type pickyStore struct {
	crm.Store
	kind error
}

type pickyTx struct {
	crm.Tx
	kind error
}

func (s pickyStore) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(pickyTx{tx, s.kind}) })
}

func (t pickyTx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	for _, f := range facts {
		if strings.HasPrefix(f.Place, "bad") {
			return nil, &crm.Error{Op: "put", Entity: "fact", Kind: t.kind, Err: fmt.Errorf("place %q", f.Place)}
		}
	}
	return t.Tx.PutFacts(ctx, facts...)
}

// Case A7: a record that only the store refuses stops no neighbour.
func TestOneBadRecordIsRejectedAlone(t *testing.T) {
	var b crm.Batch
	for i := range 700 {
		f := order(pos(fmt.Sprint(i)), fmt.Sprint("o", i), t0)
		if i%233 == 0 {
			f.Place = fmt.Sprint("bad", i)
		}
		b.Facts = append(b.Facts, f)
		b.Profiles = append(b.Profiles, person(pos(fmt.Sprint(i)), "A", "B", t0))
	}
	for _, workers := range []int{1, 4} {
		s := crm.New(pickyStore{memstore.New(), crm.ErrInvalid}, crm.Config{Workers: workers})
		rep, err := s.Import(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, 700, rep.Profiles)
		require.Equal(t, 696, rep.Facts)
		require.Len(t, rep.Rejected, 4)
		for _, r := range rep.Rejected {
			require.Equal(t, "order", r.Entity)
			require.ErrorContains(t, r.Err, `place "bad`)
		}
	}
	s := crm.New(pickyStore{memstore.New(), nil}, crm.Config{})
	_, err := s.Import(t.Context(), b)
	require.Error(t, err, "a store that fails is no fault of the records")
}
