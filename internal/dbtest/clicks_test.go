package dbtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestFloodOfSeveralProcesses asks eight engines on one store for one link at
// once, while their logs are flushed by chance: every request is counted once,
// each engine keeps at most so many as it may, and all share the key under which
// the visitor's address is hashed.
func TestFloodOfSeveralProcesses(t *testing.T) { // Cases H2, H6
	const processes, each, keep = 8, 400, 10
	onEach(t, func(t *testing.T, d database) {
		store, clock := d.store(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shops := make([]*nighttest.Retailer, processes)
		for i := range shops {
			shops[i] = nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.ClicksPerLink, c.ClientIP = keep, func(*http.Request) netip.Addr { return netip.MustParseAddr("203.0.113.77") }
			})
		}
		_, err := shops[0].Engine.Night(deadline(t), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
		require.NoError(t, err)
		var tracked string
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
			for f, err := range crm.AllEffects(deadline(t), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				if f.Kind == crm.EffectMessage && f.State == crm.Done {
					tracked, _, err = shops[0].Engine.Links(f)
					return err
				}
			}
			return nil
		}))
		path := strings.TrimPrefix(tracked, "https://s.example")
		var wg sync.WaitGroup
		for i, s := range shops {
			wg.Go(func() {
				handler := s.Engine.Handler()
				for n := range each {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 %d %d", i, n))
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r)
					if w.Code != http.StatusFound {
						t.Errorf("%d", w.Code)
					}
					if n%(60+i) == 0 {
						_ = s.Engine.Clicks().Flush(deadline(t)) // a conflict comes again
					}
				}
			})
		}
		wg.Wait()
		for _, s := range shops {
			require.NoError(t, s.Engine.Clicks().Flush(deadline(t)))
		}
		kept, surplus, hashes := 0, map[string]int64{}, map[string]bool{}
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
			for f, err := range crm.FactsOfKind(deadline(t), r, crm.AllParts(), crm.KindClick) {
				if err != nil {
					return err
				}
				c := f.Data.(*crm.Click)
				if c.Count > 0 {
					surplus[f.Key.ID] = c.Count
					continue
				}
				kept++
				hashes[strings.Fields(c.Signals)[1]] = true
			}
			return nil
		}))
		total := int64(kept)
		for _, n := range surplus {
			total += n
		}
		require.Equal(t, processes*keep, kept)
		require.Len(t, surplus, processes)
		require.EqualValues(t, processes*each, total)
		require.Len(t, hashes, 1)
		clock.Set(nighttest.Start.Add(8 * time.Hour))
		res, err := shops[0].Engine.Results(deadline(t))
		require.NoError(t, err)
		require.Equal(t, processes*each, res.Clicks[crm.Human]+res.Clicks[crm.Suspected]+res.Clicks[crm.Machine])
	})
}
