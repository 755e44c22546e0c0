package vefa_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

// TestClaimsReadWhatRulesAskAgain: a claim reads of its customers all that a guard
// or a cancel_on looks at, row by row and as counts, and through conditions and
// fields of the host's: kinds of facts that only rules look at are left out where
// no rule does.
func TestClaimsReadWhatRulesAskAgain(t *testing.T) {
	const (
		rule  = `{name: r, when: Orders >= 0, then: [{message: hello, after: 1h}], `
		visit = `{name: r, each: Visits, when: Orders >= 0, then: [{message: hello, after: 1h}], `
		reply = `{name: r, each: Answers, when: Orders >= 0, then: [{message: hello, after: 1h}], `
		lines = `{name: r, each: Lines, when: Orders >= 0, then: [{message: hello, after: 1h}], `
	)
	for name, c := range map[string]struct{ rule, asks string }{
		"visit":               {rule, `ServiceVisits == 1 and LastService == "battery"`},
		"visits":              {rule, `any(Visits, .DaysAgo == 0)`},
		"a visit":             {visit, `row.DaysAgo == 0 and row.Service == "battery"`},
		"a visit, unread":     {visit, `Orders == 1`},
		"open ticket":         {rule, `OpenTickets == 1`},
		"solved ticket":       {rule, `DaysSinceSolve == 0`},
		"answer":              {rule, `LastScore == 3`},
		"days since answer":   {rule, `DaysSinceAnswer == 0`},
		"answers":             {rule, `any(Answers, .Score == 3)`},
		"an answer":           {reply, `row.Score == 3`},
		"an answer, unread":   {reply, `Orders == 1`},
		"click":               {rule, `DaysSinceClick == 0`},
		"a line":              {lines, `row.SKU == "A"`},
		"a line, unread":      {lines, `Orders == 1`},
		"tag":                 {rule, `"vip" in Tags`},
		"a condition":         {rule, `scored`},
		"a field of the host": {rule, `Scores == 1`},
	} {
		for ask, want := range map[string]crm.Reason{"guard: '%s'}": {Guard: "guard", Pass: true}, "guard: 'not (%s)'}": {Guard: "guard"}, "cancel_on: ['%s']}": {Guard: "cancel_on"}} {
			t.Run(name+"/"+ask, func(t *testing.T) {
				store := memstore.New()
				w, clock := shop(t, store, "conditions: {scored: LastScore == 3}\nrules:\n  - "+c.rule+fmt.Sprintf(ask, c.asks), func(cfg *vefa.Config) {
					if name == "a field of the host" {
						cfg.Fields = []vefa.Field{{Name: "Scores", Kind: rules.Int, Fill: values(func(s vefa.FieldSubject) any { return len(s.Facts.Answers) })}}
					}
				})
				_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(everything())})
				require.NoError(t, err)
				clock.Advance(2 * time.Hour)
				_, err = w.Engine.Deliver(t.Context())
				require.NoError(t, err)
				got := effectsOf(t, store, "rule/r")
				require.Len(t, got, 1)
				require.Equal(t, crm.Withheld, got[0].State, "the open ticket stands against it in any case")
				last := got[0].Reasons[len(got[0].Reasons)-1]
				last.Guard, _, _ = strings.Cut(last.Guard, " ") // a cancel_on is spelled there
				require.Equal(t, want, last)
			})
		}
	}
}

// everything is one person with a fact of each kind that rules look at.
func everything() crm.Batch {
	b, at, on := nighttest.People(1), nighttest.Start.Add(-time.Hour), crm.OfProfile(nighttest.Key(0))
	for _, f := range b.Facts {
		if o, ok := f.Data.(*crm.Order); ok {
			o.Lines = []crm.OrderLine{{SKU: "A", Quantity: 1}}
		}
	}
	for _, d := range []crm.FactData{
		&crm.Visit{Number: "7", Service: "battery"}, &crm.Answer{Survey: "visit", Metric: "nps", Score: 3}, &crm.Click{Verdict: crm.Human, Count: 1}, &crm.TagChange{Tag: "vip", By: "desk"},
	} {
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.BuiltIn().OfData(d).Name, Source: "web", ID: "x"}, Subject: on, At: at, Version: 1, Data: d})
	}
	for _, k := range []crm.Ticket{{Title: "x", State: crm.TicketSolved, Opened: at, Solved: at}, {Title: "x", State: crm.TicketOpen, Opened: at, Solved: time.Time{}}} {
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "web", ID: string(k.State)}, Subject: on, At: at, Version: 1, Data: &k})
	}
	return b
}

// lockWaits is a store whose next lock of customers waits for a writer that commits
// meanwhile.
type lockWaits struct {
	crm.Store
	writer func(tx crm.Tx) error
}

type lockWaitsTx struct {
	crm.Tx
	s *lockWaits
}

func (s *lockWaits) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(lockWaitsTx{tx, s}) })
}

func (t lockWaitsTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if do := t.s.writer; do != nil && len(ids) > 0 {
		t.s.writer = nil
		if err := do(t.Tx); err != nil {
			return err
		}
	}
	return t.Tx.LockCustomers(ctx, ids...)
}

// TestClaimsReadAfterTheyLock: a claim reads its customers once it has locked them,
// so a guard sees what was recorded while it waited for the lock.
func TestClaimsReadAfterTheyLock(t *testing.T) {
	store := &lockWaits{Store: memstore.New()}
	w, clock := shop(t, store, "rules: [{name: r, when: Orders >= 0, guard: Orders < 2, then: [{message: hello, after: 1h}]}]", nil)
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
	require.NoError(t, err)
	clock.Advance(2 * time.Hour)
	store.writer = func(tx crm.Tx) error {
		return w.Engine.Service().In(tx).Record(t.Context(), nighttest.Order(0, "meanwhile", nighttest.Start))
	}
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Nil(t, store.writer)
	got := effectsOf(t, store, "rule/r")
	require.Len(t, got, 2)
	for _, f := range got {
		want := crm.Done
		if f.Subject.Profile == nighttest.Key(0) {
			want = crm.Withheld
		}
		require.Equal(t, want, f.State, f.Reasons)
	}
}
