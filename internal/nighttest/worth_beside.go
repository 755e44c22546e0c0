package nighttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/worth"
	"github.com/vefacrm/vefa/rules"
)

// WorthBeside has three processes do the step of package worth at once, beside eight writers: people are imported, merged,
// split and parted again, orders arrive, are cancelled and erased. One of the processes is paused between what it reads and what it
// writes, until all is over; one is killed there. In the end the module keeps what one keeps that looks at
// everybody, and that is what the record says; each evening has one fit. The store must be one in which others write while a
// transaction is open.
func WorthBeside(t *testing.T, store crm.Store) {
	const people, steps = 60, 6
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	module, err := worth.New(worth.Config{Least: 5})
	require.NoError(t, err)
	refresh := module.Steps[0].Run
	var beside func(ctx context.Context, ev *crm.Evening) error
	module.Steps[0].Run = func(ctx context.Context, ev *crm.Evening) error { return beside(ctx, ev) }
	shop := New(t, store, clock, func(c *vefa.Config) {
		c.Modules, c.TrainAt = []crm.Module{module}, -1
		c.Campaigns, c.Surveys = nil, nil
		book, err := rules.ReadYAML("buyers.yaml", []byte(`rules: [{name: buyer, when: 'PAlive != nil', then: [{tag: buyer}]}]`))
		require.NoError(t, err)
		c.Rules = []*rules.Book{book}
	})
	svc := shop.Engine.Service()

	day := 0
	write := func(w int) error {
		r := rand.New(rand.NewPCG(uint64(w), 21))
		var links []crm.Link
		for n := range steps {
			i, j, id := r.IntN(people), r.IntN(people), fmt.Sprintf("w%d-%d", w, n)
			order := Order(i, id, Start.AddDate(0, 0, -r.IntN(200)))
			var err error
			switch n % 6 {
			case 0:
				p := &crm.Profile{ProfileKey: Key(people + 10*w + n), Since: Start.AddDate(-1, 0, 0), At: clock.Now()}
				order.Subject = crm.OfProfile(p.ProfileKey)
				_, err = svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{order}})
			case 1:
				links, err = svc.Merge(ctx, "desk", crm.Evidence{}, Key(i), Key(j))
			case 2:
				_, err = svc.Import(ctx, crm.Batch{Facts: []*crm.Fact{order}})
			case 3:
				// What is erased may be as it was before, while one that is paused has read the order.
				gone := Order(i, fmt.Sprint("day", day, "-", i), Start)
				if w%4 == 0 {
					gone.Version, gone.Data.(*crm.Order).Status = 2, crm.OrderCancelled
					_, err = svc.Import(ctx, crm.Batch{Facts: []*crm.Fact{gone}})
				} else {
					err = svc.Update(ctx, func(tx crm.Tx) error {
						return tx.DeleteFacts(ctx, crm.FactRef{Key: gone.Key, Subject: gone.Subject})
					})
				}
			case 4:
				if w%2 == 0 {
					_, err = svc.Split(ctx, "desk", crm.Evidence{}, Key(j))
				} else {
					_, err = svc.Undo(ctx, "desk", links...)
				}
			case 5:
				p := People(people).Profiles[i]
				p.Since, p.At = Start.AddDate(0, -1-w, 0), clock.Now()
				_, err = svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{p}})
			}
			if err != nil && !errors.Is(err, crm.ErrConflict) && !errors.Is(err, crm.ErrInvalid) && !errors.Is(err, crm.ErrNotFound) {
				return fmt.Errorf("writer %d, step %d: %w", w, n, err)
			}
		}
		return nil
	}

	// process does the step; it calls read between what it reads and what it writes.
	process := func(ctx context.Context, ev *crm.Evening, read func()) error {
		mine := *ev
		mine.Count = func(string, int) {}
		mine.Customers = func(ctx context.Context, r crm.Reader, at time.Time, lines bool, keys ...crm.ProfileKey) ([]crm.FieldSubject, error) {
			out, err := ev.Customers(ctx, r, at, lines, keys...)
			if err == nil {
				read()
			}
			return out, err
		}
		return refresh(ctx, &mine)
	}
	three := func(ctx context.Context, ev *crm.Evening) error {
		if err := ev.Store.View(ctx, func(r crm.Reader) error { // what it keeps for later calls is loaded
			_, err := ev.Customers(ctx, r, ev.At, false)
			return err
		}); err != nil {
			return err
		}
		over, asleep, dead := make(chan struct{}), make(chan struct{}), make(chan struct{})
		var others, sleeper sync.WaitGroup
		pause, die := sync.OnceFunc(func() { close(asleep); <-over }), sync.OnceFunc(func() { close(dead) })
		sleeper.Go(func() { assert.NoError(t, process(ctx, ev, pause)) })
		<-asleep
		others.Go(func() {
			ctx, kill := context.WithCancel(ctx)
			defer kill()
			assert.ErrorIs(t, process(ctx, ev, func() { kill(); die() }), context.Canceled)
		})
		<-dead
		var written atomic.Bool
		others.Go(func() {
			for last := false; !last; {
				last = written.Load() // and once more when all is written
				if !assert.NoError(t, process(ctx, ev, func() {})) {
					return
				}
			}
		})
		AtOnce(t, write)
		written.Store(true)
		others.Wait()
		close(over)
		sleeper.Wait()
		return nil
	}

	// The first evening looks at everybody, the second at those who changed.
	_, err = svc.Import(ctx, People(people))
	require.NoError(t, err)
	for day = range 2 {
		clock.Set(Start.AddDate(0, 0, day))
		var b crm.Batch
		for i := range people {
			b.Facts = append(b.Facts, Order(i, fmt.Sprint("day", day, "-", i), clock.Now().Add(-time.Minute)))
		}
		_, err := svc.Import(ctx, b)
		require.NoError(t, err)
		beside = three
		_, err = shop.Engine.Night(ctx, vefa.Night{})
		require.NoError(t, err)
	}
	// A clock that was far ahead for an evening, and is right again.
	beside = refresh
	for _, days := range []int{3000, 2} {
		clock.Set(Start.AddDate(0, 0, days))
		_, err = shop.Engine.Night(ctx, vefa.Night{})
		require.NoError(t, err)
	}
	got := worthParts(t, store)
	require.NoError(t, svc.DropCursors(ctx, "worth"))
	clock.Set(Start.AddDate(0, 0, 3))
	_, err = shop.Engine.Night(ctx, vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, worthParts(t, store), got)

	buyers := 0
	for c, err := range svc.Customers(ctx) {
		require.NoError(t, err)
		facts, err := svc.Facts(ctx, c.ID, crm.KindOrder)
		require.NoError(t, err)
		for _, f := range facts {
			if f.Data.(*crm.Order).Status != crm.OrderCancelled {
				buyers++
				break
			}
		}
	}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		fits, err := worth.Fits(ctx, r)
		require.NoError(t, err)
		days := map[string]bool{}
		for _, f := range fits {
			require.False(t, days[f.Day], "two fits of %s", f.Day)
			days[f.Day] = true
			if f.Day >= clock.Now().Format(time.DateOnly) {
				require.Equal(t, buyers, f.Customers, f.Day)
			}
		}
		require.Len(t, days, 5)
		return nil
	}))
}
