package nighttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// Desk runs eight people at the desk of campaigns, who draft, approve, schedule, pause,
// resume and cancel each other's, while two engines draw and send them. What a person was told
// is done is in the log; nobody gets a campaign twice, or gets what was not approved by
// somebody who has not written it; of a campaign that came to its end everybody has got it.
func Desk(t *testing.T, open func(t *testing.T) crm.Store) {
	const people, names, steps = 40, 4, 30
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	store, clock, engine := several(t, open, Rules, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.Batch = nil, nil, 7
		c.Desk = &campaigns.Config{}
	})
	shops := []*Retailer{engine(nil), engine(nil)}
	svc := shops[0].Engine.Service()
	_, err := svc.Import(ctx, People(people))
	require.NoError(t, err)
	name := func(i int) string { return fmt.Sprint("c", i) }

	var over atomic.Bool
	var engines sync.WaitGroup
	work := func(s *Retailer) error {
		clock.Advance(time.Minute)
		if _, err := s.Engine.DrawDue(ctx); err != nil {
			return err
		}
		_, err := s.Engine.Deliver(ctx)
		return err
	}
	for _, s := range shops {
		engines.Go(func() {
			for !over.Load() {
				if !assert.NoError(t, work(s)) {
					return
				}
			}
		})
	}
	var mu sync.Mutex
	told := map[string][]campaigns.Entry{} // what those who did something were told, by campaign
	AtOnce(t, func(w int) error {
		desk := shops[w%2].Engine.Desk()
		by := fmt.Sprint("p", w)
		r := rand.New(rand.NewPCG(uint64(w), 11))
		for n := range steps {
			i := r.IntN(names)
			note := fmt.Sprintf("%s/%d", by, n)
			l, err := desk.Get(ctx, name(i))
			seal := campaigns.Seal("")
			if err == nil {
				seal = l.Seal
			} else if !errors.Is(err, crm.ErrNotFound) {
				return err
			}
			switch x := r.IntN(10); {
			case l == nil || x == 0 && n < steps/2:
				l, err = desk.Draft(ctx, by, "everybody", messaging.Campaign{Name: name(i), Text: "by " + by, Unmeasured: "a test"})
			case x < 2:
				l, err = desk.Tested(ctx, name(i), by, seal, note)
			case x < 5:
				l, err = desk.Approve(ctx, name(i), by, seal)
			case x < 7:
				l, err = desk.Schedule(ctx, name(i), by, clock.Now())
			case x == 7:
				l, err = desk.Pause(ctx, name(i), by, note)
			case x == 8:
				l, err = desk.Resume(ctx, name(i), by, note)
			case i == 0 && n > steps/2:
				l, err = desk.Cancel(ctx, name(i), by, note)
			}
			switch {
			case err == nil && l != nil:
				mu.Lock()
				told[name(i)] = append(told[name(i)], l.Log...)
				mu.Unlock()
			case errors.Is(err, campaigns.ErrState), errors.Is(err, campaigns.ErrChanged), errors.Is(err, campaigns.ErrAuthor), errors.Is(err, campaigns.ErrUntested):
			default:
				return err
			}
		}
		return nil
	})
	// Somebody sees to it that all but the cancelled come to their end.
	desk := shops[0].Engine.Desk()
	for i := range names {
		l, err := desk.Get(ctx, name(i))
		if errors.Is(err, crm.ErrNotFound) {
			continue
		}
		require.NoError(t, err)
		if l.State == campaigns.Draft {
			if _, err := desk.Tested(ctx, name(i), "chief", l.Seal, ""); err == nil {
				_, err = desk.Approve(ctx, name(i), "chief", l.Seal)
				require.NoError(t, err)
			}
		}
		if l, err = desk.Get(ctx, name(i)); err == nil && l.State == campaigns.Approved {
			_, err = desk.Schedule(ctx, name(i), "chief", clock.Now())
			require.NoError(t, err)
		}
		if _, err := desk.Resume(ctx, name(i), "chief", ""); err != nil {
			require.ErrorIs(t, err, campaigns.ErrState)
		}
	}
	over.Store(true)
	engines.Wait()
	for range 20 {
		for _, s := range shops {
			require.NoError(t, work(s))
		}
		clock.Advance(5 * time.Minute)
	}

	got := map[string]map[crm.Address][]string{}
	for _, s := range shops {
		require.Zero(t, s.Sender.Repeats())
		for _, m := range s.Sender.Messages() {
			if got[m.Cause] == nil {
				got[m.Cause] = map[crm.Address][]string{}
			}
			got[m.Cause][m.To] = append(got[m.Cause][m.To], m.Text)
		}
	}
	closed := 0
	for i := range names {
		l, err := desk.Get(ctx, name(i))
		if errors.Is(err, crm.ErrNotFound) {
			continue
		}
		require.NoError(t, err)
		require.True(t, l.State.Final(), "%s is %s", name(i), l.State)
		require.Less(t, len(l.Log), 200, "the log is whole")
		for _, e := range told[name(i)] {
			require.True(t, slices.ContainsFunc(l.Log, func(x campaigns.Entry) bool { return x == e }), "%s: %s was told that %q is done, at %s", name(i), e.By, e.Verb, e.At)
		}
		sent := got["campaign/"+name(i)]
		for to, texts := range sent {
			require.Len(t, texts, 1, "%s to %s", name(i), to)
			require.Equal(t, l.Campaign.Text, texts[0])
		}
		if len(sent) > 0 {
			require.True(t, slices.ContainsFunc(l.Approvals, func(e campaigns.Entry) bool { return e.Seal == l.Seal && !slices.Contains(l.Authors, e.By) }), "%+v", l)
			require.Equal(t, 1, countVerb(l, "begin"), "it began once")
		}
		if l.State == campaigns.Closed {
			closed++
			require.Len(t, sent, people, name(i))
		}
		p, err := shops[1].Engine.Progress(ctx, name(i))
		require.NoError(t, err)
		require.Equal(t, len(sent), p.Sent)
		require.Zero(t, p.Waiting+p.Leaving+p.Unknown)
	}
	require.Positive(t, closed)
	for cause := range got {
		require.True(t, strings.HasPrefix(cause, "campaign/c"), cause)
	}
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

func countVerb(l *campaigns.Life, verb string) (n int) {
	for _, e := range l.Log {
		if e.Verb == verb {
			n++
		}
	}
	return n
}
