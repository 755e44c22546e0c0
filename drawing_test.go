package vefa_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	offers "github.com/vefacrm/vefa/messaging/offer"
)

// What a preview says before anybody approves is what the drawing then does, and a preview writes
// nothing.
func TestPreviewSaysWhatIsDrawn(t *testing.T) {
	ctx := t.Context()
	shop, store := desked(t, 60, nil)
	svc := shop.Engine.Service()
	for i := range 7 { // who refused
		require.NoError(t, svc.Consent(ctx, nighttest.Phone(i), crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Refused, Actor: "desk"}))
	}
	_, err := svc.OpenTicket(ctx, nighttest.Key(20), "desk", "t1", crm.Ticket{Title: "x"})
	require.NoError(t, err)
	c := offer()
	c.Holdout, c.Window, c.Unmeasured = 0.3, 24*time.Hour, ""
	desk := shop.Engine.Desk()
	life, err := desk.Draft(ctx, "ayse", "everybody", c)
	require.NoError(t, err)

	before := digestOf(t, store)
	got, err := shop.Engine.Preview(ctx, "offer", 3)
	require.NoError(t, err)
	require.Equal(t, before, digestOf(t, store))
	require.Len(t, got.Sample, 3)
	require.Equal(t, life.Seal, got.Life.Seal)
	require.Equal(t, 60, got.Considered)
	require.Positive(t, got.HeldOut)
	refused := 0
	for _, w := range got.Withheld {
		refused += w.N
	}
	require.GreaterOrEqual(t, refused, 8, got.Withheld)
	require.Equal(t, got.Considered, got.Planned+got.HeldOut+refused)

	_, err = desk.Approve(ctx, "offer", "mehmet", life.Seal)
	require.NoError(t, err)
	_, err = desk.Schedule(ctx, "offer", "ayse", svc.Now())
	require.NoError(t, err)
	_, err = shop.Engine.DrawDue(ctx)
	require.NoError(t, err)
	life, err = desk.Get(ctx, "offer")
	require.NoError(t, err)
	require.Equal(t, []int{got.Considered, got.Planned, got.HeldOut, refused}, []int{life.Drawn.Considered, life.Drawn.Planned, life.Drawn.HeldOut, life.Drawn.Withheld})

	_, err = shop.Engine.Preview(ctx, "no-such", 1)
	require.ErrorIs(t, err, crm.ErrNotFound)
	other, _ := desked(t, 1, func(c *vefa.Config) { c.Desk = nil })
	_, err = other.Engine.Preview(ctx, "offer", 1)
	require.ErrorIs(t, err, crm.ErrInvalid)
}

// An evening runs to its end while a preview stands still.
func TestNoNightWaitsForAPreview(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	shop, _ := desked(t, 5, func(c *vefa.Config) {
		c.Choosers = map[string]offers.Chooser{"slow": chooserFunc(func(context.Context, offers.Question) (int, error) {
			asked <- struct{}{}
			<-release
			return 0, nil
		})}
	})
	c := offer()
	c.Variants, c.Choice = []messaging.Variant{{Name: "b", Text: "B"}}, messaging.Choice{By: "slow", Same: 0.001}
	c.Holdout, c.Window, c.Unmeasured = 0.01, 24*time.Hour, ""
	_, err := shop.Engine.Desk().Draft(t.Context(), "ayse", "everybody", c)
	require.NoError(t, err)
	type drawn struct {
		d   vefa.Drawing
		err error
	}
	got := make(chan drawn)
	go func() {
		d, err := shop.Engine.Preview(t.Context(), "offer", 0)
		got <- drawn{d, err}
	}()
	<-asked
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.True(t, rep.Closed)
	go func() {
		for range asked { // of the others
		}
	}()
	close(release)
	x := <-got
	close(asked)
	require.NoError(t, x.err)
	require.Equal(t, 5, x.d.Considered)
}
