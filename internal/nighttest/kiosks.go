package nighttest

import (
	"context"
	"encoding/json"
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
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Tablet is a device of a kiosk: what its service worker does, without a browser.
type Tablet struct {
	Handler http.Handler
	Path    string
	Now     func() time.Time
}

// Ask fills the page in.
func (d Tablet) Ask(t require.TestingT, answers map[string]any) url.Values {
	rec := httptest.NewRecorder()
	d.Handler.ServeHTTP(rec, httptest.NewRequest("GET", d.Path+"ask?lang=en", nil))
	require.Equal(t, 200, rec.Code, rec.Body.String())
	form, err := webtest.Fill(rec.Body.Bytes(), answers)
	require.NoError(t, err)
	form.Set("_at", fmt.Sprint(d.Now().UnixMilli()))
	return form
}

// Deliver sends one answer and returns the status.
func (d Tablet) Deliver(ctx context.Context, id string, form url.Values) int {
	body, err := json.Marshal(map[string]any{"now": d.Now().UnixMilli(), "answers": []any{map[string]string{"id": id, "form": form.Encode()}}})
	if err != nil {
		return 0
	}
	r := httptest.NewRequestWithContext(ctx, "POST", d.Path+"answers", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	d.Handler.ServeHTTP(rec, r)
	return rec.Code
}

// TabletID is the UUID that a device gives to its n-th answer.
func TabletID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// KioskOf puts a kiosk and returns its device.
func KioskOf(t testing.TB, shop *Retailer, k vefa.Kiosk) Tablet {
	t.Helper()
	require.NoError(t, shop.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "moda", Kind: "store", Name: "Moda"}))
	link, err := shop.Engine.PutKiosk(t.Context(), k)
	require.NoError(t, err)
	path, ok := strings.CutPrefix(link, "https://s.example")
	require.True(t, ok)
	return Tablet{shop.Engine.Handler(), path, shop.Clock.Now}
}

// Kiosks has eight writers deliver the same answers of a kiosk: each is in the record once.
func Kiosks(t *testing.T, open func(*testing.T) crm.Store) {
	store := open(t)
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shop := New(t, store, clock, nil)
	d := KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	good, bad := d.Ask(t, map[string]any{"nps": 3}), d.Ask(t, map[string]any{"nps": 3})
	bad.Set("_def", "gone")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				form := good
				if i%5 == 4 {
					form = bad
				}
				for d.Deliver(t.Context(), TabletID(i), form) != 200 {
				}
			}
		})
	}
	all.Wait()
	counts := map[crm.FactKind]int{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for _, kind := range []crm.FactKind{crm.KindAnswer, crm.KindTicket} {
			for _, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), kind) {
				require.NoError(t, err)
				counts[kind]++
			}
		}
		return nil
	}))
	require.Equal(t, map[crm.FactKind]int{crm.KindAnswer: 16, crm.KindTicket: 16}, counts)
	refused := map[string]bool{}
	for a, err := range shop.Engine.RefusedAnswers(t.Context()) {
		require.NoError(t, err)
		require.False(t, refused[a.ID])
		refused[a.ID] = true
		require.Equal(t, "till 1", a.Kiosk)
		require.Contains(t, a.Reason, "not known any more")
		require.Equal(t, []string{"3"}, a.Form["q.nps"])
		require.False(t, a.Received.IsZero())
	}
	require.Len(t, refused, 4)
}
