package nighttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/interleave"
	"github.com/vefacrm/vefa/messaging"
)

// Capped merges the records of two people, one of whom has got all that the cap allows,
// before each call of the transaction that claims the other's next message: afterwards nobody
// got more than the cap, but for what they had got when they became one. Careless, if it is
// given, wraps the store of the engine. It returns before how many calls the merger did its
// work, and before how many of them the cap was exceeded.
func Capped(t *testing.T, open func(t *testing.T) crm.Store, careless func(crm.Store) crm.Store) (merged, exceeded int) {
	t.Helper()
	for at, reached := 1, true; reached; at++ {
		store, clock := open(t), &crmtest.Clock{}
		clock.Set(Start)
		on := &interleave.Store{Store: store, Claims: true, At: 1 << 20}
		var with crm.Store = on
		if careless != nil {
			with = careless(on)
		}
		shop := New(t, with, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Campaigns, c.TrainAt = nil, nil, nil, -1
			c.Segments = "segment first = tag(first) segment second = tag(second)"
			for i, segment := range []string{"first", "second"} {
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: segment, On: []string{Start.Format(time.DateOnly)}, Campaign: messaging.Campaign{
					Name: segment, Text: "x", Unmeasured: "a test", Start: Start.Add(time.Duration(i) * time.Hour), Caps: []messaging.Cap{{Max: 1, Per: 7 * 24 * time.Hour}}}})
			}
		})
		svc := shop.Engine.Service().On(store)
		_, err := svc.Import(t.Context(), People(2))
		require.NoError(t, err)
		require.NoError(t, svc.Tag(t.Context(), Key(0), crm.TagChange{Tag: "first"}))
		require.NoError(t, svc.Tag(t.Context(), Key(1), crm.TagChange{Tag: "second"}))
		_, err = shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), 1)
		clock.Set(Start.Add(2 * time.Hour))
		on.At = at
		had := 0
		res := on.Run(
			func(crm.Store) error { _, err := shop.Engine.Deliver(t.Context()); return err },
			func(s crm.Store) error {
				return joined(t.Context(), svc, s, 0, &had)
			})
		why := fmt.Sprintf("before call %d", at)
		require.NoError(t, res.First, why)
		require.NoError(t, res.Second, why)
		if careless == nil {
			require.Empty(t, res.Faults, why)
		}
		if reached = res.Reached || at == 1; reached {
			merged++
		}
		if n := len(shop.Sender.Messages()); n > max(1, had) {
			exceeded++
		}
	}
	return merged, exceeded
}

// joined merges the records 2i and 2i+1 and notes what both had got until then: it holds the
// locks of both until it is committed.
func joined(ctx context.Context, svc *crm.Service, store crm.Store, i int, had *int) error {
	return svc.On(store).Update(ctx, func(tx crm.Tx) error {
		if _, err := svc.In(tx).Merge(ctx, "desk", crm.Evidence{}, Key(2*i), Key(2*i+1)); err != nil {
			return err
		}
		got, err := gotOf(ctx, tx, i)
		*had = got
		return err
	})
}

// CapStorm is many goroutines that send capped campaigns to persons who are merged meanwhile.
type CapStorm struct {
	Engines    int // each as of a process of its own
	Goroutines int // that deliver, over all engines
	Persons    int // of two records, each with a telephone of its own
}

// capMax is how many of the storm's campaigns a person may get.
const capMax, capCampaigns = 2, 4

// merging is a sender that merges a person's records before each call that it takes, while
// others claim.
type merging struct {
	*messaging.MemorySender
	merge func() error
}

func (m *merging) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	if err := m.merge(); err != nil {
		return nil, err
	}
	return m.MemorySender.Send(ctx, batch)
}

// Run has the goroutines deliver all campaigns, a few messages at a time, while the two
// records of every second person are merged; those of every other person are one from the
// start. It returns how many persons got more than the cap, but for what they had got when
// they became one, and how many messages left.
func (s CapStorm) Run(t *testing.T, store crm.Store) (exceeded, sent int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	had := make([]int, s.Persons)
	var next atomic.Int64
	next.Store(-1)
	var svc *crm.Service
	merge := func() error {
		if i := int(next.Add(2)); i < s.Persons {
			return joined(ctx, svc, store, i, &had[i])
		}
		return nil
	}
	shops := make([]*Retailer, s.Engines)
	senders := make([]*merging, s.Engines)
	for i := range shops {
		senders[i] = &merging{messaging.NewMemorySender(nil), merge}
		shops[i] = New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Campaigns, c.Batch, c.TrainAt, c.Sender = nil, nil, nil, 5, -1, senders[i]
			for n := range capCampaigns {
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{Start.Format(time.DateOnly)}, Campaign: messaging.Campaign{
					Name: fmt.Sprint("c", n), Text: "x", Unmeasured: "a test", Start: Start.Add(time.Hour), Caps: []messaging.Cap{{Max: capMax, Per: 7 * 24 * time.Hour}}}})
			}
		})
	}
	svc = shops[0].Engine.Service()
	_, err := svc.Import(ctx, People(2*s.Persons))
	require.NoError(t, err)
	_, err = shops[0].Engine.Night(ctx, vefa.Night{})
	require.NoError(t, err)
	require.Empty(t, senders[0].Messages(), "they are not due")
	for i := 0; i < s.Persons; i += 2 {
		require.NoError(t, joined(ctx, svc, store, i, &had[i]))
	}
	clock.Set(Start.Add(2 * time.Hour))
	var wg sync.WaitGroup
	errs := make([]error, s.Goroutines)
	for g := range s.Goroutines {
		wg.Go(func() { _, errs[g] = shops[g%len(shops)].Engine.Deliver(ctx) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.GreaterOrEqual(t, int(next.Load()), s.Persons-2, "all were merged")
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for i := range s.Persons {
			n, err := gotOf(ctx, r, i)
			if err != nil {
				return err
			}
			if sent += n; n > max(capMax, had[i]) {
				exceeded++
			}
		}
		due, err := r.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: Start.AddDate(1, 0, 0), Limit: 1})
		require.Empty(t, due, "all was decided")
		return err
	}))
	n := 0
	for _, sender := range senders {
		n += len(sender.Messages())
		require.Zero(t, sender.Repeats())
	}
	require.Equal(t, n, sent, "what left is what the record says")
	return exceeded, sent
}

// gotOf returns how many messages left for the telephones of a person.
func gotOf(ctx context.Context, r crm.Reader, i int) (n int, err error) {
	effects, err := r.EffectsOf(ctx, crm.OfAddress(Phone(2*i)), crm.OfAddress(Phone(2*i+1)))
	for _, f := range effects {
		if !f.SentAt.IsZero() {
			n++
		}
	}
	return n, err
}
