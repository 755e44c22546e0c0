package vefa_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// town is a retailer whose surveys are out and whose pages are served.
type town struct {
	*nighttest.Retailer
	store   crm.Store
	server  *httptest.Server
	surveys []*crm.Effect
}

func newTown(t *testing.T) *town { return newTownOn(t, memstore.New()) }

func newTownOn(t *testing.T, store crm.Store) *town { return newTownBelow(t, store, "") }

// newTownBelow is a town whose pages are below a path.
func newTownBelow(t *testing.T, store crm.Store, path string) *town {
	t.Helper()
	return newTownWith(t, store, path, func(*vefa.Config) {})
}

// newTownWith is a town with a changed configuration.
func newTownWith(t *testing.T, store crm.Store, path string, change func(*vefa.Config)) *town {
	t.Helper()
	w := &town{store: store}
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	mux := http.NewServeMux()
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	w.Retailer = nighttest.New(t, w.store, clock, func(c *vefa.Config) {
		c.BaseURL, c.Destinations = w.server.URL+path, link.Destinations{LoopbackHTTP: true}
		c.RequestID = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
		change(c)
	})
	mux.Handle(path+"/", w.Engine.Handler())
	for day := range 2 {
		clock.Set(nighttest.Start.AddDate(0, 0, day))
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(4))})
		require.NoError(t, err)
	}
	w.read(t, func(r crm.Reader) {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			require.NoError(t, err)
			if name, err := vefa.MessageName(f); err == nil && name == "survey/visit" {
				w.surveys = append(w.surveys, f)
			}
		}
	})
	require.Len(t, w.surveys, 4)
	return w
}

func (w *town) read(t *testing.T, fn func(crm.Reader)) {
	t.Helper()
	require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) error { fn(r); return nil }))
}

func (w *town) facts(t *testing.T, kind crm.FactKind) []*crm.Fact {
	t.Helper()
	var out []*crm.Fact
	w.read(t, func(r crm.Reader) {
		for f, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), kind) {
			require.NoError(t, err)
			out = append(out, f)
		}
	})
	return out
}

// TestASurveySpeaksTheCustomersLanguage: that of the profile where the definition has it,
// else that of the invitation, whatever the browser says.
func TestASurveySpeaksTheCustomersLanguage(t *testing.T) {
	def, err := survey.Parse([]byte(`{"elements":[{"type":"rating","name":"nps","title":{"tr":"Nasıl?","en":"How?"},"rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}}]}`), survey.Limits{})
	require.NoError(t, err)
	w := newTownWith(t, memstore.New(), "", func(c *vefa.Config) {
		c.Surveys[0].Definition, c.Surveys[0].Invitation.Locale = def, "tr"
	})
	_, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	var d vefa.MessageData
	require.NoError(t, json.Unmarshal(w.surveys[0].Data, &d))
	who := cmp.Or(d.Profile, w.surveys[0].Subject.Profile)
	for locale, want := range map[string]string{"": "Nasıl?", "en": "How?", "en-GB": "How?", "de": "Nasıl?", "tr": "Nasıl?"} {
		p, err := w.Engine.Service().Profile(t.Context(), who)
		require.NoError(t, err)
		w.Clock.Advance(time.Minute)
		p.Locale, p.At = locale, w.Clock.Now()
		require.NoError(t, w.Engine.Service().PutProfile(t.Context(), p))
		res, err := w.server.Client().Get(page)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, errors.Join(err, res.Body.Close()))
		require.Contains(t, string(body), want, locale)
	}
}

