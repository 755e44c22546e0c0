package nighttest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// storm sends one survey's page 200 times and 60 replies "not me" twice each,
// ten at a time: people hear "thank you", nothing of other writers, and each is
// on record once. Case A8.
func storm(t *testing.T, store crm.Store) {
	const people, presses, at = 60, 200, 10
	clock := &crmtest.Clock{}
	shop := New(t, store, clock, nil)
	for day := range 2 {
		clock.Set(Start.AddDate(0, 0, day))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: Once(People(people))})
		require.NoError(t, err)
	}
	var page string
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if name, err := vefa.MessageName(f); err == nil && name == "survey/visit" && page == "" {
				if _, page, err = shop.Engine.Links(f); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	require.NotEmpty(t, page)
	handler := shop.Engine.Handler()
	form := url.Values{"_key": {"one"}, "_on.nps": {"1"}, "_on.comment": {"1"}, "q.nps": {"2"}}.Encode()
	each := func(n int, do func(i int) error) {
		var wg sync.WaitGroup
		errs := make([]error, n)
		next := make(chan int)
		for range at {
			wg.Go(func() {
				for i := range next {
					errs[i] = do(i)
				}
			})
		}
		for i := range n {
			next <- i
		}
		close(next)
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	each(presses, func(int) error {
		var w *httptest.ResponseRecorder
		// More than four forms of one invitation that arrive at a time are asked to come again
		// in 5 seconds, which is no fault of the store; that asks for 60.
		for w == nil || w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "5" {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimPrefix(page, "https://s.example"), strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w = httptest.NewRecorder()
			handler.ServeHTTP(w, r)
		}
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.Contains(to, "/thanks") {
			return fmt.Errorf("status %d, to %q: %s", w.Code, to, w.Body)
		}
		return nil
	})
	each(2*people, func(i int) error {
		_, err := shop.Engine.Reply(t.Context(), Phone(i/2), fmt.Sprint("reply", i/2), "yanlış kişi", Start.AddDate(0, 0, 1).Add(time.Hour))
		return err
	})
	count := map[string]int{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for _, kind := range []crm.FactKind{crm.KindAnswer, crm.KindTicket, "incident"} {
			for f, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), kind) {
				if err != nil {
					return err
				}
				count[string(kind)+" "+f.Key.Source]++
			}
		}
		for p, err := range crm.Profiles(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			count["disowned"] += len(p.Disowned)
		}
		return nil
	}))
	require.Equal(t, map[string]int{"answer survey": 1, "ticket survey": 1, "ticket not-me": people, "incident not-me": people, "disowned": people}, count)
}
