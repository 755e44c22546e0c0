package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

// A survey whose goods are on their way when it is due waits for them, and is not lost: carriers tell late.
// It leaves once they are there, and not at all where they never come or the order is cancelled meanwhile.
func TestSurveyWaitsForTheGoods(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: ask, each: Purchases, when: row.DaysAgo <= 3, then: [{survey: visit, after: 2h}]}]"))
	require.NoError(t, err)
	w := &waiting{t: t, store: memstore.New()}
	w.Retailer = nighttest.New(t, w.store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.TrainAt, c.AnswerWithin = []*rules.Book{book}, nil, -1, 10*24*time.Hour
	})
	w.take(nighttest.People(4))
	clock.Set(nighttest.Start)
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	version := int64(1)
	now := func(i int, s crm.OrderStatus, delivered time.Time) {
		version++
		f := nighttest.Order(i, []string{"o0", "o1", "o2", "o3"}[i], nighttest.Start.Add(-time.Hour))
		f.Version = version
		f.Data.(*crm.Order).Status, f.Data.(*crm.Order).Delivered = s, delivered
		w.record(f)
	}
	for i := range 4 {
		now(i, crm.OrderShipped, time.Time{})
	}
	states := func(after time.Duration) [4]crm.EffectState {
		clock.Set(nighttest.Start.Add(after))
		_, err := w.Engine.Deliver(t.Context())
		require.NoError(t, err)
		m := w.messages()
		return [4]crm.EffectState{m["rule/ask 0"].State, m["rule/ask 1"].State, m["rule/ask 2"].State, m["rule/ask 3"].State}
	}
	const p = crm.Planned
	require.Equal(t, [4]crm.EffectState{p, p, p, p}, states(3*time.Hour))
	now(0, crm.OrderDelivered, nighttest.Start.Add(20*time.Hour))
	now(1, crm.OrderCancelled, time.Time{})
	now(2, crm.OrderDelivered, nighttest.Start.Add(50*time.Hour)) // when it is expected
	require.Equal(t, [4]crm.EffectState{crm.Done, crm.Withheld, p, p}, states(28*time.Hour))
	require.Equal(t, [4]crm.EffectState{crm.Done, crm.Withheld, p, p}, states(49*time.Hour))
	require.Equal(t, [4]crm.EffectState{crm.Done, crm.Withheld, crm.Done, p}, states(51*time.Hour))
	for day := 3; day < 10; day++ {
		require.Equal(t, p, states(time.Duration(day) * 24 * time.Hour)[3])
	}
	require.Equal(t, crm.Withheld, states(11 * 24 * time.Hour)[3])
	require.Equal(t, vefa.GuardDelivered, firstRefusal(w.messages()["rule/ask 3"]))
	require.Len(t, w.Sender.Messages(), 2)
	rep := audit(t, w.store)
	require.True(t, rep.Clean(), "%+v", rep)
}