func TestBadAnswerOpensTicketAndSilences(t *testing.T) {
	w := newTown(t)
	_, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	out, err := webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 2, "comment": "Kayış koptu"})
	require.NoError(t, err)
	require.True(t, out.Thanked(), "%d %s", out.Status, out.URL)
	answers, tickets := w.facts(t, crm.KindAnswer), w.facts(t, crm.KindTicket)
	require.Len(t, answers, 1)
	require.Len(t, tickets, 1)
	a := answers[0].Data.(*crm.Answer)
	require.True(t, a.Bad)
	require.Equal(t, 2, a.Score)
	require.Equal(t, "Kayış koptu", a.Comment)
	require.Equal(t, answers[0].Key, tickets[0].Data.(*crm.Ticket).Cause)
	w.read(t, func(r crm.Reader) {
		st, err := r.Addresses(t.Context(), w.surveys[0].To)
		require.NoError(t, err)
		require.Len(t, st[0].Holds, 1, "the address falls silent in the same transaction")
	})
	// A second answer is told so and stores nothing.
	out, err = webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 10})
	require.NoError(t, err)
	require.False(t, out.Thanked())
	require.Len(t, w.facts(t, crm.KindAnswer), 1)
	require.Equal(t, 2, w.facts(t, crm.KindAnswer)[0].Data.(*crm.Answer).Score)

	unsolved, err := w.Engine.Unsolved(t.Context())
	require.NoError(t, err)
	require.Len(t, unsolved, 1)
	rep, err := vefa.Audit(t.Context(), w.store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// TestSamePageTwice presses the button twice: it is one answer, and the second
// press is thanked as well.
func TestSamePageTwice(t *testing.T) {
	w := newTown(t)
	_, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	press := func(key, score string) *http.Response {
		resp, err := w.server.Client().PostForm(page, url.Values{"_key": {key}, "_on.nps": {"1"}, "_on.comment": {"1"}, "q.nps": {score}})
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp
	}
	for range 3 {
		resp := press("one render", "9")
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.True(t, strings.HasSuffix(resp.Request.URL.Path, "/thanks"), resp.Request.URL)
	}
	require.Equal(t, http.StatusConflict, press("another render", "0").StatusCode)
	require.Len(t, w.facts(t, crm.KindAnswer), 1)
	require.Empty(t, w.facts(t, crm.KindTicket))
}

func TestForgedTokens(t *testing.T) {
	w := newTown(t)
	tracked, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	last := func(s string) string {
		if strings.HasSuffix(s, "A") {
			return s[:len(s)-1] + "B"
		}
		return s[:len(s)-1] + "A"
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, url := range []string{last(tracked), last(page), w.server.URL + "/l/", w.server.URL + "/s/..%2f..", w.server.URL + "/l/" + strings.Repeat("x", 5000)} {
		resp, err := client.Get(url)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.GreaterOrEqual(t, resp.StatusCode, 400, url)
		require.Less(t, resp.StatusCode, 500, url)
	}
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	require.Empty(t, w.facts(t, crm.KindClick))
}

func TestClicksAreToldFromScanners(t *testing.T) {
	w := newTown(t)
	tracked, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(method, id string, header map[string]string) {
		w.Clock.Set(w.Clock.Now().Add(time.Minute))
		req, err := http.NewRequestWithContext(t.Context(), method, tracked, nil)
		require.NoError(t, err)
		req.Header.Set("X-Request-Id", id)
		for k, v := range header {
			req.Header.Set(k, v)
		}
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusFound, resp.StatusCode)
		require.Equal(t, page, resp.Header.Get("Location"))
	}
	person := map[string]string{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Accept-Language": "tr-TR", "Sec-Fetch-Mode": "navigate"}
	visit("GET", "1", person)
	visit("GET", "1", person) // delivered twice, it is one click
	visit("GET", "2", person)
	visit("HEAD", "3", map[string]string{"User-Agent": "bitlybot/3.0"})
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, 2, rep.Clicks[crm.Human])
	require.Equal(t, 1, rep.Clicks[crm.Machine])
	require.Len(t, w.facts(t, crm.KindClick), 3)
}

func TestNotMeIsHeardAtOnce(t *testing.T) {
	w := newTown(t)
	f := w.surveys[1]
	_, page, err := w.Engine.Links(f)
	require.NoError(t, err)
	_, err = webtest.NotMe(t.Context(), w.server.Client(), page)
	require.NoError(t, err)
	for _, path := range []string{"/not-me", ""} { // pressed again, and answered all the same
		resp, err := w.server.Client().PostForm(page+path, url.Values{"_on.nps": {"1"}, "_on.comment": {"1"}, "q.nps": {"0"}})
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	require.Empty(t, w.facts(t, crm.KindAnswer), "nobody answers for somebody else")
	out, err := webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 0})
	require.NoError(t, err)
	require.False(t, out.Thanked())
	require.Zero(t, out.Pages, "there is nothing left to ask")
	who, err := vefa.About(f)
	require.NoError(t, err)
	c, err := w.Engine.Service().CustomerOf(t.Context(), who)
	require.NoError(t, err)
	require.Empty(t, c.Reachable(crm.Phone), "nothing about this person goes there again")
	require.Len(t, w.facts(t, crm.KindTicket), 1, "somebody looks for the right address")
	require.Len(t, w.facts(t, "incident"), 1)
}

