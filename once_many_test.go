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
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// drawnTwice returns a retailer that draws n campaigns on two evenings and does
// nothing else.
func drawnTwice(t *testing.T, n int) (*nighttest.Retailer, crm.Store) {
	t.Helper()
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	return nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys = nil, nil
		spring := c.Campaigns[0]
		spring.On = []string{"2025-03-03", "2025-03-04"}
		c.Campaigns = nil
		for i := range n {
			spring.Name = fmt.Sprint("spring-", i)
			c.Campaigns = append(c.Campaigns, spring)
		}
	}), store
}

// relatives have given names that no slip of the pen makes one another's.
var relatives = []string{"Ada", "Mehmet", "Elif", "Burak", "Zeynep", "Ozan", "Hatice", "Deniz"}

// sharing returns n people who have the phone of the first, and its consent.
func sharing(n int) crm.Batch {
	b := crm.Batch{Facts: []*crm.Fact{nighttest.Consent(0, "c0", crm.Granted, nighttest.Start.Add(-time.Hour))}}
	for i, p := range nighttest.People(n).Profiles {
		p.Contacts[0].Address = nighttest.Phone(0)
		p.Name.Given = relatives[i%len(relatives)]
		b.Profiles = append(b.Profiles, p)
	}
	return b
}

// Case A5: what went to the phone of a customer reached all records of the
// customer that had the phone, not only the one that the message is about: split
// off and with a new phone, neither gets it again. It is so of one thing and of
// more than a look-up of a person's refs returns.
func TestSharedThingsStayWithEachRecord(t *testing.T) {
	for _, n := range []int{1, 25} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			shop, store := drawnTwice(t, n)
			svc := shop.Engine.Service()
			b := sharing(2)
			_, err := svc.Import(t.Context(), b)
			require.NoError(t, err)
			merge(t, svc, 0, 1)
			_, err = shop.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), n)

			shop.Clock.Set(nighttest.Start.Add(time.Hour))
			_, err = svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(1))
			require.NoError(t, err)
			for i, p := range b.Profiles {
				p.Contacts[0].Address, p.At = nighttest.Phone(100+i), shop.Clock.Now()
				b.Facts = append(b.Facts, nighttest.Consent(100+i, fmt.Sprint("n", i), crm.Granted, shop.Clock.Now()))
			}
			_, err = svc.Import(t.Context(), b)
			require.NoError(t, err)
			shop.Clock.Set(nighttest.Start.AddDate(0, 0, 1))
			rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Equal(t, 2*n, rep.Campaigns.Planned, "drawn on the new phones")
			require.Len(t, shop.Sender.Messages(), n)
			clean(t, store)
		})
	}
}

// Case A6: a phone that got more than 20 things of one record gets none of them
// again when another record has it.
func TestManyThingsOfAPhone(t *testing.T) {
	const n = 25
	text := "rules:\n"
	for i := range n {
		text += fmt.Sprintf("  - {name: welcome-%d, when: Orders > 0, then: [{message: welcome}]}\n", i)
	}
	book, err := rules.ReadYAML("rules.yaml", []byte(text))
	require.NoError(t, err)
	store, clock := memstore.New(), &crmtest.Clock{}
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.Surveys = []*rules.Book{book}, nil, nil
		c.Messages = []messaging.Campaign{{Name: "welcome", Text: "welcome", Unmeasured: "test"}}
	})
	for evening := range 2 {
		at := nighttest.Start.AddDate(0, 0, evening)
		clock.Set(at)
		b := sharing(evening + 1)
		if evening == 1 {
			b.Profiles[0].Contacts, b.Profiles[0].At = nil, at
		}
		b.Facts = append(b.Facts, nighttest.Order(evening, fmt.Sprint("o", evening), at.Add(-time.Hour)))
		rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Equal(t, n, rep.Delivered.Due, "evening %d", evening)
		require.Len(t, shop.Sender.Messages(), n)
	}
	clean(t, store)
}
