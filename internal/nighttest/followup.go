package nighttest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// FollowUps has eight writers on engines of their own write from the thank-you page of each person, each
// text twice: of each person one text is in one ticket, that of the one writer who is thanked for it.
func FollowUps(t *testing.T, store crm.Store) {
	const people = 4
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, Writers, people, func(c *vefa.Config) { c.Inbox = &vefa.Inbox{} })
	c := w.Client(0)
	for i, link := range w.Links { // half of them are bad, and have a ticket
		o, err := webtest.Answer(ctx, c, link, map[string]any{"nps": 10 * (i % 2), "age": 30})
		require.NoError(t, err)
		require.True(t, o.Thanked())
	}
	var mu sync.Mutex
	taken := map[string][]string{}
	AtOnce(t, func(n int) error {
		c := w.Client(n)
		for i := range people {
			link := w.Links[(i+n)%people]
			text := fmt.Sprintf("writer %d of %d", n, (i+n)%people)
			for range 2 {
				o, err := webtest.Send(ctx, c, link+"/follow-up", webtest.Form{}, url.Values{"text": {text}}, nil)
				switch {
				case err != nil:
					return err
				case o.Status == 200:
					mu.Lock()
					taken[link] = append(taken[link], text)
					mu.Unlock()
				case o.Status != 409:
					return fmt.Errorf("status %d: %s", o.Status, o.Page)
				}
			}
		}
		return nil
	})
	require.Len(t, taken, people)
	said := map[string]bool{}
	for link, texts := range taken {
		require.Len(t, texts, 2, link)
		require.Equal(t, texts[0], texts[1], "sent again it is the same")
		said[texts[0]] = true
	}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		reasons := map[string]int{}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindTicket) {
			if err != nil {
				return err
			}
			tk := f.Data.(*crm.Ticket)
			reasons[tk.Reason]++
			require.Len(t, tk.Related, 1)
			wrote, err := r.Facts(ctx, tk.Related...)
			if err != nil {
				return err
			}
			text := wrote[0].Data.(*crm.Interaction).Text
			require.True(t, said[text], text)
			delete(said, text)
		}
		require.Equal(t, map[string]int{"survey": people / 2, "inbound": people / 2}, reasons)
		return nil
	}))
	require.Empty(t, said)
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}