// GS7: "not me" that was pressed by mistake is taken back on the page that follows, and by the desk.
// What it did is undone: the address, the ticket, the survey; what happened stays on record. It
// may be said again, and taken back again.
func TestNotMeIsTakenBack(t *testing.T) {
	w := newTown(t)
	f := w.surveys[1]
	_, page, err := w.Engine.Links(f)
	require.NoError(t, err)
	who, err := vefa.About(f)
	require.NoError(t, err)
	reach := func() []crm.Address {
		c, err := w.Engine.Service().CustomerOf(t.Context(), who)
		require.NoError(t, err)
		return c.Reachable(crm.Phone)
	}
	press := func(path string) string {
		resp, err := w.server.Client().PostForm(page+path, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return string(body)
	}
	require.Contains(t, press("/mistake"), "nps", "nothing was said: the questions")
	for round := range 2 {
		require.Contains(t, press("/not-me"), "/mistake")
		require.Empty(t, reach())
		tickets := w.facts(t, crm.KindTicket)
		require.Len(t, tickets, round+1)
		require.Contains(t, press("/mistake"), "nps")
		require.Equal(t, []crm.Address{f.To}, reach())
		for _, x := range w.facts(t, crm.KindTicket) {
			require.False(t, x.Data.(*crm.Ticket).Unsolved())
		}
		require.Contains(t, press("/mistake"), "nps", "pressed again")
		require.Len(t, w.facts(t, "incident"), 1)
	}
	// The desk takes back what it said itself, and the recipient does not.
	_, err = w.Engine.Service().NotMe(t.Context(), who, f.To, "ayse")
	require.NoError(t, err)
	press("/mistake")
	require.Empty(t, reach())
	n, err := w.Engine.TakeBackNotMe(t.Context(), who, f.To, "ayse")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []crm.Address{f.To}, reach())
	// And what the recipient said.
	press("/not-me")
	n, err = w.Engine.TakeBackNotMe(t.Context(), who, f.To, "ayse")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	out, err := webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 0})
	require.NoError(t, err)
	require.True(t, out.Thanked())
	require.Len(t, w.facts(t, crm.KindAnswer), 1)
	_, err = w.Engine.TakeBackNotMe(t.Context(), who, f.To, "")
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = w.Engine.TakeBackNotMe(t.Context(), crm.ProfileKey{Source: "x", ID: "y"}, f.To, "ayse")
	require.ErrorIs(t, err, crm.ErrNotFound)
	log, err := w.Engine.Service().Links(t.Context(), who)
	require.NoError(t, err)
	var said []string
	for _, l := range log {
		if l.Kind == crm.LinkNotMe {
			said = append(said, fmt.Sprint(l.Actor, " ", l.Off))
		}
	}
	require.Equal(t, []string{"recipient false", "recipient true", "recipient false", "recipient true", "ayse false", "ayse true", "recipient false", "ayse true"}, said)
}

