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
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/rules"
)

// TestNothingWaitsForANight: while a night stands still, every other call answers,
// from what is committed; another night waits no longer than its context allows.
// Case B3.
func TestNothingWaitsForANight(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
		book, err := rules.ReadYAML("vip.yaml", []byte("rules: [{name: vip, on: {tag_added: vip}, when: Orders > 0, then: [{tag: greeted}]}]"))
		require.NoError(t, err)
		c.Rules = append(c.Rules, book)
		c.Desk = &campaigns.Config{}
	})
	eng := shop.Engine
	_, err := eng.Desk().Draft(t.Context(), "ayse", "everybody", offer())
	require.NoError(t, err)
	_, err = eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	sent := len(shop.Sender.Messages())
	who, err := eng.Service().CustomerOf(t.Context(), nighttest.Key(1))
	require.NoError(t, err)

	clock.Set(nighttest.Start.AddDate(0, 0, 1).Add(time.Hour)) // the surveys of yesterday's purchases are due
	running, over, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := eng.Night(t.Context(), vefa.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] {
			return func(func(crm.Batch, error) bool) { close(running); <-over }
		}})
		done <- err
	}()
	<-running
	ref, err := eng.Service().OpenTicket(t.Context(), nighttest.Key(2), "desk", "1", crm.Ticket{Title: "during the night"})
	require.NoError(t, err)
	calls := map[string]func(context.Context) error{
		"Deliver": func(ctx context.Context) error {
			got, err := eng.Deliver(ctx)
			if err == nil {
				require.Equal(t, 2, got.Done, "person 2 has an open ticket")
				require.Len(t, shop.Sender.Messages(), sent+2)
			}
			return err
		},
		"Resume": func(ctx context.Context) error { _, err := eng.Resume(ctx); return err },
		"Results": func(ctx context.Context) error {
			got, err := eng.Results(ctx)
			if err == nil {
				require.Equal(t, 3, got.Customers)
				require.Equal(t, 1, got.Tickets[crm.TicketOpen])
			}
			return err
		},
		"Unsolved": func(ctx context.Context) error {
			got, err := eng.Unsolved(ctx)
			if err == nil {
				require.Len(t, got, 1)
				require.Equal(t, ref, got[0].Ref)
			}
			return err
		},
		"Segments": func(ctx context.Context) error {
			got, err := eng.Segments(ctx)
			if err == nil {
				n, err := got.Counts(time.Time{}, "everybody")
				require.NoError(t, err)
				require.Equal(t, []int{3}, n)
			}
			return err
		},
		"Preview": func(ctx context.Context) error {
			got, err := eng.Preview(ctx, "offer", 3)
			if err == nil {
				require.Equal(t, 3, got.Considered)
				require.Equal(t, 2, got.Planned, "person 2 has an open ticket")
				require.Len(t, got.Sample, 2)
			}
			return err
		},
		"Progress": func(ctx context.Context) error { _, err := eng.Progress(ctx, "offer"); return err },
		"Why": func(ctx context.Context) error {
			got, err := eng.Why(ctx, who.ID, "rule/call", vefa.WhyQuery{})
			if err == nil {
				require.Contains(t, got.String(), "Orders >= 3")
			}
			return err
		},
		"Why, of a campaign": func(ctx context.Context) error {
			_, err := eng.Why(ctx, who.ID, "campaign/spring", vefa.WhyQuery{})
			return err
		},
		"Occur": func(ctx context.Context) error {
			got, err := eng.Occur(ctx, who.ID, rules.Trigger{Kind: rules.OnTagAdded, Tag: "vip"}, crm.FactKey{})
			if err == nil {
				require.Equal(t, 1, got.Planned)
			}
			return err
		},
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, call := range calls {
		require.NoError(t, call(t.Context()), name)
		require.ErrorIs(t, call(ended), context.Canceled, name)
	}
	_, err = eng.Night(ended, vefa.Night{})
	require.ErrorIs(t, err, context.Canceled)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = eng.Night(short, vefa.Night{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
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
