package vefa_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// erp is a host's ERP: what it has booked, by the effect's id, and how it feels.
type erp struct {
	booked map[crm.EffectID]string
	calls  int
	mood   func(c *crm.Claim) (crm.Receipt, error)
}

func (x *erp) book(_ context.Context, c *crm.Claim) (crm.Receipt, error) {
	x.calls++
	if x.mood != nil {
		if r, err := x.mood(c); err != nil || r.Status != "" {
			return r, err
		}
	}
	p, err := rules.DecodePayload(c.Effect)
	x.booked[c.Effect.ID] = p.Name + " " + p.With["account"]
	return crm.Receipt{Provider: "B" + string(c.Effect.ID[:4])}, err
}

func (x *erp) effect() vefa.Effect {
	return vefa.Effect{
		EffectHandler: crm.EffectHandler{Kind: "erp", Do: crm.Each(x.book), Idempotent: true, MaxAttempts: 3,
			Backoff: func(int) time.Duration { return time.Hour }},
		Actions: []rules.ActionType{{Kind: "book", Doc: "books an amount in the ERP", Params: []rules.ActionParam{{Name: "account", Kind: rules.Int, Required: true}}}},
	}
}

const erpRules = `
rules:
  - {name: bonus, when: Orders > 0, guard: 'OpenTickets == 0', then: [{book: bonus, with: {account: "400"}, after: 1d}, {memo: bought}]}
`

// A host's effects are written by rules, asked about again when they are due, carried
// out within the record or in the world, and seen in the report and by Why.
func TestEffectsOfTheHost(t *testing.T) {
	store, x := memstore.New(), &erp{booked: map[crm.EffectID]string{}}
	memo := vefa.Effect{EffectHandler: crm.EffectHandler{Kind: "memo", Apply: func(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
		for _, c := range claims {
			if c.Effect.Subject.Profile == nighttest.Key(2) {
				panic("no ink")
			}
			if _, err := tx.PutFacts(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "memo", ID: string(c.Effect.ID)},
				Subject: c.Effect.Subject, At: c.At, Version: 1, Data: &crm.Note{Text: "bought"}}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}}}
	w, clock := shop(t, store, erpRules, func(c *vefa.Config) {
		c.Effects, c.Logger = []vefa.Effect{x.effect(), memo}, slog.New(slog.DiscardHandler)
	})
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(4))})
	require.NoError(t, err)
	require.Equal(t, 3, rep.Carried.Done["memo"], "one panics, and fails alone")
	require.Equal(t, 1, rep.Carried.Failed)
	require.Empty(t, rep.Effects, "it is due tomorrow")
	notes := 0
	for _, f := range effectsOf(t, store, "rule/bonus") {
		if f.Kind == "memo" && f.State == crm.Done {
			notes++
		}
	}
	require.Equal(t, 3, notes)

	// One customer complains, one booking is refused, one answer is lost.
	require.NoError(t, w.Engine.Service().Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: "1"}, Subject: crm.OfProfile(nighttest.Key(0)),
		At: clock.Now(), Version: 1, Data: &crm.Ticket{Title: "late", State: crm.TicketOpen, Opened: clock.Now()}}))
	x.mood = func(c *crm.Claim) (crm.Receipt, error) {
		switch c.Effect.Subject.Profile {
		case nighttest.Key(1):
			return crm.Receipt{Status: crm.Declined, Reason: "the account is closed"}, nil
		case nighttest.Key(2):
			return crm.Receipt{Status: crm.Throttled}, nil
		}
		panic("the line broke")
	}
	clock.Advance(24 * time.Hour)
	s, err := w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, crm.WorkStats{Due: 4, Claimed: 3, Withheld: 1, Failed: 1, Throttled: 1, Unknown: 1}, s)
	state := func() map[crm.ProfileKey]crm.EffectState {
		out := map[crm.ProfileKey]crm.EffectState{}
		for _, f := range effectsOf(t, store, "rule/bonus") {
			if f.Kind == "erp" {
				out[f.Subject.Profile] = f.State
			}
		}
		return out
	}
	require.Equal(t, map[crm.ProfileKey]crm.EffectState{nighttest.Key(0): crm.Withheld, nighttest.Key(1): crm.Failed, nighttest.Key(2): crm.Planned, nighttest.Key(3): crm.Unknown}, state())
	why := func(i int, cause string) string {
		c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(i))
		require.NoError(t, err)
		y, err := w.Engine.Why(t.Context(), c.ID, cause, vefa.WhyQuery{})
		require.NoError(t, err)
		return y.String()
	}
	require.Contains(t, why(0, "book/bonus"), "condition at sending: stopped it")
	require.Contains(t, why(1, "book/bonus"), "the account is closed")
	require.Contains(t, why(3, "rule/bonus"), "the line broke")
	require.NotContains(t, why(3, "memo/bought"), "the line broke")

	// The next evening asks again; the ERP recognises ids.
	x.mood = nil
	clock.Advance(2 * time.Hour)
	rep, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, crm.WorkStats{Due: 2, Claimed: 1, Done: 2, Resent: 1}, rep.Effects["erp"])
	require.Zero(t, rep.Delivered)
	require.Equal(t, map[crm.ProfileKey]crm.EffectState{nighttest.Key(0): crm.Withheld, nighttest.Key(1): crm.Failed, nighttest.Key(2): crm.Done, nighttest.Key(3): crm.Done}, state())
	require.Len(t, x.booked, 2)
	for _, what := range x.booked {
		require.Equal(t, "bonus 400", what)
	}
	again, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, rep.Effects, again.Effects, "nothing more was done")
}