func TestReplies(t *testing.T) {
	w := newTown(t)
	at := w.Clock.Now()
	state := func(i int) *crm.AddressState {
		var st *crm.AddressState
		w.read(t, func(r crm.Reader) {
			got, err := r.Addresses(t.Context(), nighttest.Phone(i))
			require.NoError(t, err)
			st = got[0]
		})
		return st
	}
	for range 2 {
		_, err := w.Engine.Reply(t.Context(), nighttest.Phone(0), "in-1", "İptal", at)
		require.NoError(t, err)
	}
	c, _ := state(0).Consent(nighttest.Brand)
	require.Equal(t, crm.Refused, c.Status)
	_, err := w.Engine.Reply(t.Context(), nighttest.Phone(1), "in-2", "yanlış numara", at)
	require.NoError(t, err)
	cust, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(1))
	require.NoError(t, err)
	require.Empty(t, cust.Reachable(crm.Phone))
	_, err = w.Engine.Reply(t.Context(), nighttest.Phone(2), "in-3", "Sizi şikayet edeceğim", at)
	require.NoError(t, err)
	require.Equal(t, []string{"reply"}, state(2).Suppressed, "what might be an opt-out stops everything")
	_, err = w.Engine.Reply(t.Context(), nighttest.Phone(3), "in-4", "Teşekkürler!", at)
	require.NoError(t, err)
	require.Empty(t, state(3).Suppressed)
}

// A provider's ids come again, of a counter that begins anew each day or of another
// provider: no refusal is lost. The same reply delivered again changes nothing.
func TestReplyIDsComeAgain(t *testing.T) {
	w := newTown(t)
	at := w.Clock.Now()
	state := func(i int) *crm.AddressState {
		var st *crm.AddressState
		w.read(t, func(r crm.Reader) {
			got, err := r.Addresses(t.Context(), nighttest.Phone(i))
			require.NoError(t, err)
			st = got[0]
		})
		return st
	}
	reply := func(i int, text string, at time.Time) {
		got, err := w.Engine.Reply(t.Context(), nighttest.Phone(i), "77", text, at)
		require.NoError(t, err)
		require.True(t, got.Intent.Suppress())
	}
	status := func() crm.ConsentStatus {
		c, _ := state(0).Consent(nighttest.Brand)
		return c.Status
	}
	reply(0, "STOP", at)
	require.Equal(t, crm.Refused, status())
	said := at
	for n := range 20 { // as many as a comparison of contents would hardly decide for the refusal
		at = at.Add(time.Hour)
		again := &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "form", ID: fmt.Sprint(n)}, Subject: crm.OfAddress(nighttest.Phone(0)), At: at, Version: 1,
			Data: &crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Granted, Via: "HS_WEB", Actor: "recipient"}}
		require.NoError(t, w.Engine.Service().Record(t.Context(), again))
		require.Equal(t, crm.Granted, status())
		version := state(0).Version
		reply(0, "STOP", said) // the last one delivered again
		require.Equal(t, crm.Granted, status())
		require.Equal(t, version, state(0).Version)
		at = at.Add(time.Hour)
		reply(0, "STOP", at)
		require.Equal(t, crm.Refused, status())
		said = at
	}

	reply(2, "Sizi şikayet edeceğim", at)
	off := &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "desk", ID: "off"}, Subject: crm.OfAddress(nighttest.Phone(2)), At: at.Add(time.Hour), Version: 1,
		Data: &crm.Suppression{Reason: "reply", Actor: "desk", Off: true}}
	require.NoError(t, w.Engine.Service().Record(t.Context(), off))
	require.Empty(t, state(2).Suppressed)
	reply(2, "Sizi şikayet edeceğim", at)
	require.Empty(t, state(2).Suppressed)
	reply(2, "Sizi şikayet edeceğim", at.Add(2*time.Hour))
	require.Equal(t, []string{"reply"}, state(2).Suppressed)

	// A "not me" about a message that was sent after the one that the first was about.
	incidents := func() int { return len(w.facts(t, "incident")) }
	at = w.Clock.Now()
	reply(1, "yanlış numara", at)
	require.Equal(t, 1, incidents())
	reply(1, "yanlış numara", at.Add(time.Hour))
	require.Equal(t, 1, incidents(), "nothing was sent since")
	err := w.Engine.Service().Update(t.Context(), func(tx crm.Tx) error {
		for f, err := range crm.AllEffects(t.Context(), tx, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.To == nighttest.Phone(1) && !f.SentAt.IsZero() {
				later := *f
				last := f.ID[len(f.ID)-1:]
				other := crm.EffectID("0")
				if last == other {
					other = "1"
				}
				later.ID, later.Rev, later.SentAt = f.ID[:len(f.ID)-1]+other, 0, at.Add(2*time.Hour)
				_, err := tx.PutEffects(t.Context(), &later)
				return err
			}
		}
		return errors.New("nothing was sent")
	})
	require.NoError(t, err)
	reply(1, "yanlış numara", at)
	require.Equal(t, 1, incidents(), "said before it was sent")
	for range 2 {
		reply(1, "yanlış numara", at.Add(3*time.Hour))
		require.Equal(t, 2, incidents())
	}

	for _, text := range []string{"STOP", "yanlış numara", "Sizi şikayet edeceğim"} {
		_, err := w.Engine.Reply(t.Context(), nighttest.Phone(3), "", text, at)
		require.ErrorIs(t, err, crm.ErrInvalid, text)
	}
}

