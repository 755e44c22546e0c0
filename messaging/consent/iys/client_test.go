package iys_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/consent/iys"
	"github.com/vefacrm/vefa/messaging/consent/iys/iystest"
)

var secret = crm.NewSecret([]byte("a key of the tests, which all the world may know"))

// world is a record with a ledger, an outbox and a puller, and the registry.
type world struct {
	clock    *crmtest.Clock
	registry *iystest.Registry
	client   *iys.Client
	store    crm.Store
	svc      *crm.Service
	ledger   *consent.Ledger
	outbox   *iys.Outbox
	puller   *iys.Puller
	worker   *crm.Worker
	feed     *crm.Feed
	requests atomic.Int64
}

func newWorld(t testing.TB, cfg iystest.Config, change func(*iys.OutboxConfig)) *world {
	w := &world{clock: new(crmtest.Clock)}
	w.clock.Set(now)
	cfg.Now = w.clock.Now
	w.registry = iystest.New(cfg)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		w.registry.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	var err error
	w.client, err = iys.NewClient(iys.ClientConfig{URL: server.URL, User: "user", Password: crm.NewSecret([]byte("password")), Code: 1, Brand: 2, Now: w.clock.Now, HTTP: server.Client()})
	require.NoError(t, err)
	w.store = memstore.NewAt(w.clock.Now, consent.Kind())
	w.svc = crm.New(w.store, crm.Config{Now: w.clock.Now, Kinds: []crm.Kind{consent.Kind()}})
	w.ledger, err = consent.New(w.svc, consent.Config{Key: secret})
	require.NoError(t, err)
	oc := iys.OutboxConfig{Client: w.client, IDs: crmtest.IDs(), Brand: "vefa", Now: w.clock.Now}
	if change != nil {
		change(&oc)
	}
	w.outbox, err = iys.NewOutbox(oc)
	require.NoError(t, err)
	w.puller, err = iys.NewPuller(iys.PullerConfig{Client: w.client, Service: w.svc, Ledger: w.ledger, Brand: "vefa", Now: w.clock.Now})
	require.NoError(t, err)
	w.worker = &crm.Worker{Store: w.store, Now: w.clock.Now, LeaseNow: w.clock.Now, Handlers: []crm.EffectHandler{w.outbox.Handler()}}
	w.feed = &crm.Feed{Store: w.store, Consumer: "iys", Handler: w.outbox.Handle}
	return w
}

func (w *world) say(t testing.TB, number string, status crm.ConsentStatus, purpose string) {
	_, err := w.ledger.Append(context.Background(), crm.Address{Channel: crm.Phone, Value: number}, consent.Said{ConsentKey: crm.ConsentKey{Brand: "vefa", Purpose: purpose}, Status: status, Source: "HS_WEB"})
	require.NoError(t, err)
}

// push lets the feed and the worker work for some minutes.
func (w *world) push(t testing.TB, minutes int) {
	for range minutes {
		for n := 1; n > 0; {
			var err error
			n, err = w.feed.RunOnce(t.Context())
			require.NoError(t, err)
		}
		_, err := w.worker.RunOnce(t.Context())
		require.NoError(t, err)
		w.clock.Advance(time.Minute)
	}
}

// pull takes everything that there is.
func (w *world) pull(t testing.TB) (total iys.Pulled) {
	for more := true; more; {
		p, err := w.puller.RunOnce(t.Context())
		require.NoError(t, err)
		more = p.More
		total.Changes, total.Known, total.Skipped = total.Changes+p.Changes, total.Known+p.Known, append(total.Skipped, p.Skipped...)
		if !p.Gap[0].IsZero() {
			total.Gap = p.Gap
		}
	}
	return total
}

func number(i int) string { return fmt.Sprintf("+90532%07d", i) }

func (w *world) states(t testing.TB) map[crm.EffectState]int {
	out := map[crm.EffectState]int{}
	require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) error {
		for e, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			require.NoError(t, err)
			out[e.State]++
		}
		return nil
	}))
	return out
}

