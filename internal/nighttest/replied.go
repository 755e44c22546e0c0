package nighttest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// replied has eight writers on engines of their own tell of the replies of the same people, each in another
// order and each twice, and answer on the page of the same survey: of each person one answer is kept.
// It is the reply that all writers are told was one, or that of the one page that was thanked for; a reply
// that came too late is one message, in one ticket.
func replied(t *testing.T, store crm.Store) {
	const people = 8
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, Writers, people, func(c *vefa.Config) {
		c.Surveys[0].Definition, c.Surveys[0].Replies = survey.Recommendation(), true
		c.Inbox = &vefa.Inbox{}
	})
	at := w.Clock.Now().Truncate(time.Second)
	var rated [people]atomic.Int64
	var thanked, filed atomic.Int64
	AtOnce(t, func(n int) error {
		for j := range 2 * people {
			i := (j + 3*n) % people
			if n%2 == 0 { // the other half tells of replies first
				o, err := webtest.Answer(ctx, w.Client(n), w.Links[i], map[string]any{"nps": 10})
				if err != nil || o.Status != http.StatusOK && o.Status != http.StatusConflict {
					return fmt.Errorf("status %d: %w", o.Status, err)
				}
				if o.Thanked() {
					thanked.Add(1)
				}
			}
			id := "r"
			if i%2 == 1 && n%4 > 1 { // half of the people wrote twice
				id = "s"
			}
			rep, err := w.Engines[n].Feedback(ctx, messaging.Feedback{Inbound: []messaging.Inbound{{ID: id, From: Phone(i), Text: fmt.Sprint(i), At: at}}})
			if err != nil {
				return err
			}
			if rep.Rated+rep.Opened+rep.Appended > 1 {
				return fmt.Errorf("told once, taken as %+v", rep)
			}
			rated[i].Add(int64(rep.Rated))
			filed.Add(int64(rep.Opened + rep.Appended))
		}
		return nil
	})
	stored := w.Stored(t, ctx)
	require.Len(t, stored, people)
	byReply := 0
	for _, a := range stored {
		var i int
		_, err := fmt.Sscan(a.Who.Profile.ID, &i)
		require.NoError(t, err)
		switch {
		case rated[i].Load() > 0:
			byReply++
			require.Equal(t, i, a.Score)
		default:
			require.Equal(t, 10, a.Score)
		}
	}
	require.EqualValues(t, people-byReply, thanked.Load())
	require.EqualValues(t, people+people/2-byReply, filed.Load(), "all others, once each")
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
	t.Logf("%d of %d by a reply; %d replies filed", byReply, people, filed.Load())
}