func TestWhy(t *testing.T) {
	w := newTown(t)
	who, err := vefa.About(w.surveys[0])
	require.NoError(t, err)
	c, err := w.Engine.Service().CustomerOf(t.Context(), who)
	require.NoError(t, err)
	y, err := w.Engine.Why(t.Context(), c.ID, "rule/survey", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Len(t, y.Effects, 1)
	require.Contains(t, y.String(), "consent: passed")
	y, err = w.Engine.Why(t.Context(), c.ID, "rule/call", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Empty(t, y.Effects)
	require.Contains(t, y.String(), "Orders")
	_, err = w.Engine.Why(t.Context(), c.ID, "rule/nothing", vefa.WhyQuery{})
	require.Error(t, err)
	_, err = w.Engine.Why(t.Context(), "nobody", "rule/survey", vefa.WhyQuery{})
	require.ErrorIs(t, err, crm.ErrNotFound)
}

func TestBadConfigIsRefusedWhole(t *testing.T) {
	_, err := vefa.New(vefa.Config{})
	require.ErrorContains(t, err, "Store")
	require.ErrorContains(t, err, "Sender")
	require.ErrorContains(t, err, "Keys.Sign")
	require.ErrorContains(t, err, "Keys.ID")
	require.ErrorContains(t, err, "BaseURL")
}

// TestEveryStageOfNewIsReported has a fault for each stage of New: one must not
// hide the next. Issue 9, step 1.
func TestEveryStageOfNewIsReported(t *testing.T) {
	book, err := rules.ReadYAML("broken.yaml", []byte("rules: [{name: broken, when: Nothing > 1, then: [{tag: x}]}]"))
	require.NoError(t, err)
	link := []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 60}}
	cfg := vefa.Config{
		BaseURL: "ftp://s.example", Conflicts: "toss", Rules: []*rules.Book{book}, Segments: "segment a = b\nsegment",
		People:    people.Options{Extra: []string{""}},
		Campaigns: []vefa.Campaign{{Segment: "nobody", On: []string{"tomorrow"}, Campaign: messaging.Campaign{Name: "spring", Text: "Spring {link}", Fields: link, Unmeasured: "a test"}}},
		Messages: []messaging.Campaign{{Name: "twin", Text: "x", Unmeasured: "a test"}, {Name: "twin", Text: "x", Unmeasured: "a test"},
			{Name: "open", Text: "{"}},
		Surveys:       []vefa.Survey{{}},
		ClicksPerLink: -1, Batch: -1, Lease: -time.Second, AnswerWithin: -time.Hour, NotMeWithin: -time.Hour,
	}
	faultsOf := func(want ...string) {
		t.Helper()
		_, err := vefa.New(cfg)
		require.Error(t, err)
		for _, w := range want {
			assert.ErrorContains(t, err, w)
		}
	}
	faultsOf("Config.Store", "Config.Sender", "Config.BaseURL", "Keys.Sign", "Config: ", "broken.yaml", "Nothing", "vefa: segments", "people: options",
		`"tomorrow" is no date`, `"campaign/spring" has a link and no URL`, `two messages are named "message/twin"`, `message "open"`, "Surveys[0].Name",
		"ClicksPerLink is -1", "Batch is -1", "Lease is -1s", "AnswerWithin is -1h0m0s")
	// Names are checked where what they are looked up in is without fault.
	cfg.Segments, cfg.Rules = "segment a = everyone", nil
	faultsOf(`draws from segment "nobody"`)
	good, err := rules.ReadYAML("good.yaml", []byte("rules: [{name: good, when: Orders > 1, then: [{task: call}]}]"))
	require.NoError(t, err)
	cfg.Rules = []*rules.Book{good}
	faultsOf("Config.Store", `draws from segment "nobody"`, `there is no task "call"`)
	cfg.Segments = "segment a = segment(b)\nsegment b = segment(a)"
	faultsOf("vefa: segments")
}

