package nighttest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
)

// mistakes has eight writers on engines of their own say "not me" by the links of the same people and take it back at
// the desk, each in another order. An address is disowned exactly where the link's page says so; when all is taken
// back, none is, each survey is open and no ticket is left.
func mistakes(t *testing.T, store crm.Store) {
	const people = 4
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, Writers, people, nil)
	AtOnce(t, func(n int) error {
		for j := range 2 * people {
			i := (j + 3*n) % people
			if (j+n)%2 == 0 {
				if _, err := w.Engines[n].TakeBackNotMe(ctx, Key(i), Phone(i), "desk"); err != nil {
					return err
				}
				continue
			}
			if _, err := request(ctx, w.Client(n), http.MethodPost, w.Links[i]+"/not-me"); err != nil {
				return err
			}
		}
		return nil
	})
	closed := func() (n int) {
		for _, link := range w.Links {
			o, err := Open(ctx, w.Client(0), link)
			require.NoError(t, err)
			require.Less(t, o.Status, 500, "%s", o.Page)
			if At(o) != 0 {
				n++
			}
		}
		return n
	}
	disowned := func() (n, unsolved int) {
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			n, unsolved = 0, 0
			for i := range people {
				p, err := r.Profiles(ctx, Key(i))
				if err != nil {
					return err
				}
				n += len(p[0].Disowned)
				facts, err := r.FactsOf(ctx, crm.FactQuery{Subjects: []crm.Subject{crm.OfProfile(Key(i))}, Kinds: []crm.FactKind{crm.KindTicket}})
				if err != nil {
					return err
				}
				for _, f := range facts {
					if f.Data.(*crm.Ticket).Unsolved() {
						unsolved++
					}
				}
			}
			return nil
		}))
		return n, unsolved
	}
	n, unsolved := disowned()
	require.Equal(t, n, closed())
	require.Equal(t, n, unsolved)
	for i := range people {
		_, err := w.Engines[0].TakeBackNotMe(ctx, Key(i), Phone(i), "desk")
		require.NoError(t, err)
	}
	after, unsolved := disowned()
	require.Zero(t, after+unsolved+closed())
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
	t.Logf("%d of %d were disowned when the writers ended", n, people)
}
