package engage_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/engage"
	"github.com/vefacrm/vefa/crm/engage/engagetest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/rules"
)

// TestNoCallOutlivesItsDeadline: what waits for a running night waits no longer
// than its context allows. Case B3.
func TestNoCallOutlivesItsDeadline(t *testing.T) {
	clock := &engagetest.Clock{}
	clock.Set(engagetest.Start)
	eng := engagetest.New(t, memstore.New(), clock, nil).Engine
	_, err := eng.Night(t.Context(), engage.Night{Source: engagetest.Once(engagetest.People(3))})
	require.NoError(t, err)
	who, err := eng.Service().CustomerOf(t.Context(), engagetest.Key(1))
	require.NoError(t, err)

	clock.Set(engagetest.Start.AddDate(0, 0, 1))
	running, over, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := eng.Night(t.Context(), engage.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] {
			return func(func(crm.Batch, error) bool) { close(running); <-over }
		}})
		done <- err
	}()
	<-running
	for name, call := range map[string]func(context.Context) error{
		"Night":    func(ctx context.Context) error { _, err := eng.Night(ctx, engage.Night{}); return err },
		"Deliver":  func(ctx context.Context) error { _, err := eng.Deliver(ctx); return err },
		"Resume":   func(ctx context.Context) error { _, err := eng.Resume(ctx); return err },
		"Results":  func(ctx context.Context) error { _, err := eng.Results(ctx); return err },
		"Unsolved": func(ctx context.Context) error { _, err := eng.Unsolved(ctx); return err },
		"Segments": func(ctx context.Context) error { _, err := eng.Segments(ctx); return err },
		"Why":      func(ctx context.Context) error { _, err := eng.Why(ctx, who.ID, "rule/call"); return err },
		"Occur": func(ctx context.Context) error {
			_, err := eng.Occur(ctx, who.ID, rules.Trigger{Kind: rules.OnTagAdded, Tag: "vip"}, crm.FactKey{})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		require.ErrorIs(t, call(ctx), context.DeadlineExceeded, name)
		cancel()
	}
	close(over)
	require.NoError(t, <-done)
}

// TestANightThatPanics: a panic of a function of the host's is the night's error,
// and the same night goes on when it is mended.
func TestANightThatPanics(t *testing.T) {
	clock, mine := &engagetest.Clock{}, errors.New("mine")
	clock.Set(engagetest.Start)
	broken := true
	eng := engagetest.New(t, memstore.New(), clock, func(c *engage.Config) {
		c.Progress = func(step string, _, _ int) {
			if broken && step == "plan" {
				panic(mine)
			}
		}
	}).Engine
	_, err := eng.Night(t.Context(), engage.Night{Source: engagetest.Once(engagetest.People(3))})
	require.ErrorIs(t, err, mine)
	require.ErrorAs(t, err, new(*crm.PanicError))
	broken = false
	rep, err := eng.Night(t.Context(), engage.Night{Source: engagetest.Once(engagetest.People(3))})
	require.NoError(t, err)
	require.True(t, rep.Closed)
	require.Equal(t, 3, rep.Delivered.Done)
}
