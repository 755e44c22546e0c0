package vefa_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestKeepApart: a "no" about two who are apart holds when one of them comes to be like the other,
// and the third that comes, whoever is started again, until it is taken back.
func TestKeepApart(t *testing.T) {
	for _, again := range []bool{false, true} {
		for name, trainAt := range map[string]int{"learnt": 20, "assumed": 10_000} {
			t.Run(fmt.Sprint(name, ", restarted ", again), func(t *testing.T) { keepApart(t, trainAt, again) })
		}
	}
}

func keepApart(t *testing.T, trainAt int, again bool) {
	w := newNights(t, 0)
	w.trainAt = trainAt
	w.start()
	ctx := t.Context()
	night := func() {
		if again {
			w.eng.Close()
			w.start()
		}
		w.night()
	}
	b := alike(60)
	// Of the first three each has a name of his own until later.
	names := []crm.Name{{Given: "Eda", Family: "Yıldız"}, {Given: "Mehmet", Family: "Sarı"}, {Given: "Oya", Family: "Ak"}}
	var later crm.Batch
	for i, n := range names {
		p := *b.Profiles[i]
		p.At = nighttest.Start.AddDate(0, 1, 0)
		later.Profiles = append(later.Profiles, &p)
		b.Profiles[i].Name, b.Profiles[i].Contacts = n, []crm.Contact{{Address: nighttest.Phone(1000 + i)}}
	}
	third := &crm.Profile{ProfileKey: nighttest.Key(60), Name: crm.Name{Given: "Suna", Family: "Ak"}, At: nighttest.Start, Since: nighttest.Start}
	b.Profiles = append(b.Profiles, third)
	_, err := w.eng.Service().Import(ctx, b)
	require.NoError(t, err)
	night()
	require.False(t, w.together(0, 1) || w.together(0, 2) || w.together(1, 2))
	no, err := w.eng.Service().KeepApart(ctx, "desk", crm.Evidence{}, nighttest.Key(1), nighttest.Key(0))
	require.NoError(t, err)
	night()
	_, err = w.eng.Service().Import(ctx, crm.Batch{Profiles: later.Profiles[:2]})
	require.NoError(t, err)
	for range 2 {
		night()
		require.False(t, w.together(0, 1), "they are alike now, and were said to be two")
	}
	_, err = w.eng.Service().Import(ctx, crm.Batch{Profiles: later.Profiles[2:]}) // like both
	require.NoError(t, err)
	for range 2 {
		night()
		require.False(t, w.together(0, 1))
		require.True(t, w.together(0, 2) != w.together(1, 2), "the third is one of them")
	}
	_, err = w.eng.Service().Merge(ctx, "desk", crm.Evidence{}, third.ProfileKey, nighttest.Key(1))
	require.NoError(t, err)
	for range 2 {
		night()
		require.False(t, w.together(0, 1))
		require.True(t, w.together(1, 60))
	}
	list, err := w.eng.Questions(ctx, 1000)
	require.NoError(t, err)
	for _, q := range list {
		require.False(t, q.A == nighttest.Key(0) && q.B == nighttest.Key(1), "it was answered")
	}
	_, err = w.eng.Service().Split(ctx, "desk", crm.Evidence{}, third.ProfileKey) // who is like nobody
	require.NoError(t, err)
	_, err = w.eng.Service().Undo(ctx, "desk", no...)
	require.NoError(t, err)
	night()
	require.True(t, w.together(0, 1), "nothing keeps them apart any more")
	night()
	require.True(t, w.together(0, 1))
}

// A question that was answered with no is gone at once and for good, whether it is
// about learnt or assumed odds.
func TestNoToAQuestion(t *testing.T) {
	for name, trainAt := range map[string]int{"learnt": 20, "assumed": 10_000} {
		t.Run(name, func(t *testing.T) {
			eng, clock := doubtful(t, trainAt, func(b *crm.Batch) { // and namesakes of whom little is known
				for i, p := range b.Profiles[:200] {
					b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "web", ID: fmt.Sprint("n", i)}, At: nighttest.Start, Since: nighttest.Start,
						Name: p.Name, Gender: p.Gender, Postal: crm.Postal{City: p.Postal.City}})
				}
			})
			ctx := t.Context()
			list, err := eng.Questions(ctx, 1000)
			require.NoError(t, err)
			t.Log(len(list), "questions")
			said := map[[2]crm.ProfileKey]bool{}
			for _, q := range list {
				if !q.Together && len(said) < 10 {
					_, err := eng.Service().KeepApart(ctx, "desk", crm.Evidence{Weight: q.Weight, Fields: q.Fields}, q.A, q.B)
					require.NoError(t, err)
					said[[2]crm.ProfileKey{q.A, q.B}] = true
				}
			}
			require.NotEmpty(t, said)
			for day := range 3 {
				left, err := eng.Questions(ctx, 1000)
				require.NoError(t, err)
				if day == 0 {
					require.Len(t, left, len(list)-len(said))
				}
				for _, q := range left {
					require.False(t, said[[2]crm.ProfileKey{q.A, q.B}], "asked again")
				}
				clock.Set(nighttest.Start.AddDate(0, 0, day+1))
				_, err = eng.Night(ctx, vefa.Night{})
				require.NoError(t, err)
			}
		})
	}
}
