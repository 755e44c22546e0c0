package vefa_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey"
)

// D08: a reply that is a point of the scale is the answer to the survey that the address was asked last,
// once, however often the provider tells of it and in which process; all else is a message.
func TestReplyIsTheAnswer(t *testing.T) {
	w := nighttest.Ask(t, t.Context(), memstore.New(), nighttest.Writers, 7, func(c *vefa.Config) {
		c.Surveys[0].Definition, c.Surveys[0].Replies = survey.Recommendation(), true
		c.Inbox = &vefa.Inbox{}
	})
	at := w.Clock.Now().Truncate(time.Second)
	tell := func(n, i int, id, text string, at time.Time) vefa.FeedbackReport {
		t.Helper()
		rep, err := w.Engines[n].Feedback(t.Context(), messaging.Feedback{Inbound: []messaging.Inbound{{ID: id, From: nighttest.Phone(i), Text: text, At: at}}})
		require.NoError(t, err)
		return rep
	}
	var rated, opened atomic.Int64
	nighttest.AtOnce(t, func(n int) error { // the same, eight times at once
		same := tell(n, 0, "same", "9/10", at)
		rated.Add(int64(same.Rated))
		opened.Add(int64(same.Opened + same.Appended))
		tell(n, 1, string(rune('a'+n)), []string{"3", "dokuz"}[n%2], at.Add(time.Duration(n)*time.Second))
		return nil
	})
	require.EqualValues(t, nighttest.Writers, rated.Load())
	require.Zero(t, opened.Load())
	require.Equal(t, 1, tell(0, 2, "c", " On! ", at).Rated)
	again := tell(1, 2, "c", " On! ", at)
	require.Equal(t, [2]int{1, 0}, [2]int{again.Rated, again.Opened})
	second := tell(0, 2, "c2", "3", at.Add(time.Minute))
	require.Equal(t, [2]int{0, 1}, [2]int{second.Rated, second.Opened}, "a second number is a message")
	for i, text := range map[int]string{3: "9 ama kargo geç geldi", 4: "11"} {
		got := tell(0, i, "m", text, at)
		require.Equal(t, [2]int{0, 1}, [2]int{got.Rated, got.Opened}, text)
	}
	require.Zero(t, tell(0, 5, "early", "9", nighttest.Start).Rated, "before he was asked")
	require.Zero(t, tell(0, 5, "late", "9", at.AddDate(0, 2, 0)).Rated, "after it ended")
	require.Equal(t, 1, tell(0, 6, "bad", "2", at).Rated)

	score := map[string]int{}
	for _, a := range w.Stored(t, t.Context()) {
		score[a.Who.Profile.ID] = a.Score
	}
	require.Len(t, score, 4)
	require.Equal(t, [3]int{9, 10, 2}, [3]int{score["0"], score["2"], score["6"]})
	require.Contains(t, []int{3, 9}, score["1"])
	rep, err := vefa.Audit(t.Context(), w.Store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "a bad one has its ticket: %+v", rep)
}

func TestRepliesThatCannotBe(t *testing.T) {
	for says, src := range map[string]string{
		"is no rating":       `{"pages":[{"elements":[{"type":"comment","name":"why"}]}]}`,
		"whole numbers":      `{"pages":[{"elements":[{"type":"rating","name":"r","rateMin":0,"rateMax":1,"rateStep":0.25}]}]}`,
		"needs more answers": `{"pages":[{"elements":[{"type":"rating","name":"r"},{"type":"comment","name":"why","isRequired":true}]}]}`,
	} {
		def, err := survey.Parse([]byte(src), survey.Limits{})
		require.NoError(t, err)
		var cfg vefa.Config
		nighttest.New(t, memstore.New(), new(crmtest.Clock), func(c *vefa.Config) { cfg = *c })
		cfg.Surveys[0].Definition, cfg.Surveys[0].Replies = def, true
		_, err = vefa.New(cfg)
		require.ErrorContains(t, err, says)
	}
}

// Wherever the process is killed while it takes a reply, told again it is the answer, once, and nothing
// else.
func TestReplyTakenAgain(t *testing.T) {
	for _, where := range []crmtest.Where{crmtest.Before, crmtest.Inside, crmtest.Lost} {
		for n := 1; ; n++ {
			store := memstore.New()
			with := func(c *vefa.Config) {
				c.Campaigns, c.TrainAt, c.Surveys[0].Definition, c.Surveys[0].Replies, c.Inbox = nil, -1, survey.Recommendation(), true, &vefa.Inbox{}
			}
			w := nighttest.Ask(t, t.Context(), store, 1, 1, with)
			faulty := crmtest.NewFaulty(store)
			faulty.Fail(crmtest.Fault{Where: where, N: n})
			told := messaging.Feedback{Inbound: []messaging.Inbound{{ID: "r", From: nighttest.Phone(0), Text: "8", At: w.Clock.Now()}}}
			_, err := nighttest.New(t, faulty, w.Clock, with).Engine.Feedback(t.Context(), told)
			rep, again := w.Engines[0].Feedback(t.Context(), told)
			require.NoError(t, again)
			require.Equal(t, [3]int{1, 0, 0}, [3]int{rep.Rated, rep.Opened, rep.Appended}, "cut %s %d", where, n)
			require.Len(t, w.Stored(t, t.Context()), 1)
			if err == nil {
				require.Greater(t, n, 2)
				break
			}
			require.ErrorIs(t, err, crmtest.ErrFault)
		}
	}
}
