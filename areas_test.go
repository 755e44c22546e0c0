package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// A shop in the US writes to somebody of whom no shop is known at the hours of the number's
// area; of a customer of a shop see TestLocalHoursOfAWebShop.
func TestHoursOfArea(t *testing.T) {
	shop, store := desked(t, 0, func(c *vefa.Config) { c.Currency, c.People = "USD", people.Options{Region: "US"} })
	ctx := t.Context()
	b := nighttest.People(3)
	for i, number := range []string{"+12125550100", "+12135550100", "+18085550100"} {
		to := crm.Address{Channel: crm.Phone, Value: number}
		b.Profiles[i].Contacts[0].Address = to
		b.Facts[2*i].Subject = crm.OfAddress(to)
		b.Facts[2*i+1].Data.(*crm.Order).Total.Currency = "USD"
	}
	_, err := shop.Engine.Service().Import(ctx, b)
	require.NoError(t, err)
	o := offer()
	o.Quiet = messaging.QuietHours{Local: true, Spread: time.Second}
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err = shop.Engine.DrawDue(ctx)
	require.NoError(t, err)
	for hour, want := range []int{0, 1, 1, 1, 2, 2, 3} { // from 12:00 UTC, 7:00 in New York
		_, err = shop.Engine.Deliver(ctx)
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), want, "%d:00 UTC", 12+hour)
		shop.Clock.Advance(time.Hour)
	}
	clean(t, store)
}
