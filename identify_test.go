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
