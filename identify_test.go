package vefa_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestAModelOfAnotherVersionIsLearntAgain puts a model into the record that this
// version cannot read, and one that was learnt with another schema.
func TestAModelOfAnotherVersionIsLearntAgain(t *testing.T) {
	for name, change := range map[string]func(m *dedup.Model){
		"format": func(m *dedup.Model) { m.Format = dedup.ModelFormat + 1 },
		"schema": func(m *dedup.Model) { m.Schema = "people/0 00000000" },
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(time.Date(2025, 3, 3, 18, 0, 0, 0, time.UTC))
			start := func() *vefa.Engine {
				return nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt = 20 }).Engine
			}
			rep, err := start().Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(60))})
			require.NoError(t, err)
			require.True(t, rep.Identified.Trained)

			type learnt struct {
				Records int             `json:"records"`
				Model   json.RawMessage `json:"model"`
			}
			read := func() (l learnt, m dedup.Model, rev int64) {
				require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
					docs, err := r.Documents(t.Context(), "dedup", "people")
					if err != nil {
						return err
					}
					rev = docs[0].Rev
					return docs[0].Decode(&l)
				}))
				require.NoError(t, json.Unmarshal(l.Model, &m))
				return l, m, rev
			}
			l, m, rev := read()
			good := m
			change(&m)
			l.Model, err = json.Marshal(m)
			require.NoError(t, err)
			require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
				doc, err := crm.NewDocument("dedup", "people", l)
				if err != nil {
					return err
				}
				doc.Rev = rev
				return tx.PutDocuments(t.Context(), doc)
			}))

			clock.Set(time.Date(2025, 3, 4, 18, 0, 0, 0, time.UTC))
			rep, err = start().Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.True(t, rep.Identified.Trained)
			_, m, _ = read()
			require.Equal(t, good.Format, m.Format)
			require.Equal(t, good.Schema, m.Schema)
		})
	}
}

// TestLinkageOfAnotherProcess: an engine that reads everybody anew finds out of place what
// one finds that has been there all evenings: profiles that are
// no longer alike and those that have become so, beside what people decided and what
// linkage does not look at.
func TestLinkageOfAnotherProcess(t *testing.T) {
	evenings := func(t *testing.T, stays bool) (sum [32]byte, moved int) {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		start := func() *vefa.Engine {
			return nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt = 20 }).Engine
		}
		eng := start()
		var all crm.Batch
		for b := range crmtest.Customers(200, crmtest.Options{Brand: nighttest.Brand.Brand, Twice: 0.3, Batch: 1 << 20, Until: nighttest.Start}) {
			all = b
		}
		all.Profiles = append(all.Profiles, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "erp", ID: "firm"}, Since: nighttest.Start, Kind: crm.Organisation, Name: crm.Name{Full: "Deniz Ticaret A.Ş."}})
		for day := range 2 {
			_, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(all)})
			require.NoError(t, err)
			clock.Set(nighttest.Start.AddDate(0, 0, day+1))
		}
		var pairs [][]crm.ProfileKey // of customers of two
		var lone []*crm.Profile
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			members := map[crm.CustomerID][]crm.ProfileKey{}
			for p, err := range crm.Profiles(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				members[p.Customer] = append(members[p.Customer], p.ProfileKey)
			}
			for p := range crm.Profiles(t.Context(), r, crm.AllParts()) {
				switch m := members[p.Customer]; {
				case len(m) == 2 && m[0] == p.ProfileKey:
					pairs = append(pairs, m)
				case len(m) == 1 && p.Kind != crm.Organisation && len(p.Reachable(crm.Phone)) > 0 && p.Birth != "":
					lone = append(lone, p)
				}
			}
			return nil
		}))
		require.Greater(t, len(pairs), 3)
		require.Greater(t, len(lone), 5)
		svc := eng.Service()
		for _, with := range [][]crm.ProfileKey{{lone[0].ProfileKey, {Source: "erp", ID: "firm"}}, {lone[1].ProfileKey, lone[2].ProfileKey}} {
			_, err := svc.Merge(t.Context(), "ada", crm.Evidence{}, with...)
			require.NoError(t, err)
		}
		_, err := svc.Split(t.Context(), "ada", crm.Evidence{}, pairs[0][0])
		require.NoError(t, err)
		other := &crm.Profile{ProfileKey: pairs[1][0], Since: nighttest.Start, Kind: crm.Person, Name: crm.Name{Given: "Xenia", Family: "Quandt"}, Birth: "1931-02-03"}
		as := func(k crm.ProfileKey, p *crm.Profile) *crm.Profile {
			out := *p
			out.ProfileKey, out.Customer, out.Rev, out.At, out.SourceVersion = k, "", 0, time.Time{}, 0
			return &out
		}
		fresh := []*crm.Profile{other, as(crm.ProfileKey{Source: "erp", ID: "again"}, lone[3]), as(pairs[2][0], lone[4]), as(pairs[3][1], lone[5])}
		if !stays {
			eng = start()
		}
		rep, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(crm.Batch{Profiles: fresh})})
		require.NoError(t, err)
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			ids, err := r.CustomersOf(t.Context(), pairs[1][0], pairs[1][1], pairs[0][0], pairs[0][1], lone[0].ProfileKey, crm.ProfileKey{Source: "erp", ID: "firm"}, lone[3].ProfileKey, fresh[1].ProfileKey,
				pairs[2][0], lone[4].ProfileKey, pairs[3][1], lone[5].ProfileKey)
			if err != nil {
				return err
			}
			require.NotEqual(t, ids[0], ids[1], "no longer alike")
			require.NotEqual(t, ids[2], ids[3], "split by hand")
			require.Equal(t, ids[4], ids[5], "placed by hand")
			require.Equal(t, ids[6], ids[7], "has become alike")
			require.Equal(t, ids[8], ids[9], "is like another than before")
			require.Equal(t, ids[10], ids[11], "is like another than before")
			sum, err = crm.Digest(t.Context(), r, nighttest.Start.AddDate(1, 0, 0))
			return err
		}))
		return sum, rep.Identified.Moved
	}
	want, moved := evenings(t, true)
	got, again := evenings(t, false)
	require.Equal(t, want, got)
	require.Equal(t, moved, again)
}
