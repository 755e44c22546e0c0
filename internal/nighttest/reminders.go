package nighttest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Reminded runs what becomes of the reminders of a survey. Open returns a fresh, empty store each time;
// of the places where a process may be killed few are tried if sample is set.
func Reminded(t *testing.T, open func(t *testing.T) crm.Store, sample bool) {
	t.Run("Eight", func(t *testing.T) { remindedAtOnce(t, open(t)) })
	t.Run("Killed", func(t *testing.T) { remindedAgain(t, open, sample) })
}

func reminders(c *vefa.Config) {
	c.Surveys[0].Reminders = []vefa.Reminder{{After: 72 * time.Hour, Text: "You have not told us yet: {link}"}, {After: 96 * time.Hour}}
}

// remindedAtOnce has eight engines deliver the reminders of the same people at once, while as many
// people answer: those who had answered before are not reminded, none is reminded twice, and of who
// answers meanwhile the answer is kept whatever was sent.
func remindedAtOnce(t *testing.T, store crm.Store) {
	const people = 24
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var mu sync.Mutex
	got := map[crm.Address]map[string]int{} // how often each text, without the link, reached whom
	w := Ask(t, ctx, store, Writers, people, func(c *vefa.Config) {
		reminders(c)
		c.Batch = 3
		c.Sender = messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
			mu.Lock()
			defer mu.Unlock()
			if got[m.To] == nil {
				got[m.To] = map[string]int{}
			}
			got[m.To][m.Text[:12]]++
			return crm.Receipt{Status: crm.Accepted}
		})
	})
	answer := func(c int, link string) error {
		o, err := webtest.Answer(ctx, w.Client(c), link, map[string]any{"nps": 9})
		if err != nil || !o.Thanked() {
			return fmt.Errorf("status %d: %s: %w", o.Status, o.Page, err)
		}
		return nil
	}
	before := map[string]bool{} // by the number of who answered before
	for i := range people / 3 {
		require.NoError(t, answer(0, w.Links[i]))
	}
	for _, a := range w.Stored(t, ctx) {
		before[a.Who.Profile.ID] = true
	}
	w.Clock.Set(Start.AddDate(0, 0, 4).Add(time.Minute))
	AtOnce(t, func(n int) error {
		for i := people/3 + n; i < people*2/3; i += Writers {
			if err := answer(n, w.Links[i]); err != nil {
				return err
			}
		}
		_, err := w.Engines[n].Deliver(ctx)
		return err
	})
	w.Clock.Set(Start.AddDate(0, 0, 8).Add(time.Hour))
	AtOnce(t, func(n int) error {
		_, err := w.Engines[n].Deliver(ctx)
		return err
	})
	reminded := [2]int{}
	for i := range people {
		m := got[Phone(i)]
		first, asked := m["You have not"], m["How was it? "]
		require.LessOrEqual(t, first, 1, "person %d", i)
		require.LessOrEqual(t, asked, 1+first, "person %d: the invitation, and the second reminder after the first", i)
		if before[fmt.Sprint(i)] {
			require.Equal(t, [2]int{0, 1}, [2]int{first, asked}, "person %d had answered", i)
		}
		reminded[0], reminded[1] = reminded[0]+first, reminded[1]+asked-1
	}
	require.Len(t, w.Stored(t, ctx), people*2/3)
	require.GreaterOrEqual(t, reminded[0], people/3)
	require.Equal(t, people/3, reminded[1], "those who never answered")
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
	t.Logf("of %d people who had answered none was reminded, of %d who answered meanwhile %d, of %d others all, twice", people/3, people/3, reminded[0]-people/3, people/3)
}

// remindedAgain cuts the delivery of reminders at its transactions and goes on with a new engine, as
// after a crash: everybody has each reminder, and none twice. Of the cuts
// a sample is tried, a smaller one where that is to be.
func remindedAgain(t *testing.T, open func(t *testing.T) crm.Store, sample bool) {
	const people = 3
	run := func(store crm.Store, fault crmtest.Fault) (cut bool) {
		ctx, clock, faulty := t.Context(), &crmtest.Clock{}, crmtest.NewFaulty(store)
		sender := messaging.NewMemorySender(nil)
		with := func(c *vefa.Config) {
			reminders(c)
			c.Campaigns, c.TrainAt, c.Rules, c.Sender = nil, -1, c.Rules[:1], sender
		}
		shop := New(t, faulty, clock, with)
		for day, source := range []func(context.Context) iter.Seq2[crm.Batch, error]{Once(People(people)), nil} {
			clock.Set(Start.AddDate(0, 0, day))
			_, err := shop.Engine.Night(ctx, vefa.Night{Source: source})
			require.NoError(t, err)
		}
		faulty.Fail(fault)
		for _, day := range []int{4, 8} {
			for {
				clock.Set(Start.AddDate(0, 0, day).Add(time.Duration(day) * time.Hour))
				_, err := shop.Engine.Resume(ctx)
				if err == nil {
					_, err = shop.Engine.Deliver(ctx)
				}
				if err == nil {
					break
				}
				require.ErrorIs(t, err, crmtest.ErrFault)
				cut, shop = true, New(t, store, clock, with)
			}
		}
		got := map[crm.Address]map[crm.EffectID]bool{}
		for _, m := range sender.Messages() {
			if got[m.To] == nil {
				got[m.To] = map[crm.EffectID]bool{}
			}
			got[m.To][m.ID] = true
		}
		for i := range people {
			require.Len(t, got[Phone(i)], 3, "person %d, cut %s %d", i, fault.Where, fault.N)
		}
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			n := 0
			for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
				require.NoError(t, err)
				if f.Kind == crm.EffectMessage {
					n++
					require.Equal(t, crm.Done, f.State, "cut %s %d", fault.Where, fault.N)
				}
			}
			require.Equal(t, 3*people, n, "cut %s %d", fault.Where, fault.N)
			return nil
		}))
		return cut
	}
	for _, where := range []crmtest.Where{crmtest.Inside, crmtest.Lost} {
		for n := 1; ; n++ {
			if !run(open(t), crmtest.Fault{Where: where, N: n}) {
				require.Greater(t, n, 5)
				break
			}
			if n += n / 4; sample || raced {
				n += n
			}
		}
	}
}
