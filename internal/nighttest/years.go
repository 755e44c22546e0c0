package nighttest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Kept is how long before an evening Evenings prunes.
const Kept = 60 * 24 * time.Hour

// End is what Evenings leaves behind.
type End struct {
	Digest  [32]byte
	Audit   vefa.AuditReport
	Results vefa.Results
	Pruned  crm.Pruned
	// FirstNight is the error of running the first evening once more.
	FirstNight error
}

// Evenings runs a small retailer for many evenings: every day some people buy, is
// asked about it, clicks and now and then answers, is unhappy, or says that it
// was another person. With prune it prunes every ten evenings what is older than
// Kept, and what it says of itself is the same; after is called after each
// evening. Open returns an empty store that stamps changes by the clock given,
// which stands still during an evening.
func Evenings(t *testing.T, open func(now func() time.Time) crm.Store, days int, prune bool, after func(day int)) End {
	t.Helper()
	ctx := t.Context()
	evening := Start
	store := open(func() time.Time { return evening })
	const people = 15
	clock := &crmtest.Clock{}
	clock.Set(Start)
	requests := 0
	shop := New(t, store, clock, func(c *vefa.Config) {
		c.Breaker = &rules.Breaker{}
		c.SurveyKey = func() string { requests++; return fmt.Sprint("k", requests) }
		c.RequestID = func(*http.Request) string { requests++; return fmt.Sprint("r", requests) }
	})
	client := &http.Client{Transport: handled{shop.Engine.Handler()}}
	var end End
	for day := range days {
		at := Start.AddDate(0, 0, day)
		evening = at
		clock.Set(at)
		var b crm.Batch
		if day == 0 {
			b = People(people)
		}
		b.Facts = append(b.Facts, Order(day%people, fmt.Sprint("day-", day), at.Add(-time.Hour)))
		had := len(shop.Sender.Messages())
		rep, err := shop.Engine.Night(ctx, vefa.Night{Source: Once(b)})
		require.NoError(t, err, "evening %d", day)
		require.True(t, rep.Closed)
		for i, m := range shop.Sender.Messages()[had:] {
			clock.Set(at.Add(time.Duration(i+1) * time.Minute))
			react(t, shop, client, store, m.ID, m.To, day+i)
		}
		if prune && day%10 == 9 {
			clock.Set(at.Add(2 * time.Hour))
			got, err := shop.Engine.Prune(ctx, at.Add(-Kept))
			require.NoError(t, err)
			end.Pruned.Changes += got.Changes
			end.Pruned.Effects += got.Effects
			end.Pruned.Links += got.Links
			end.Pruned.Documents += got.Documents
			again, err := shop.Engine.Prune(ctx, at.Add(-Kept))
			require.NoError(t, err)
			require.Zero(t, again, "the second time there is nothing to do")
		}
		if after != nil {
			after(day)
		}
	}
	var err error
	end.Audit, err = vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	end.Results, err = shop.Engine.Results(ctx)
	require.NoError(t, err)
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		end.Digest, err = crm.Digest(ctx, r, Start.AddDate(2, 0, 0))
		return err
	}))
	clock.Set(Start.AddDate(0, 0, days))
	_, end.FirstNight = shop.Engine.Night(ctx, vefa.Night{Day: Start.Format(time.DateOnly)})
	return end
}

// react does what a recipient does about a message.
func react(t *testing.T, shop *Retailer, client *http.Client, store crm.Store, id crm.EffectID, to crm.Address, n int) {
	ctx := t.Context()
	var f *crm.Effect
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		found, err := r.Effects(ctx, id)
		if err == nil {
			f = found[0]
		}
		return err
	}))
	tracked, page, err := shop.Engine.Links(f)
	require.NoError(t, err)
	req := httptest.NewRequest(http.MethodGet, tracked, nil)
	req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1")
	req.Header.Set("Accept-Language", "tr")
	shop.Engine.Handler().ServeHTTP(httptest.NewRecorder(), req)
	require.NoError(t, shop.Engine.Clicks().Flush(ctx))
	if page == "" {
		return
	}
	switch {
	case n%7 == 3:
		_, err = webtest.Answer(ctx, client, page, map[string]any{"nps": 10})
	case n == 20:
		_, err = webtest.Answer(ctx, client, page, map[string]any{"nps": 1, "comment": "late"})
	case n == 33:
		_, err = shop.Engine.Reply(ctx, to, fmt.Sprint("reply-", n), "STOP", shop.Clock.Now())
	}
	require.NoError(t, err)
}

// handled is a transport that calls a handler.
type handled struct{ h http.Handler }

func (t handled) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	t.h.ServeHTTP(rec, r)
	res := rec.Result()
	res.Request = r
	return res, r.Context().Err()
}