// What the ledger gets reaches the registry once, in order, whatever fails on the way:
// throttling, errors, answers that are lost, tokens that end, requests that arrive twice.
func TestPushThroughFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bulk := rapid.SampledFrom([]int{2, 1000}).Draw(rt, "bulk")
		w := newWorld(t, iystest.Config{Delay: time.Duration(rapid.IntRange(0, 3).Draw(rt, "delay")) * time.Minute}, func(c *iys.OutboxConfig) { c.Bulk = bulk })
		w.worker.Lease = 4 * time.Minute
		faults := rapid.SliceOfN(rapid.SampledFrom([]iystest.Fault{iystest.None, iystest.None, iystest.Throttle, iystest.Broken, iystest.Lost, iystest.Expired, iystest.Twice}), 12, 30).Draw(rt, "faults")
		n := 0
		w.registry.Fail(func(r *http.Request) iystest.Fault {
			if r.URL.Path == "/oauth2/token" || n >= len(faults) {
				return iystest.None
			}
			n++
			return faults[n-1]
		})
		for step := range 3 {
			for i := range 4 {
				status := crm.Granted
				if step == 1 {
					status = crm.Refused
				}
				if step < 2 || i%2 == 0 {
					w.say(t, number(i), status, "")
				}
			}
			w.clock.Advance(2 * time.Second)
			w.push(t, rapid.IntRange(0, 4).Draw(rt, "minutes"))
		}
		for range 3000 { // what is uncertain again and again is asked about ever more rarely
			if w.push(t, 1); w.states(t)[crm.Done] == 10 {
				break
			}
		}
		if got := w.states(t); got[crm.Done] != 10 || len(got) != 1 {
			rt.Fatalf("%v", got)
		}
		for i := range 4 {
			want := map[bool]string{true: "ONAY", false: "RET"}[i%2 == 0]
			r, ok := w.registry.Now(number(i), "BIREYSEL", "MESAJ")
			if !ok || r.Status != want {
				rt.Fatalf("%s is %v, not %s; %v", number(i), r, want, w.registry.Log())
			}
		}
		if log := w.registry.Log(); len(log) != 10 {
			rt.Fatalf("entered %d times: %v", len(log), log)
		}
	})
}

// The limits of the registry are kept here already: 50 entries in a minute, ten tokens in an
// hour, and a token serves for two hours.
func TestLimits(t *testing.T) {
	w := newWorld(t, iystest.Config{}, func(c *iys.OutboxConfig) { c.Bulk = 1000 })
	ctx := t.Context()
	x := good()
	for i := range 50 {
		x.Recipient = number(i)
		_, err := w.client.Add(ctx, x)
		require.NoError(t, err)
	}
	require.Equal(t, int64(51), w.requests.Load(), "one for the token")
	_, err := w.client.Add(ctx, x)
	var later *iys.ThrottledError
	require.ErrorAs(t, err, &later)
	require.Equal(t, int64(51), w.requests.Load(), "not even asked")
	w.clock.Advance(later.RetryAfter)
	x.Recipient = number(50)
	_, err = w.client.Add(ctx, x)
	require.NoError(t, err)

	for i := range 9 { // each after the token before has ended
		once := false // forgotten once, before the request
		w.registry.Fail(func(*http.Request) iystest.Fault {
			if once {
				return iystest.None
			}
			once = true
			return iystest.Expired
		})
		_, err := w.client.Status(ctx, x.Key())
		require.NoError(t, err, i)
	}
	w.registry.Fail(func(r *http.Request) iystest.Fault { return iystest.Expired })
	_, err = w.client.Status(ctx, x.Key())
	require.ErrorAs(t, err, &later, "ten tokens")
	require.Contains(t, later.Limit, "token")
	w.registry.Fail(nil)
	w.clock.Advance(later.RetryAfter)
	for range 5 {
		w.clock.Advance(110 * time.Minute)
		_, err = w.client.Status(ctx, x.Key())
		require.NoError(t, err, "refreshed")
	}

	bad, err := iys.NewClient(iys.ClientConfig{URL: "http://example.com"})
	require.ErrorIs(t, err, crm.ErrInvalid)
	require.Nil(t, bad)
	require.Equal(t, 5, strings.Count(err.Error(), "must be"))
}