// What a host plans itself under its own kind is carried out, too: no rule is asked.
func TestEffectsThatTheHostPlans(t *testing.T) {
	store := memstore.New()
	did := 0
	w, clock := shop(t, store, "rules: []", func(c *vefa.Config) {
		c.Effects = []vefa.Effect{{EffectHandler: crm.EffectHandler{Kind: "erp", Do: crm.Each(func(_ context.Context, c *crm.Claim) (crm.Receipt, error) {
			did++
			return crm.Receipt{}, nil
		})}}}
	})
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		on := crm.OfProfile(nighttest.Key(7)) // there is no such profile
		_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: w.Engine.IDs().ID("sync", on, crm.FactKey{}, ""), Kind: "erp", Cause: "sync", Subject: on, Due: clock.Now(),
			State: crm.Planned, Created: clock.Now(), Changed: clock.Now(), Data: []byte(`"mine"`)})
		return err
	}))
	s, err := w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, crm.WorkStats{Due: 1, Claimed: 1, Done: 1}, s)
	require.Equal(t, 1, did)
}

// An effect that fails for good ends after MaxAttempts, whatever it costs.
func TestEffectsAreGivenUp(t *testing.T) {
	store := memstore.New()
	w, clock := shop(t, store, `rules: [{name: r, when: Orders > 0, then: [{fax: it}]}]`, func(c *vefa.Config) {
		c.Logger = slog.New(slog.DiscardHandler)
		c.Effects = []vefa.Effect{{EffectHandler: crm.EffectHandler{Kind: "fax", MaxAttempts: 3, Apply: func(context.Context, crm.Tx, []*crm.Claim) ([]crm.Receipt, error) {
			return nil, errors.New("no paper " + strings.Repeat("ş", 10_000))
		}}}}
	})
	for range 5 {
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
		require.NoError(t, err)
		clock.Advance(24 * time.Hour)
	}
	got := effectsOf(t, store, "rule/r")
	require.Len(t, got, 1)
	require.Equal(t, crm.Failed, got[0].State)
	require.Equal(t, 3, got[0].Attempts)
	require.Contains(t, got[0].Reasons[0].Note, "given up after 3 attempts: no paper")
	require.Less(t, len(got[0].Reasons[0].Note), 600)
}

// New reports every fault of the host's effects.
func TestFaultsOfEffects(t *testing.T) {
	do := crm.Each(func(context.Context, *crm.Claim) (crm.Receipt, error) { return crm.Receipt{}, nil })
	for want, effects := range map[string][]vefa.Effect{
		`two are of kind "a"`:                                                   {{EffectHandler: crm.EffectHandler{Kind: "a", Do: do}}, {EffectHandler: crm.EffectHandler{Kind: "a", Do: do}, Actions: []rules.ActionType{}}},
		`"tag" is a kind that the library carries out`:                          {{EffectHandler: crm.EffectHandler{Kind: "tag", Do: do}, Actions: []rules.ActionType{}}},
		`handler a needs one of Apply and Do`:                                   {{EffectHandler: crm.EffectHandler{Kind: "a"}}},
		`rules: action "at": the name is taken`:                                 {{EffectHandler: crm.EffectHandler{Kind: "at", Do: do}}},
		`rules: action "message": actions[7] has the same`:                      {{EffectHandler: crm.EffectHandler{Kind: "a", Do: do}, Actions: []rules.ActionType{{Kind: "message"}}}},
		`handler a has Ask, Answered, Idempotent or Recall, which belong to Do`: {{EffectHandler: crm.EffectHandler{Kind: "a", Idempotent: true, Apply: func(context.Context, crm.Tx, []*crm.Claim) ([]crm.Receipt, error) { return nil, nil }}}},
	} {
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(), Effects: effects})
		require.ErrorContains(t, err, want)
	}
	// A rule that asks for what is not there is refused where it stands.
	book, err := rules.ReadYAML("r.yaml", []byte("rules:\n  - name: r\n    when: Orders > 0\n    then:\n      - {boook: bonus, with: {account: \"1\"}}\n"))
	require.NoError(t, err)
	x := &erp{}
	cfg := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(), Effects: []vefa.Effect{x.effect()}, Rules: []*rules.Book{book}}
	_, err = vefa.New(cfg)
	require.ErrorContains(t, err, `r.yaml:5:10: r: then[0].boook: unknown key "boook" (did you mean book?)`)
	schema, err := vefa.Schema(cfg)
	require.NoError(t, err)
	_, err = schema.Compile(book)
	require.ErrorContains(t, err, "did you mean book?")
}

// locks is a store that notes which customers its transactions lock.
type locks struct {
	crm.Store
	of map[crm.CustomerID]bool
}

type locksTx struct {
	crm.Tx
	s *locks
}

func (s *locks) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(locksTx{tx, s}) })
}

func (t locksTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	for _, id := range ids {
		t.s.of[id] = true
	}
	return t.Tx.LockCustomers(ctx, ids...)
}

// A rule is asked about an effect that leaves while its customer is locked: what it read
// is so until the claim is written down.
func TestEffectsThatLeaveLockTheirCustomers(t *testing.T) {
	store, x := &locks{memstore.New(), map[crm.CustomerID]bool{}}, &erp{booked: map[crm.EffectID]string{}}
	w, clock := shop(t, store, `rules: [{name: bonus, when: Orders > 0, then: [{book: bonus, with: {account: "400"}, after: 1d}]}]`,
		func(c *vefa.Config) { c.Effects = []vefa.Effect{x.effect()} })
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
	require.NoError(t, err)
	clear(store.of)
	clock.Advance(25 * time.Hour)
	s, err := w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, s.Done)
	for i := range 2 {
		c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(i))
		require.NoError(t, err)
		require.True(t, store.of[c.ID])
	}
}
