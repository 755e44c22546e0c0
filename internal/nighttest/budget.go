package nighttest

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/interleave"
	"github.com/vefacrm/vefa/messaging"
)

// moody is a provider that cannot be asked and recognises no ids. By the message it takes,
// throttles once, refuses, or loses the answer.
type moody struct {
	mu        sync.Mutex
	throttled map[crm.EffectID]bool
	left      []messaging.Message // for which the host pays, perhaps
}

// Send implements messaging.Sender.
func (m *moody) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]crm.Receipt, len(batch))
	for i, x := range batch {
		h := fnv.New32a()
		_, _ = h.Write([]byte(x.ID))
		out[i] = crm.Receipt{ID: x.ID, Status: crm.Accepted}
		switch mood := h.Sum32() % 8; {
		case mood == 0:
			out[i].Status = crm.Declined
			continue
		case mood == 1:
			out[i].Status = crm.Uncertain
		case mood <= 3 && !m.throttled[x.ID]:
			m.throttled[x.ID] = true
			out[i].Status, out[i].After = crm.Throttled, time.Minute
			continue
		}
		m.left = append(m.left, x)
	}
	return out, nil
}

// Budgets has many goroutines of several engines send a campaign with a budget and a velocity
// through a provider of every mood; with money the budget is of money, too. None is exceeded,
// all that it pays leaves, and the counters say what the effects and the provider say.
func Budgets(t *testing.T, store crm.Store, engines, goroutines, people int, money bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	budget, velocity := int64(people/2), people/8
	clock := &crmtest.Clock{}
	clock.Set(Start)
	sender := &moody{throttled: map[crm.EffectID]bool{}}
	shops := make([]*Retailer, engines)
	for i := range shops {
		shops[i] = New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Batch, c.TrainAt, c.Sender = nil, nil, 5, -1, sender
			c.Steps = vefa.DefaultSteps()[:7] // without delivering
			c.Campaigns[0].Budget.Messages = budget
			if money { // of which two messages less can be paid
				c.Campaigns[0].Cost = crm.Money{Amount: 7, Currency: "TRY"}
				c.Campaigns[0].Budget.Money = crm.Money{Amount: 7*(budget-2) + 6, Currency: "TRY"}
			}
			c.Campaigns[0].Velocity = map[string]int{"+90": velocity}
		})
	}
	pays := budget
	if money {
		pays -= 2
	}
	_, err := shops[0].Engine.Night(ctx, vefa.Night{Source: Once(People(people))})
	require.NoError(t, err)
	for range 20 {
		var wg sync.WaitGroup
		errs := make([]error, goroutines)
		for g := range goroutines {
			wg.Go(func() { _, errs[g] = shops[g%engines].Engine.Deliver(ctx) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.LessOrEqual(t, len(sender.left), int(pays))
		clock.Advance(30 * time.Minute)
	}
	p, err := shops[0].Engine.Progress(ctx, "spring")
	require.NoError(t, err)
	require.Zero(t, p.Waiting+p.Leaving)
	require.Greater(t, len(sender.left), int(budget)/2)
	require.Equal(t, len(sender.left), p.Sent+p.Unknown)
	require.EqualValues(t, p.Sent, p.Budget[0].Used)
	require.EqualValues(t, p.Unknown, p.Budget[0].Reserved)
	require.EqualValues(t, pays, p.Sent+p.Unknown, "what it pays leaves")
	if money {
		require.EqualValues(t, 7*p.Sent, p.Budget[1].Used)
		require.EqualValues(t, 7*p.Unknown, p.Budget[1].Reserved)
	}
	require.Positive(t, p.Unknown)
	require.Positive(t, p.Failed)
	hours, used := map[string]int{}, int64(0)
	for _, m := range sender.left {
		hours[m.At.UTC().Format("2006-01-02T15")]++
	}
	for hour, n := range hours {
		require.LessOrEqual(t, n, velocity, "in the hour %s", hour)
		c, err := shops[0].Engine.Service().Counter(ctx, crm.CounterKey{Kind: "campaign-velocity", ID: "campaign/spring/+90/" + hour})
		require.NoError(t, err)
		require.LessOrEqual(t, int64(n), c.Used+c.Reserved, "in the hour %s", hour) // reserved: of unknown fate, or too late for the hour
		require.LessOrEqual(t, c.Used+c.Reserved, int64(velocity), "in the hour %s", hour)
		used += c.Used
	}
	require.EqualValues(t, p.Sent, used)
	require.Greater(t, len(hours), 3)
}

// BudgetBeside has somebody else take the last of a campaign's budget before each call of the
// transaction that claims a message of it: one of the two gets it.
func BudgetBeside(t *testing.T, open func(t *testing.T) crm.Store) {
	both := map[bool]int{} // by whether the message left
	for at, reached := 1, true; reached; at++ {
		store, clock := open(t), &crmtest.Clock{}
		clock.Set(Start)
		on := &interleave.Store{Store: store, Claims: true, At: 1 << 20}
		shop := New(t, on, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
			c.Campaigns[0].Start = Start.Add(time.Hour)
			c.Campaigns[0].Budget.Messages = 1
		})
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: Once(People(1))})
		require.NoError(t, err)
		clock.Set(Start.Add(2 * time.Hour))
		on.At = at
		taken := false
		res := on.Run(
			func(crm.Store) error { _, err := shop.Engine.Deliver(t.Context()); return err },
			func(s crm.Store) error {
				err := shop.Engine.Service().On(s).Reserve(t.Context(), crm.Take{Amount: 1, Limit: 1,
					ReservationKey: crm.ReservationKey{Counter: crm.CounterKey{Kind: "campaign-messages", ID: "campaign/spring"}, ID: "somebody's"}})
				taken = err == nil
				if errors.Is(err, crm.ErrExhausted) {
					return nil
				}
				return err
			})
		require.NoError(t, res.First)
		require.NoError(t, res.Second)
		sent := len(shop.Sender.Messages()) == 1
		require.NotEqual(t, taken, sent, "before call %d", at)
		both[sent]++
		reached = res.Reached || at == 1
	}
	require.Positive(t, both[false])
	require.Positive(t, both[true])
}