// TestBaseURL refuses what recipients cannot or should not follow, with surveys
// and without.
func TestBaseURL(t *testing.T) { // Case H10
	with := func(base string, change func(*vefa.Config)) error {
		cfg := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: base, Keys: nighttest.Keys()}
		if change != nil {
			change(&cfg)
		}
		_, err := vefa.New(cfg)
		return err
	}
	for _, base := range []string{"javascript:alert(1)", "javascript://s.example/%0aalert(1)", "data:text/html,x", "s.example", "//s.example", "/s", "ftp://s.example",
		"http://s.example", "http://localhost:8080", "https://user:pw@s.example", "https://s.example?x=1", "https://s.example#x", "https://s.example/a b", "https://s.example\\@evil.example", "https://"} {
		require.ErrorContains(t, with(base, nil), "Config.BaseURL", base)
		require.ErrorContains(t, with(base, func(c *vefa.Config) { c.Destinations.Hosts = []string{"shop.example"} }), "Config.BaseURL", base)
	}
	for _, base := range []string{"https://s.example", "https://s.example/", "https://s.example:8443/crm", "https://s.internal"} {
		require.NoError(t, with(base, nil), base)
	}
	require.ErrorContains(t, with("http://127.0.0.1:8080", nil), "not https; to try it on this machine set Destinations.LoopbackHTTP")
	require.NoError(t, with("http://127.0.0.1:8080", func(c *vefa.Config) { c.Destinations.LoopbackHTTP = true }))
	require.Error(t, with("http://s.example", func(c *vefa.Config) { c.Destinations.LoopbackHTTP = true }))
}

// TestHostileRequests sends what no browser sends: nothing of it may stop the
// clicks and answers of others.
func TestHostileRequests(t *testing.T) {
	w := newTown(t)
	tracked, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, id := range []string{"\xff\xfe", strings.Repeat("i", 4000), "a b\tc", "", "", "../..", "İ"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tracked, nil)
		require.NoError(t, err)
		req.Header["X-Request-Id"] = []string{id}
		req.Header["User-Agent"] = []string{"\x80\xff" + strings.Repeat("ş", 4000) + "\xc5"}
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusFound, resp.StatusCode)
	}
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	clicks := w.facts(t, crm.KindClick)
	require.Len(t, clicks, 7, "a request without an id is a click of its own")
	for _, f := range clicks {
		require.NoError(t, f.Validate())
		require.True(t, utf8.ValidString(f.Data.(*crm.Click).Agent))
	}

	out, err := webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 2, "comment": "=cmd|' /C calc'!A0\x00\xff\u202e<script>"})
	require.NoError(t, err)
	require.True(t, out.Thanked(), "%d %s", out.Status, out.URL)
	answers := w.facts(t, crm.KindAnswer)
	require.Len(t, answers, 1)
	comment := answers[0].Data.(*crm.Answer).Comment
	require.True(t, utf8.ValidString(comment))
	require.NotContains(t, comment, "\x00", "PostgreSQL has no NUL")
}

