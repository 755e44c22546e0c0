package vefa_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestFewCustomers: a shop of 60 customers has too few records to learn a model
// from. Who has the same name and the same number is one person, no other is
// merged, and the report says so. Case B8.
func TestFewCustomers(t *testing.T) {
	shop := func(t *testing.T, trainAt int) (*nighttest.Retailer, func(i int) crm.CustomerID) {
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		s := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { c.TrainAt = trainAt })
		return s, func(i int) crm.CustomerID {
			c, err := s.Engine.Service().CustomerOf(t.Context(), crm.ProfileKey{Source: "web", ID: fmt.Sprint(i)})
			require.NoError(t, err)
			return c.ID
		}
	}
	b := nighttest.People(60)
	b.Profiles[3].Birth, b.Profiles[4].Gender = "1980-05-12", "f"
	web := func(i int, p crm.Profile) {
		p.ProfileKey, p.At = crm.ProfileKey{Source: "web", ID: fmt.Sprint(i)}, nighttest.Start
		p.Contacts = []crm.Contact{{Address: nighttest.Phone(i)}}
		b.Profiles = append(b.Profiles, &p)
	}
	name := func(i int) crm.Name { return crm.Name{Given: "ADA", Family: fmt.Sprint("kaya", i)} }
	web(1, crm.Profile{Name: name(1)})
	web(2, crm.Profile{Name: crm.Name{Given: "Can", Family: "Kaya2"}}) // a relative
	web(3, crm.Profile{Name: name(3), Birth: "2010-01-01"})            // a child of the same name
	web(4, crm.Profile{Name: name(4), Gender: "m"})
	web(5, crm.Profile{Name: crm.Name{Given: "Ada"}}) // half a name
	web(6, crm.Profile{Name: crm.Name{Full: "Ada Kaya6"}})
	with := func(t *testing.T, s *nighttest.Retailer, i int) crm.CustomerID {
		c, err := s.Engine.Service().CustomerOf(t.Context(), nighttest.Key(i))
		require.NoError(t, err)
		return c.ID
	}

	s, of := shop(t, 0)
	for evening := range 3 {
		s.Clock.Set(nighttest.Start.AddDate(0, 0, evening))
		rep, err := s.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Equal(t, 100, rep.Identified.TrainAt)
		require.False(t, rep.Identified.Trained)
		require.Equal(t, evening == 0, rep.Identified.Moved > 0)
		for i := 1; i <= 6; i++ {
			require.Equal(t, i == 6 || i == 1 && evening < 2, of(i) == with(t, s, i), "person %d, evening %d", i, evening)
		}
		if evening == 1 { // a person says otherwise, and it holds
			_, err := s.Engine.Service().Split(t.Context(), "desk", crm.Evidence{}, crm.ProfileKey{Source: "web", ID: "1"})
			require.NoError(t, err)
		}
	}

	s, of = shop(t, -1)
	rep, err := s.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Equal(t, -1, rep.Identified.TrainAt)
	require.NotEqual(t, with(t, s, 1), of(1))
}

// Namesakes by the hundred, of surnames that are a slip of the pen apart, three to a phone: nobody
// is merged with one of another phone, and linkage ends. It took a turn for every few pairs that
// were tried in vain, hundreds of turns.
func TestFewWhoAreAlike(t *testing.T) {
	const persons, household = 360, 3
	var b crm.Batch
	for i := range persons * 3 / 2 {
		who := i % persons
		p := &crm.Profile{ProfileKey: nighttest.Key(i), At: nighttest.Start, Name: crm.Name{Given: "Ada", Family: fmt.Sprint("Kaya", who)}}
		if i%4 > 0 {
			p.Contacts = []crm.Contact{{Address: nighttest.Phone(who / household)}}
		}
		b.Profiles = append(b.Profiles, p)
	}
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	s := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { c.TrainAt, c.Campaigns = 10_000, nil })
	_, err := s.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	phone := map[crm.CustomerID]string{}
	for _, p := range b.Profiles {
		c, err := s.Engine.Service().CustomerOf(t.Context(), p.ProfileKey)
		require.NoError(t, err)
		for _, x := range p.Contacts {
			if other, known := phone[c.ID]; known {
				require.Equal(t, other, x.Value)
			}
			phone[c.ID] = x.Value
		}
	}
	require.GreaterOrEqual(t, len(phone), persons/household)
	list, err := s.Engine.Questions(t.Context(), 100)
	require.NoError(t, err)
	require.Len(t, list, 100, "who is alike is asked about")
}
