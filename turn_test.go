package vefa_test

import (
	"context"
	"errors"
	"iter"
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

// TestNoCallOutlivesItsDeadline: what waits for a running night waits no longer
// than its context allows. Case B3.
func TestNoCallOutlivesItsDeadline(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	eng := nighttest.New(t, memstore.New(), clock, nil).Engine
	_, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	who, err := eng.Service().CustomerOf(t.Context(), nighttest.Key(1))
	require.NoError(t, err)

	clock.Set(nighttest.Start.AddDate(0, 0, 1))
	running, over, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := eng.Night(t.Context(), vefa.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] {
			return func(func(crm.Batch, error) bool) { close(running); <-over }
		}})
		done <- err
	}()
	<-running
	for name, call := range map[string]func(context.Context) error{
		"Night":    func(ctx context.Context) error { _, err := eng.Night(ctx, vefa.Night{}); return err },
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
	clock, mine := &crmtest.Clock{}, errors.New("mine")
	clock.Set(nighttest.Start)
	broken := true
	eng := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
		c.Progress = func(step string, _, _ int) {
			if broken && step == "plan" {
				panic(mine)
			}
		}
	}).Engine
	_, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.ErrorIs(t, err, mine)
	require.ErrorAs(t, err, new(*crm.PanicError))
	broken = false
	rep, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.True(t, rep.Closed)
	require.Equal(t, 3, rep.Delivered.Done)
}