// A link whose message has no page any more leads nowhere; that is no fault of
// the server.
func TestLinkOfAForgottenMessage(t *testing.T) {
	w := newTown(t)
	var spring *crm.Effect
	w.read(t, func(r crm.Reader) {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			require.NoError(t, err)
			if f.Cause == "campaign/spring" {
				spring = f
			}
		}
	})
	tracked, _, err := w.Engine.Links(spring)
	require.NoError(t, err)
	path := strings.TrimPrefix(tracked, w.server.URL)
	later := nighttest.New(t, w.store, w.Clock, func(c *vefa.Config) { c.Campaigns = nil })
	answer := httptest.NewRecorder()
	later.Engine.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(t, http.StatusNotFound, answer.Code)
}

// What New lets pass must not fail when people click.
func TestDestinations(t *testing.T) {
	make := func(change func(*vefa.Config)) error {
		book := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
			Segments:  "segment all = everyone",
			Campaigns: []vefa.Campaign{{Segment: "all", Campaign: messaging.Campaign{Name: "a", Text: "a", URL: "https://shop.example/a", Unmeasured: "test"}}},
			Messages:  []messaging.Campaign{{Name: "b", Text: "b", URL: "https://shop.example/b", Unmeasured: "test"}},
			Surveys:   []vefa.Survey{{Name: "c", Definition: survey.Recommendation(), Invitation: messaging.Campaign{Name: "c", Text: "c", Unmeasured: "test"}}}}
		change(&book)
		_, err := vefa.New(book)
		return err
	}
	require.NoError(t, make(func(*vefa.Config) {}))
	require.NoError(t, make(func(c *vefa.Config) { c.Destinations.Hosts = []string{"shop.example"} }), "surveys are always allowed")
	err := make(func(c *vefa.Config) { c.Destinations.Hosts = []string{"other.example"} })
	require.ErrorIs(t, err, link.ErrDestination)
	require.ErrorContains(t, err, `campaign "a"`)
	require.ErrorContains(t, err, `message "b"`)
	err = make(func(c *vefa.Config) { c.BaseURL = "http://localhost:8080" })
	require.ErrorContains(t, err, "BaseURL")
	require.NoError(t, make(func(c *vefa.Config) {
		c.BaseURL, c.Destinations.LoopbackHTTP = "http://localhost:8080", true
	}))
}

// TestMessagesThatCouldNotGoOut are refused before anybody waits for them.
func TestMessagesThatCouldNotGoOut(t *testing.T) {
	for want, field := range map[string]messaging.Field{
		"link": {Name: "link", Type: messaging.LinkField, Max: 20},
		"shop": {Name: "shop"},
		"name": {Name: "name"},
	} {
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
			Messages: []messaging.Campaign{{Name: "a", Text: "Hello {" + want + "}", Fields: []messaging.Field{field}, URL: "https://shop.example/a", Unmeasured: "test"}}})
		require.ErrorIs(t, err, messaging.ErrTemplate)
		require.ErrorContains(t, err, `message "message/a" could not go out`)
		require.ErrorContains(t, err, want)
	}
	_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
		Messages: []messaging.Campaign{{Name: "a", Text: "Hello {link}", Fields: []messaging.Field{{Name: "link", Type: messaging.LinkField}}, Unmeasured: "test"}}})
	require.ErrorContains(t, err, `message "message/a" has a link and no URL`)
}

