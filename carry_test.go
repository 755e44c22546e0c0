package vefa_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// Case A18: an effect with data that cannot be carried out fails by itself.
// The evening ends, everything else of it happens, and the next one is quiet.
func TestEffectsOfTheHostFailAlone(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(3))
	require.NoError(t, err)

	long := strings.Repeat("x", crm.MaxKeyLen+1)
	var bad []crm.EffectID
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		bad = nil
		put := func(kind crm.EffectKind, cause, data string) error {
			f := &crm.Effect{Kind: kind, Cause: cause, Subject: crm.OfProfile(nighttest.Key(1)), Occurrence: fmt.Sprint(len(bad)),
				Due: nighttest.Start.Add(-time.Hour), State: crm.Planned, Created: nighttest.Start, Changed: nighttest.Start, Data: json.RawMessage(data)}
			f.ID = shop.Engine.IDs().ID(f.Cause, f.Subject, f.About, f.Occurrence)
			bad = append(bad, f.ID)
			_, err := tx.PutEffects(t.Context(), f)
			return err
		}
		for _, kind := range []crm.EffectKind{crm.EffectTag, crm.EffectTicket, crm.EffectTask, crm.EffectMessage} {
			for _, data := range []string{``, `"text"`, `[1]`, `{"action":7}`, `{"name":{}}`} {
				for _, cause := range []string{"host", "rule/buyer"} {
					if err := put(kind, cause, data); err != nil {
						return err
					}
				}
			}
		}
		// A rule's in form, and nothing that can be recorded.
		if err := put(crm.EffectTag, "rule/buyer", `{"action":"tag"}`); err != nil {
			return err
		}
		if err := put(crm.EffectTag, "rule/buyer", `{"action":"tag","name":"`+long+`"}`); err != nil {
			return err
		}
		return put(crm.EffectMessage, "host", `{"name":"survey/visit","survey":"visit","rule":{"action":"survey"}}`)
	}))
	for evening := range 2 {
		clock.Set(nighttest.Start.AddDate(0, 0, evening))
		rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.True(t, rep.Closed)
		if evening == 0 {
			require.Equal(t, 3, rep.Carried.Done[crm.EffectTag], "the rule's own tags")
			require.Equal(t, 32, rep.Carried.Failed)
		}
	}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		effects, err := r.Effects(t.Context(), bad...)
		for _, f := range effects {
			if f.Kind != crm.EffectMessage {
				require.Equal(t, crm.Failed, f.State, "%s %s", f.Kind, f.Data)
				require.Equal(t, vefa.GuardData, f.Reasons[0].Guard)
				require.NotEmpty(t, f.Reasons[0].Note)
			}
			require.True(t, f.State.Final(), "%s %s %s", f.Kind, f.Data, f.State)
			require.True(t, f.SentAt.IsZero())
		}
		return err
	}))
	_, err = shop.Engine.Results(t.Context())
	require.NoError(t, err)
	aud, err := vefa.Audit(t.Context(), store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, aud.Clean())
}
