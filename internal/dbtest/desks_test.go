package dbtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestDesksBesideLinkage: seven desks merge, part, keep apart and say "not me" while record linkage finds
// the same people and applies what it found. Whatever came first, the word of a desk holds when
// it was said and after the next evenings; where nobody said anything linkage has its way. It is so of a
// model that was learnt and of one that rests on assumptions.
func TestDesksBesideLinkage(t *testing.T) {
	for name, trainAt := range map[string]int{"learnt": 100, "assumed": 10_000} {
		t.Run(name, func(t *testing.T) { desksBesideLinkage(t, trainAt) })
	}
}

func desksBesideLinkage(t *testing.T, trainAt int) {
	const groups = 70 // of three records: two of one person, who has one phone, and somebody else's
	ctx := deadline(t)
	store, clock := migrated(t, openPostgres(t)), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt, c.Campaigns = trainAt, nil })
	svc := shop.Engine.Service()
	key := func(g int, who string) crm.ProfileKey {
		return crm.ProfileKey{Source: "pos", ID: fmt.Sprintf("%02d%s", g, who)}
	}
	given := []string{"Ada", "Mehmet", "Elif", "Burak", "Zeynep", "Ozan", "Hatice", "Deniz", "Fikret", "Umut"}
	family := []string{"Kaya", "Demir", "Yıldız", "Öztürk", "Çetin", "Sarıgül", "Aksoy"}
	first, second := crm.Batch{}, crm.Batch{}
	for g := range groups {
		add := func(b *crm.Batch, who string, named, phone int) {
			b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: key(g, who), At: nighttest.Start, Since: nighttest.Start,
				Name:  crm.Name{Given: given[named%10], Family: family[named/10]},
				Birth: fmt.Sprintf("19%02d-%02d-%02d", 50+named%40, 1+named%12, 1+named%28), Contacts: []crm.Contact{{Address: nighttest.Phone(phone)}}})
		}
		add(&first, "a", g, g)
		add(&first, "c", (g+35)%70, 100+g) // has another's name, and a phone and a birthday of its own
		first.Profiles[len(first.Profiles)-1].Birth = fmt.Sprintf("20%02d-%02d-%02d", g%20, 1+g%11, 1+g%27)
		if g%2 == 0 { // linkage has put it with a before the desks begin
			add(&first, "b", g, g)
		} else {
			add(&second, "b", g, g)
		}
	}
	_, err := svc.Import(ctx, first)
	require.NoError(t, err)
	var mu sync.Mutex
	one, two := map[[2]crm.ProfileKey]string{}, map[[2]crm.ProfileKey]string{}
	say := func(to map[[2]crm.ProfileKey]string, a, b crm.ProfileKey, why string) {
		mu.Lock()
		defer mu.Unlock()
		to[[2]crm.ProfileKey{a, b}] = why
	}
	desk := func(g int) error {
		a, b, c, actor := key(g, "a"), key(g, "b"), key(g, "c"), fmt.Sprint("desk ", g%7)
		switch g / 7 % 6 {
		case 5: // about two who are apart, or were made one by linkage a moment ago
			_, err := svc.KeepApart(ctx, actor, crm.Evidence{}, b, a)
			if errors.Is(err, crm.ErrStale) {
				say(one, a, b, "too late to keep apart")
				return nil
			}
			say(two, a, b, "kept apart")
			return err
		case 0: // linkage alone
			say(one, a, b, "linkage")
		case 1:
			say(one, a, c, "merge")
			_, err := svc.Merge(ctx, actor, crm.Evidence{}, c, a)
			return err
		case 2:
			if _, err := svc.Merge(ctx, actor, crm.Evidence{}, a, b); err != nil {
				return err
			}
			say(two, a, b, "split")
			_, err := svc.Split(ctx, actor, crm.Evidence{}, b)
			return err
		case 3:
			links, err := svc.Split(ctx, actor, crm.Evidence{}, b) // from whom linkage put it with, if it did
			at := map[crm.ProfileKey]crm.CustomerID{}
			for _, l := range links {
				at[l.Profile] = l.Customer
			}
			if at[a] != "" && at[b] != "" {
				say(two, a, b, "split of linkage's")
			} else {
				say(one, a, b, "nothing to split")
			}
			return err
		case 4:
			if _, err := svc.NotMe(ctx, b, nighttest.Phone(g), actor); err != nil {
				return err
			}
			log, err := svc.Links(ctx, b)
			why := "not me"
			for _, l := range log {
				if l.Kind == crm.LinkNotMe {
					break
				}
				if l.Kind == crm.LinkMatched { // they were one when it was said: linkage looks again
					why = "late"
				}
			}
			say(two, a, b, why)
			return err
		}
		return nil
	}
	day := 0
	night := func(b crm.Batch) error {
		day++
		clock.Set(nighttest.Start.AddDate(0, 0, day))
		_, err := shop.Engine.Night(ctx, vefa.Night{Day: nighttest.Start.AddDate(0, 0, day).Format(time.DateOnly), Source: nighttest.Once(b)})
		return err
	}
	require.NoError(t, night(crm.Batch{}))
	_, err = svc.Import(ctx, second)
	require.NoError(t, err)
	nighttest.AtOnce(t, func(w int) error {
		if w == 0 {
			for range 3 {
				if err := night(crm.Batch{}); err != nil {
					return err
				}
			}
			return nil
		}
		for g := w - 1; g < groups; g += 7 {
			if err := desk((g*3 + w) % groups); err != nil {
				return err
			}
		}
		return nil
	})
	check := func(when string) {
		t.Helper()
		told := map[string]int{}
		for same, pairs := range map[bool]map[[2]crm.ProfileKey]string{true: one, false: two} {
			for p, why := range pairs {
				told[why]++
				if why == "late" {
					continue
				}
				if (why == "linkage" || why == "nothing to split") && when == "at once" {
					continue // on its way
				}
				require.Equal(t, same, customerOf(ctx, t, svc, p[0]) == customerOf(ctx, t, svc, p[1]), "%s, %v, %s", why, p, when)
			}
		}
		t.Log(when, told)
	}
	check("at once")
	for range 2 {
		require.NoError(t, night(crm.Batch{}))
		check("after an evening")
	}
	shop.Engine.Close() // another process, which reads everybody
	require.NoError(t, night(crm.Batch{}))
	check("in another process")
	require.Equal(t, groups, len(one)+len(two), "every group is told")
}

func customerOf(ctx context.Context, t *testing.T, svc *crm.Service, k crm.ProfileKey) crm.CustomerID {
	t.Helper()
	c, err := svc.CustomerOf(ctx, k)
	require.NoError(t, err)
	return c.ID
}
