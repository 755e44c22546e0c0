package vefa_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestNotMeKeepsApart: the holder of a phone said "not me" about a person, so no evening
// takes that person and another who has the phone for one, however alike they are, also one
// who comes later, and whoever is like both; until a person says otherwise.
func TestNotMeKeepsApart(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted ", again), func(t *testing.T) {
			const people = 60
			b := alike(people)
			for i, p := range b.Profiles {
				p.Birth = fmt.Sprintf("19%02d-03-04", 40+i/3)
				p.Contacts = append(p.Contacts, crm.Contact{Address: crm.Address{Channel: crm.Email, Value: fmt.Sprintf("x%d@example.com", i/3)}})
			}
			phone := b.Profiles[0].Contacts[0].Address
			late := *b.Profiles[2]
			b.Profiles[2].Contacts = b.Profiles[2].Contacts[1:] // another of the same, without the phone
			w := &nights{T: t, store: memstore.New(), clock: &crmtest.Clock{}}
			w.clock.Set(nighttest.Start)
			w.start()
			svc := w.eng.Service()
			_, err := svc.Import(t.Context(), b)
			require.NoError(t, err)
			n, err := svc.NotMe(t.Context(), nighttest.Key(0), phone, "the holder")
			require.NoError(t, err)
			require.Equal(t, 1, n)
			night := func() {
				if again {
					w.start()
				}
				w.night()
			}
			for range 2 {
				night()
				require.False(t, w.together(0, 1), "the phone's holder is somebody else")
				require.True(t, w.together(3, 4) && w.together(3, 5))
				require.True(t, w.together(0, 2) != w.together(1, 2), "who is like both is one of them")
			}
			late.ProfileKey = crm.ProfileKey{Source: "late", ID: "1"}
			_, err = w.eng.Service().Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{&late}})
			require.NoError(t, err)
			night()
			at := func(k crm.ProfileKey) crm.CustomerID {
				c, err := w.eng.Service().CustomerOf(t.Context(), k)
				require.NoError(t, err)
				return c.ID
			}
			require.NotEqual(t, at(nighttest.Key(0)), at(late.ProfileKey), "who came to the phone later is not that person either")
			require.Equal(t, at(nighttest.Key(1)), at(late.ProfileKey))

			w.clock.Advance(1)
			_, err = w.eng.Service().Merge(t.Context(), "ada", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
			require.NoError(t, err)
			for range 2 {
				night()
				require.True(t, w.together(0, 1), "a person knows better")
				require.Equal(t, at(nighttest.Key(1)), at(late.ProfileKey))
			}
			require.True(t, w.together(0, 2) && w.together(1, 2))
		})
	}
}