// Who waits for somebody else's token waits no longer than it may.
func TestTokenHonoursContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	c, err := iys.NewClient(iys.ClientConfig{URL: server.URL, User: "user", Password: secret, Code: 1, Brand: 2, HTTP: server.Client(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	first := make(chan error)
	go func() { _, err := c.Status(context.Background(), good().Key()); first <- err }()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Add(ctx, good())
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	require.ErrorIs(t, <-first, iys.ErrUncertain)
}

// What the registry refuses is refused with its code, and the number is in no error.
func TestClientRefusals(t *testing.T) {
	w := newWorld(t, iystest.Config{}, nil)
	x := good()
	x.Status = iys.Refused
	_, err := w.client.Add(t.Context(), x)
	var refused *iys.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "H175", refused.Errors[0].Code)
	require.NotContains(t, err.Error(), "532")
	w.registry.Fail(func(*http.Request) iystest.Fault { return iystest.Lost })
	x.Status = iys.Granted
	_, err = w.client.Add(t.Context(), x)
	require.ErrorIs(t, err, iys.ErrUncertain)
	w.registry.Fail(func(*http.Request) iystest.Fault { return iystest.Broken })
	_, err = w.client.Add(t.Context(), x)
	require.ErrorIs(t, err, iys.ErrUncertain)
	w.registry.Fail(nil)
	is, err := w.client.Status(t.Context(), x.Key())
	require.NoError(t, err)
	require.Equal(t, iys.Granted, is.Status, "it had arrived")
	none, err := w.client.Status(t.Context(), iys.Key{Recipient: number(9), As: iys.Consumer, Channel: iys.Texts})
	require.NoError(t, err)
	require.Nil(t, none)

	request, err := w.client.AddMany(t.Context(), []iys.Consent{x, {Recipient: "a@example.com"}})
	require.NoError(t, err)
	out, err := w.client.Outcomes(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, out, 2)
	require.NotNil(t, out[1].Refusal)
	require.Equal(t, "H111", out[1].Refusal.Code)
	_, err = w.client.AddMany(t.Context(), nil)
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = w.client.Outcomes(t.Context(), "none")
	require.ErrorIs(t, err, iys.ErrAnswer)
	wrong, err := iys.NewClient(iys.ClientConfig{URL: "https://127.0.0.1:1", User: "u", Password: secret, Code: 1, Brand: 1, Now: w.clock.Now})
	require.NoError(t, err)
	_, err = wrong.Add(t.Context(), x)
	require.ErrorIs(t, err, iys.ErrUncertain)
	require.NotContains(t, err.Error(), "oauth2", "no address in an error")
}

// What people change at the registry reaches the ledger once, without gap or repeat, however
// the runs fall; the later date wins, and at the same second the refusal.
func TestPull(t *testing.T) {
	w := newWorld(t, iystest.Config{Page: 3}, nil)
	var entered []string
	for i := range 40 {
		status := map[bool]string{true: "ONAY", false: "RET"}[i%3 == 0]
		entered = append(entered, w.registry.Holder(number(i%7), "BIREYSEL", "MESAJ", status).Transaction)
		w.clock.Advance(20 * time.Minute)
		if i%5 == 0 {
			w.pull(t)
		}
	}
	w.clock.Advance(61 * time.Minute)
	w.pull(t)
	seen := map[string]int{}
	for i := range 7 {
		h, err := w.ledger.Histories(t.Context(), crm.Address{Channel: crm.Phone, Value: number(i)})
		require.NoError(t, err)
		for _, e := range h[0].Entries {
			seen[e.Evidence.Note]++
			require.Equal(t, "IYS_WEB", e.Source)
		}
		r, _ := w.registry.Now(number(i), "BIREYSEL", "MESAJ")
		st, err := w.svc.Address(t.Context(), crm.Address{Channel: crm.Phone, Value: number(i)})
		require.NoError(t, err)
		require.Equal(t, map[string]crm.ConsentStatus{"ONAY": crm.Granted, "RET": crm.Refused}[r.Status], st.Consents[0].Status)
	}
	require.Len(t, seen, len(entered))
	for _, id := range entered {
		require.Equal(t, 1, seen[id], id)
	}
	require.Zero(t, w.pull(t).Changes)

	// What came from there is not pushed back.
	w.push(t, 2)
	require.Empty(t, w.states(t))

	// In one second: the refusal counts, whatever fraction the grant here had.
	w.say(t, number(100), crm.Granted, "")
	w.registry.Holder(number(100), "BIREYSEL", "MESAJ", "RET")
	w.registry.Holder("no number", "BIREYSEL", "MESAJ", "RET")
	w.registry.Holder(number(101), "TACIR", "ARAMA", "RET")
	w.clock.Advance(2 * time.Hour)
	got := w.pull(t)
	require.Equal(t, 2, got.Changes)
	require.Len(t, got.Skipped, 1)
	st, err := w.svc.Address(t.Context(), crm.Address{Channel: crm.Phone, Value: number(100)})
	require.NoError(t, err)
	require.Equal(t, crm.Refused, st.Consents[0].Status)
	st, err = w.svc.Address(t.Context(), crm.Address{Channel: crm.Phone, Value: number(101)})
	require.NoError(t, err)
	require.Equal(t, crm.ConsentKey{Brand: "vefa", Recipient: consent.Merchant, Purpose: iys.Call}, st.Consents[0].ConsentKey)

	// Who did not ask for a week is told of the gap, and the daily files fill part of it.
	w.registry.Holder(number(200), "BIREYSEL", "MESAJ", "ONAY")
	lost := w.clock.Now()
	w.clock.Advance(7*24*time.Hour + 2*time.Hour)
	got = w.pull(t)
	require.Zero(t, got.Changes)
	require.False(t, got.Gap[0].IsZero())
	require.True(t, got.Gap[0].Before(lost) && got.Gap[1].After(lost))
	file, err := w.client.DailyFile(t.Context(), lost)
	require.NoError(t, err)
	require.NotEmpty(t, file)
	filled, err := w.puller.TakeFile(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, 1, filled.Changes-filled.Known)
	filled, err = w.puller.TakeFile(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, filled.Changes, filled.Known)
	_, err = w.client.DailyFile(t.Context(), w.clock.Now())
	var refused *iys.RefusedError
	require.ErrorAs(t, err, &refused)
}

// Several processes that pull at once enter each change once.
func TestPullTogether(t *testing.T) {
	w := newWorld(t, iystest.Config{Page: 2}, nil)
	for i := range 12 {
		w.registry.Holder(number(i), "BIREYSEL", "MESAJ", "ONAY")
		w.clock.Advance(time.Second)
	}
	w.clock.Advance(2 * time.Hour)
	errs := make(chan error, 4)
	for range 4 {
		go func() {
			for range 20 {
				if _, err := w.puller.RunOnce(context.Background()); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	rep, err := w.ledger.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, int64(12), rep.Entries)
	require.Empty(t, rep.Breaks)
}

// What waits is named by how urgent it is; what the registry refuses for good is not lost
// from sight; what does not belong there is not pushed.
func TestLate(t *testing.T) {
	w := newWorld(t, iystest.Config{}, nil)
	w.registry.Fail(func(*http.Request) iystest.Fault { return iystest.Broken })
	w.say(t, number(1), crm.Granted, "")
	late := func(all bool) (out []iys.Alarm) {
		require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) (err error) {
			out, err = w.outbox.Late(t.Context(), r, all)
			return err
		}))
		return out
	}
	w.push(t, 1)
	require.Empty(t, late(false))
	require.Len(t, late(true), 1)
	for _, c := range []struct {
		after time.Duration
		want  iys.Level
	}{{24 * time.Hour, iys.DayOld}, {24 * time.Hour, iys.TwoDays}, {72 * time.Hour, iys.TwoDays}, {24 * time.Hour, iys.Overdue}} { // over a weekend
		w.clock.Advance(c.after)
		got := late(false)
		require.Len(t, got, 1)
		require.Equal(t, c.want, got[0].Level)
		require.Equal(t, at("2025-11-18 00:00:00"), got[0].Deadline)
		require.NotContains(t, got[0].Note, "532")
	}
	w.registry.Fail(nil)
	w.push(t, 90)
	require.Empty(t, late(true))
	refused := func() (out []iys.Alarm) {
		require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) (err error) {
			out, err = w.outbox.Refused(t.Context(), r, now)
			return err
		}))
		return out
	}
	got := refused()
	require.Len(t, got, 1, "too old by now")
	require.Contains(t, got[0].Note, "consentDate")
	w.say(t, number(2), crm.Refused, "")        // first refused: H175
	w.say(t, number(3), crm.Granted, "news")    // a purpose that the registry has not
	w.say(t, "+4915112345678", crm.Granted, "") // abroad
	w.say(t, number(4), crm.Granted, iys.Call)  // ARAMA
	_, err := w.ledger.Append(t.Context(), crm.Address{Channel: crm.Phone, Value: number(5)}, consent.Said{ConsentKey: crm.ConsentKey{Brand: "other"}, Status: crm.Granted})
	require.NoError(t, err)
	w.push(t, 3)
	require.Len(t, refused(), 2)
	require.Equal(t, map[crm.EffectState]int{crm.Failed: 2, crm.Done: 1}, w.states(t))
	_, ok := w.registry.Now(number(4), "BIREYSEL", "ARAMA")
	require.True(t, ok)
	_, err = iys.NewOutbox(iys.OutboxConfig{})
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = iys.NewOutbox(iys.OutboxConfig{Client: w.client, IDs: crmtest.IDs(), Source: "IYS_WEB"})
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = iys.NewPuller(iys.PullerConfig{})
	require.True(t, errors.Is(err, crm.ErrInvalid))
}
