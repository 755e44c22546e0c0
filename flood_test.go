package vefa_test

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// visitLink requests a path of an engine's handler without a network.
func visitLink(t testing.TB, e *vefa.Engine, url, id, agent string) {
	t.Helper()
	_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"), "/")
	r := httptest.NewRequest(http.MethodGet, "/"+path, nil)
	r.Header.Set("X-Request-Id", id)
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept-Language", "tr")
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, r)
	require.Equal(t, http.StatusFound, w.Code)
}

// TestFloodOfOneLink asks for one link 100,000 times with changing agents within
// an hour: the record keeps few facts and every request is counted; the evening
// judges what is kept. The time that it takes is logged, not judged.
func TestFloodOfOneLink(t *testing.T) { // Cases H1, H2
	w := newTown(t)
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	const all = 100_000
	started := time.Now()
	begin := nighttest.Start.AddDate(0, 0, 1).Add(time.Hour)
	for n := range all {
		w.Clock.Set(begin.Add(time.Duration(n) * 20 * time.Millisecond))
		visitLink(t, w.Engine, tracked, fmt.Sprint(n), fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Number/%d", n))
		if n%10_000 == 0 {
			require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
		}
	}
	t.Logf("%d requests took %s", all, time.Since(started))
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	started = time.Now()
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	t.Logf("the evening took %s, of which judging %.3f s", time.Since(started), seconds(rep, vefa.StepClicks))
	facts := w.facts(t, crm.KindClick)
	require.LessOrEqual(t, len(facts), 1000)
	require.Len(t, facts, 60+1, "those of one hour, and their surplus")
	total := int64(0)
	for _, f := range facts {
		total += f.Data.(*crm.Click).Requests()
	}
	require.EqualValues(t, all, total)
	require.Equal(t, all, rep.Clicks[crm.Human]+rep.Clicks[crm.Suspected]+rep.Clicks[crm.Machine])
	require.Equal(t, all, rep.Clicks[crm.Suspected], "those that were kept by their changing agents, the others because they were only counted")
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, rep.Clicks, res.Clicks)
}

// TestClicksOfOtherProcesses judges, every evening, what web servers took that
// run no evenings.
func TestClicksOfOtherProcesses(t *testing.T) { // Case H1
	w := newTown(t)
	web := nighttest.New(t, w.store, w.Clock, func(c *vefa.Config) {
		c.RequestID = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
	})
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	for day := 2; day < 4; day++ {
		w.Clock.Set(nighttest.Start.AddDate(0, 0, day).Add(-2 * time.Hour))
		visitLink(t, web.Engine, tracked, fmt.Sprint("a", day), "Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X)")
		w.Clock.Set(nighttest.Start.AddDate(0, 0, day).Add(-2*time.Hour + 3*time.Second))
		visitLink(t, web.Engine, tracked, fmt.Sprint("b", day), "Mozilla/5.0 (Android 9; Mobile)")
		require.NoError(t, web.Engine.Clicks().Flush(t.Context()))
		w.Clock.Set(nighttest.Start.AddDate(0, 0, day))
		rep, err := w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, map[crm.Verdict]int{crm.Suspected: 2}, rep.Clicks, "two browsers on one network within seconds, day %d", day)
	}
}

// TestVisitorsAreForgotten relates a stored hash to an address while the day
// lasts, with the record's key of the day, and no longer once that is deleted:
// neither the configuration's secret nor the record leads back.
func TestVisitorsAreForgotten(t *testing.T) { // Case H6
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	who := netip.MustParseAddr("203.0.113.77")
	shops := make([]*nighttest.Retailer, 2) // two processes
	for i := range shops {
		shops[i] = nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.ClientIP = func(*http.Request) netip.Addr { return who }
		})
	}
	_, err := shops[0].Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
	require.NoError(t, err)
	var effects []*crm.Effect
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Kind == crm.EffectMessage && f.State == crm.Done {
				effects = append(effects, f)
			}
		}
		return nil
	}))
	require.Len(t, effects, 1)
	tracked, _, err := shops[0].Engine.Links(effects[0])
	require.NoError(t, err)
	for _, s := range shops {
		visitLink(t, s.Engine, tracked, "", "Mozilla/5.0")
		require.NoError(t, s.Engine.Clicks().Flush(t.Context()))
	}
	hashes := map[string]int{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			hashes[strings.Fields(f.Data.(*crm.Click).Signals)[1]]++
		}
		return nil
	}))
	require.Len(t, hashes, 1, "both processes give one visitor one hash")

	// related tries every key that there is.
	related := func() bool {
		var keys [][]byte
		k := nighttest.Keys()
		for _, secret := range []crm.Secret{k.ID, k.Sign[0].Secret} { // a leaked configuration
			keys = append(keys, secret.Reveal())
			for _, purpose := range []string{"visitor", "visitors", "visitor-keys", "link", "survey"} {
				keys = append(keys, secret.Derive(k.Tenant, purpose).Reveal())
			}
		}
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			docs, err := r.Documents(t.Context(), "visitor-keys", "days")
			if err != nil || docs[0] == nil {
				return err
			}
			days := map[string][]byte{}
			require.NoError(t, json.Unmarshal(docs[0].Data, &days))
			for _, k := range days {
				keys = append(keys, k)
			}
			return nil
		}))
		for _, k := range keys {
			candidates := [][]byte{k}
			for day := range int64(3) { // as they were derived once
				mac := hmac.New(sha256.New, k)
				fmt.Fprintf(mac, "vefa/link/ip/1/%d", nighttest.Start.Unix()/86400+day)
				candidates = append(candidates, mac.Sum(nil))
			}
			sum := sha256.Sum256(k)
			for _, c := range append(candidates, sum[:]) {
				if len(c) < 16 {
					continue
				}
				block, err := aes.NewCipher(c[:16])
				require.NoError(t, err)
				b := who.As16()
				block.Encrypt(b[:], b[:])
				if hashes[fmt.Sprintf("%x", binary.BigEndian.Uint64(b[:])|1)] > 0 {
					return true
				}
			}
		}
		return false
	}
	require.True(t, related(), "while the day lasts its key is in the record")
	clock.Set(nighttest.Start.AddDate(0, 0, 1))
	_, err = shops[0].Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.True(t, related(), "processes whose clocks differ still need it")
	clock.Set(nighttest.Start.AddDate(0, 0, 2))
	_, err = shops[0].Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.False(t, related())
}

// TestNoVisitorNoKey writes nothing on days without clicks.
func TestNoVisitorNoKey(t *testing.T) { // Case H6
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, nil)
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
	require.NoError(t, err)
	for range 3 {
		_, err = shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
	}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		docs, err := r.Documents(t.Context(), "visitor-keys", "days")
		require.NoError(t, err)
		require.Nil(t, docs[0], "no visitor, no key")
		return nil
	}))
}
