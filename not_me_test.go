package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// asked returns a retailer of n people with one phone, of whom some bought
// something and were asked about it, one evening after the other.
func asked(t *testing.T, n int, buyers ...int) (*nighttest.Retailer, crm.Store) {
	t.Helper()
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Campaigns = nil })
	b := sharing(n)
	for evening, i := range buyers {
		at := nighttest.Start.AddDate(0, 0, evening)
		clock.Set(at)
		b.Facts = append(b.Facts, nighttest.Order(i, fmt.Sprint("o", i), at.Add(-time.Hour)))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
	}
	clock.Set(nighttest.Start.AddDate(0, 0, len(buyers)))
	_, err := shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, shop.Sender.Messages(), len(buyers))
	return shop, store
}

// notMe replies that a message to the phone was not meant, and returns who does
// not have the phone any more.
func notMe(t *testing.T, shop *nighttest.Retailer, store crm.Store, n int, id string) []crm.ProfileKey {
	t.Helper()
	_, err := shop.Engine.Reply(t.Context(), nighttest.Phone(0), id, "yanlış numara", shop.Clock.Now())
	require.NoError(t, err)
	return disowned(t, store, n)
}

func disowned(t *testing.T, store crm.Store, n int) (out []crm.ProfileKey) {
	t.Helper()
	keys := make([]crm.ProfileKey, n)
	for i := range keys {
		keys[i] = nighttest.Key(i)
	}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		profiles, err := r.Profiles(t.Context(), keys...)
		out = nil
		for _, p := range profiles {
			if len(p.Disowned) > 0 {
				out = append(out, p.ProfileKey)
			}
		}
		return err
	}))
	return out
}

// Case A6: "not me" is about the message that went to a phone, whichever of the
// many who have the phone it is about.
func TestNotMeOfASharedPhone(t *testing.T) {
	const holders = 30
	for _, who := range []int{0, 9} { // the first and the last by key
		shop, store := asked(t, holders, who)
		require.Equal(t, []crm.ProfileKey{nighttest.Key(who)}, notMe(t, shop, store, holders, "in-1"))
	}
}

// Case A19: a reply that is delivered again is about the message that it was
// about, whenever Prune ran, and however old the message was when the reply came.
func TestPruneKeepsReplies(t *testing.T) {
	for _, age := range []time.Duration{time.Hour, 60 * 24 * time.Hour} {
		shop, store := asked(t, 2, 0, 1)
		shop.Clock.Advance(age)
		first := notMe(t, shop, store, 2, "in-1")
		require.Len(t, first, 1)
		shop.Clock.Advance(time.Hour)
		_, err := shop.Engine.Prune(t.Context(), shop.Clock.Now())
		require.NoError(t, err)
		require.Equal(t, first, notMe(t, shop, store, 2, "in-1"), "%s after the message", age)

		shop.Clock.Advance(60 * 24 * time.Hour)
		got, err := shop.Engine.Prune(t.Context(), shop.Clock.Now())
		require.NoError(t, err)
		require.Positive(t, got.Documents)
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			docs, err := r.ScanDocuments(t.Context(), "reply", "", 10)
			require.Empty(t, docs, "nothing is kept for ever")
			return err
		}))
	}
}