// TestUnknownNames refuses rules and campaigns that name what is not there, and
// lets an evening go on when such a rule comes later.
func TestUnknownNames(t *testing.T) {
	book, err := rules.ReadYAML("r.yaml", []byte("rules:\n  - name: a\n    when: Orders > 0\n    then: [{survey: none}, {message: none}, {task: none}, {tag: any}]\n"))
	require.NoError(t, err)
	_, err = vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
		Rules:     []*rules.Book{book},
		Campaigns: []vefa.Campaign{{Segment: "nobody", On: []string{"tomorrow"}, Campaign: messaging.Campaign{Name: "a", Text: "a", Unmeasured: "test"}}}})
	for _, part := range []string{`segment "nobody"`, `r.yaml:4:12: a: then[0]: there is no survey "none"`, `then[1]: there is no message "none"`, `then[2]: there is no task "none"`} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "then[3]")

	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, nil)
	err = shop.Engine.Rules().Load(book)
	require.ErrorContains(t, err, `r.yaml:4:12: a: then[0]: there is no survey "none"`)
	var fault *rules.Fault
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "r.yaml", fault.File)
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.Equal(t, 3, rep.Carried.Done[crm.EffectTag], "the old rules stay")
	require.Len(t, shop.Sender.Messages(), 3, "the campaign goes out")
}

// away is a store whose database can be unplugged.
type away struct {
	crm.Store
	gone atomic.Bool
}

var errAway = errors.New("the database is away")

func (a *away) View(ctx context.Context, fn func(crm.Reader) error) error {
	if a.gone.Load() {
		return errAway
	}
	return a.Store.View(ctx, fn)
}

func (a *away) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if a.gone.Load() {
		return errAway
	}
	return a.Store.Update(ctx, fn)
}

// TestDatabaseAway unplugs the database under the pages: people are told to
// come again, links that were used lately still lead on, and nothing is lost.
func TestDatabaseAway(t *testing.T) {
	db := &away{Store: memstore.New()}
	w := newTownOn(t, db)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	click := func(f *crm.Effect, id string) *http.Response {
		tracked, _, err := w.Engine.Links(f)
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tracked, nil)
		require.NoError(t, err)
		req.Header.Set("X-Request-Id", id)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp
	}
	require.Equal(t, http.StatusFound, click(w.surveys[0], "1").StatusCode)
	_, page, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)

	db.gone.Store(true)
	require.Equal(t, http.StatusFound, click(w.surveys[0], "2").StatusCode, "it is known where this one leads")
	resp := click(w.surveys[1], "3")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		req, err := http.NewRequestWithContext(t.Context(), method, page, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		require.NotEmpty(t, resp.Header.Get("Retry-After"))
	}
	require.ErrorIs(t, w.Engine.Clicks().Flush(t.Context()), errAway)
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.ErrorIs(t, err, errAway)

	db.gone.Store(false)
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Len(t, w.facts(t, crm.KindClick), 2, "the clicks waited")
	out, err := webtest.Answer(t.Context(), w.server.Client(), page, map[string]any{"nps": 9})
	require.NoError(t, err)
	require.True(t, out.Thanked())
}

func TestConfigStaysTheHosts(t *testing.T) {
	messages := []messaging.Campaign{{Name: "a", Text: "a", Unmeasured: "test"}}
	for _, brand := range []string{"one", "two"} {
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
			Consent: crm.ConsentKey{Brand: brand}, Messages: messages})
		require.NoError(t, err)
		require.Zero(t, messages[0].Consent)
	}
}

// TestARespondentIsAPerson follows the tracked link of a message with webtest,
// which must look like the recipient of the message: judged a machine, it would be
// missing from every figure of a host's test. Case B20.
func TestARespondentIsAPerson(t *testing.T) {
	for _, path := range []string{"", "/care", "/care/of/you"} {
		t.Run("below "+path+"/", func(t *testing.T) { respond(t, newTownBelow(t, memstore.New(), path)) })
	}
}

func respond(t *testing.T, w *town) {
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	w.Clock.Advance(time.Minute)
	out, err := webtest.Answer(t.Context(), w.server.Client(), tracked, map[string]any{"nps": 10})
	require.NoError(t, err)
	require.True(t, out.Thanked(), "%d %s", out.Status, out.URL)
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, map[crm.Verdict]int{crm.Human: 1}, rep.Clicks)
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.Verdict]int{crm.Human: 1}, res.Clicks)
}
