package preference_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/consent/preference"
	"github.com/vefacrm/vefa/messaging/link"
)

var (
	key   = crm.NewSecret([]byte("a key of the tests, which all the world may know"))
	email = crm.Address{Channel: crm.Email, Value: "ayse@example.com"}
	start = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)
)

var choices = []preference.Choice{
	{Name: "news", Key: crm.ConsentKey{Brand: "vefa", Purpose: "news"}, Channel: crm.Email, Label: map[string]string{"tr": "Yenilikler & <b>kampanyalar</b>", "en": "News & <b>offers</b>"}},
	{Name: "all", Key: crm.ConsentKey{Brand: "vefa"}, Channel: crm.Email, Label: map[string]string{"tr": "Tüm iletiler", "en": "All messages"}},
	{Name: "sms", Key: crm.ConsentKey{Brand: "vefa"}, Channel: crm.Phone, Label: map[string]string{"tr": "Kısa mesaj", "en": "Text messages"}},
}

type site struct {
	*preference.Pages
	svc    *crm.Service
	ledger *consent.Ledger
	clock  *crmtest.Clock
}

func newSite(t testing.TB) *site {
	s := &site{clock: new(crmtest.Clock)}
	s.clock.Set(start)
	s.svc = crm.New(memstore.New(consent.Kind()), crm.Config{Now: s.clock.Now, Kinds: []crm.Kind{consent.Kind()}})
	var err error
	s.ledger, err = consent.New(s.svc, consent.Config{Key: key})
	require.NoError(t, err)
	codec, err := link.NewCodec(link.Key{Secret: key})
	require.NoError(t, err)
	s.Pages, err = preference.New(preference.Config{Service: s.svc, Ledger: s.ledger, Tokens: codec, Choices: choices, Brand: "Vefa <Saat>", Now: s.clock.Now})
	require.NoError(t, err)
	return s
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (s *site) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

// entries are all of the address in the ledger.
func (s *site) entries(t testing.TB) (out []consent.Entry) {
	h, err := s.ledger.Histories(t.Context(), email)
	require.NoError(t, err)
	for _, c := range h {
		out = append(out, c.Entries...)
	}
	return out
}

func (s *site) ground(t testing.TB, purpose string) string {
	st, err := s.svc.Address(t.Context(), email)
	require.NoError(t, err)
	return consent.Policy{}.Decide(st, crm.ConsentKey{Brand: "vefa", Purpose: purpose}, consent.Commercial, s.clock.Now()).Ground
}

func (s *site) grant(t testing.TB, purpose string) {
	_, err := s.ledger.Append(t.Context(), email, consent.Said{ConsentKey: crm.ConsentKey{Brand: "vefa", Purpose: purpose}, Status: crm.Granted})
	require.NoError(t, err)
}

// A scanner may open, and open again, whatever it likes: nothing changes. The page has no
// script, no cookie, loads nothing, and escapes what it shows.
func TestGetChangesNothing(t *testing.T) {
	s := newSite(t)
	token, err := s.Token(t.Context(), email)
	require.NoError(t, err)
	again, err := s.Token(t.Context(), crm.Address{Channel: crm.Email, Value: "Ayse@Example.com"})
	require.NoError(t, err)
	require.Equal(t, token, again)
	s.grant(t, "")
	before := s.entries(t)
	for _, path := range []string{"", "/", "/done", "?do=leave", "?List-Unsubscribe=One-Click", "?do=save&was-news=0&on-news=1", "?lang=tr"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := s.do(httptest.NewRequest(method, "/p/"+token+path, nil))
			require.Equal(t, http.StatusOK, w.Code, path)
			h := w.Header()
			require.Empty(t, h.Get("Set-Cookie"))
			require.Equal(t, "no-store", h.Get("Cache-Control"))
			require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
			require.Regexp(t, `^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$`, h.Get("Content-Security-Policy"))
			if method == http.MethodHead {
				require.Zero(t, w.Body.Len())
			}
		}
	}
	require.Equal(t, before, s.entries(t))
	html := s.get("/p/" + token).Body.String()
	for _, never := range []string{"<script", "http://", "https://", "ayse", "<b>", "Text messages", "<Saat>"} {
		require.NotContains(t, html, never)
	}
	require.Contains(t, html, "News &amp; &lt;b&gt;offers&lt;/b&gt;")
	require.Contains(t, html, `lang="en"`)
	require.Contains(t, html, `name="on-all" value="1" checked`)
	tr := s.get("/p/" + token + "?lang=tr").Body.String()
	require.Contains(t, tr, `lang="tr"`)
	require.Contains(t, tr, "Tüm iletileri durdur")
	r := httptest.NewRequest(http.MethodGet, "/p/"+token, nil)
	r.Header.Set("Accept-Language", "de, tr-TR;q=0.8, en;q=0.5")
	require.Contains(t, s.do(r).Body.String(), `lang="tr"`)
}

// One click leaves, once, also what was granted after an earlier refusal; the entry says how.
func TestLeave(t *testing.T) {
	s := newSite(t)
	token, err := s.Token(t.Context(), email)
	require.NoError(t, err)
	_, err = s.ledger.Append(t.Context(), email, consent.Said{ConsentKey: crm.ConsentKey{Brand: "vefa"}, Status: crm.Refused})
	require.NoError(t, err)
	s.grant(t, "news")
	s.grant(t, "survey") // not on the page
	require.Equal(t, "granted", s.ground(t, "survey"))
	w := s.post("/p/"+token, url.Values{"do": {"leave"}})
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, token+"/done", w.Header().Get("Location"))
	for _, purpose := range []string{"", "news", "survey", "other"} {
		require.Equal(t, "refused", s.ground(t, purpose), purpose)
	}
	n := len(s.entries(t))
	last := s.entries(t)[n-1]
	require.Equal(t, consent.Evidence{Nonce: last.Evidence.Nonce, Actor: "holder", IP: "192.0.2.1", Note: "page: leave"}, *last.Evidence)
	require.Equal(t, http.StatusSeeOther, s.post("/p/"+token+"/", url.Values{"do": {"leave"}}).Code)
	require.Len(t, s.entries(t), n, "the second click says nothing new")
}

// RFC 8058: mail programs POST List-Unsubscribe=One-Click, as a form or in parts, and get 200.
func TestOneClick(t *testing.T) {
	for _, parts := range []bool{false, true} {
		s := newSite(t)
		token, err := s.Token(t.Context(), email)
		require.NoError(t, err)
		s.grant(t, "")
		body, kind := bytes.NewBufferString("List-Unsubscribe=One-Click"), "application/x-www-form-urlencoded"
		if parts {
			body = new(bytes.Buffer)
			m := multipart.NewWriter(body)
			require.NoError(t, m.WriteField("List-Unsubscribe", "One-Click"))
			require.NoError(t, m.Close())
			kind = m.FormDataContentType()
		}
		r := httptest.NewRequest(http.MethodPost, "/p/"+token, body)
		r.Header.Set("Content-Type", kind)
		w := s.do(r)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "refused", s.ground(t, ""))
		e := s.entries(t)
		require.Equal(t, "RFC 8058 one-click", e[len(e)-1].Evidence.Note)
	}
	h := preference.ListUnsubscribe("https://shop.example/p/abc")
	require.Equal(t, "<https://shop.example/p/abc>", h.Get("List-Unsubscribe"))
	require.Equal(t, "List-Unsubscribe=One-Click", h.Get("List-Unsubscribe-Post"))
}

var boxes = regexp.MustCompile(`name="was-([a-z]+)" value="([01])"`)

// What a person changes on the page is said; what was only shown is not, whatever happened
// since it was opened.
func TestSave(t *testing.T) {
	s := newSite(t)
	token, err := s.Token(t.Context(), email)
	require.NoError(t, err)
	form := url.Values{"do": {"save"}}
	for _, m := range boxes.FindAllStringSubmatch(s.get("/p/"+token).Body.String(), -1) {
		form.Set("was-"+m[1], m[2])
	}
	require.Equal(t, "0", form.Get("was-news"))
	form.Set("on-news", "1")
	form.Set("on-sms", "1") // not offered to this address
	s.grant(t, "")          // meanwhile, elsewhere
	require.Equal(t, http.StatusSeeOther, s.post("/p/"+token+"?lang=tr", form).Code)
	require.Equal(t, "granted", s.ground(t, "news"))
	require.Equal(t, "granted", s.ground(t, ""), "its box was empty when the page was opened, and nobody touched it")
	e := s.entries(t)
	require.Equal(t, consent.HashText("Yenilikler & <b>kampanyalar</b>"), e[len(e)-1].Text, "the text that stood beside the box")
	s.post("/p/"+token, form)
	require.Len(t, s.entries(t), len(e), "sent twice")
	off := url.Values{"do": {"save"}, "was-news": {"1"}, "was-all": {"1"}, "on-all": {"1"}}
	s.post("/p/"+token, off)
	require.Equal(t, "refused", s.ground(t, "news"))
	require.Equal(t, "granted", s.ground(t, ""))
}

// Double opt-in: nothing before the click, one entry by it, none after its time.
func TestConfirm(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	ask := func() string {
		token, err := s.Ask(ctx, email, preference.Request{Choice: "news", Locale: "tr", IP: "198.51.100.7", Actor: "checkout"})
		require.NoError(t, err)
		return token
	}
	token := ask()
	require.NotEqual(t, token, ask(), "each request has its own")
	w := s.get("/p/" + token)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `value="confirm"`)
	require.NotContains(t, w.Body.String(), `value="leave"`)
	require.Empty(t, s.entries(t))
	require.Equal(t, http.StatusBadRequest, s.post("/p/"+token, url.Values{"do": {"leave"}}).Code)
	require.Equal(t, http.StatusSeeOther, s.post("/p/"+token, url.Values{"do": {"confirm"}}).Code)
	s.clock.Advance(time.Hour)
	require.Equal(t, http.StatusSeeOther, s.post("/p/"+token, url.Values{"do": {"confirm"}}).Code)
	require.Equal(t, "granted", s.ground(t, "news"))
	e := s.entries(t)
	require.Len(t, e, 1, "confirmed once")
	require.Equal(t, consent.HashText("Yenilikler & <b>kampanyalar</b>"), e[0].Text)
	require.Equal(t, "192.0.2.1", e[0].Evidence.IP)
	require.Regexp(t, `^double opt-in \d+, asked for at 2025-03-03T09:00:00Z from 198\.51\.100\.7 by checkout$`, e[0].Evidence.Note)
	require.Contains(t, s.get("/p/"+token+"/done").Body.String(), "confirmed")

	// Who refuses later is not overruled by the old link.
	page, err := s.Token(ctx, email)
	require.NoError(t, err)
	s.post("/p/"+page, url.Values{"do": {"leave"}})
	s.post("/p/"+token, url.Values{"do": {"confirm"}})
	require.Equal(t, "refused", s.ground(t, "news"))

	late := ask()
	s.clock.Advance(7 * 24 * time.Hour)
	require.Equal(t, http.StatusGone, s.get("/p/"+late).Code)
	require.Equal(t, http.StatusGone, s.post("/p/"+late, url.Values{"do": {"confirm"}}).Code)
	require.Equal(t, "refused", s.ground(t, "news"))
	n, err := s.Forget(ctx, crm.Address{})
	require.NoError(t, err)
	require.Equal(t, 3, n, "requests that expired")
	n, err = s.Forget(ctx, email)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, http.StatusNotFound, s.get("/p/"+page).Code)

	for _, bad := range []preference.Request{{}, {Choice: "sms"}} {
		_, err = s.Ask(ctx, email, bad)
		require.ErrorIs(t, err, crm.ErrInvalid)
	}
}

// What is forged, foreign, too large or by another site is refused, and nothing is written.
func TestRefused(t *testing.T) {
	s := newSite(t)
	token, err := s.Token(t.Context(), email)
	require.NoError(t, err)
	s.grant(t, "")
	forged := "A" + token[1:]
	if forged == token {
		forged = "B" + token[1:]
	}
	leave := url.Values{"do": {"leave"}}
	require.Equal(t, http.StatusNotFound, s.post("/p/"+forged, leave).Code)
	require.Equal(t, http.StatusNotFound, s.get("/p/"+forged).Code)
	require.Equal(t, http.StatusNotFound, s.get("/p/").Code)
	require.Equal(t, http.StatusNotFound, s.get("/p/"+token+"/admin").Code)
	require.Equal(t, http.StatusMethodNotAllowed, s.post("/p/"+token+"/done", leave).Code)
	require.Equal(t, http.StatusMethodNotAllowed, s.do(httptest.NewRequest(http.MethodDelete, "/p/"+token, nil)).Code)
	require.Equal(t, http.StatusBadRequest, s.post("/p/"+token, url.Values{"do": {"confirm"}}).Code)
	require.Equal(t, http.StatusBadRequest, s.post("/p/"+token, url.Values{"do": {"leave"}, "x": {strings.Repeat("x", 20<<10)}}).Code)
	r := httptest.NewRequest(http.MethodPost, "/p/"+token, strings.NewReader(leave.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(r).Code)
	require.Equal(t, "granted", s.ground(t, ""))
	_, err = preference.New(preference.Config{Choices: []preference.Choice{{Name: "<"}, {Name: "<"}}})
	require.ErrorIs(t, err, crm.ErrInvalid)
}

// Two addresses of one number do not share a page.
func TestNumbersCollide(t *testing.T) {
	s := newSite(t)
	seen := map[string]bool{}
	for i := range 200 {
		token, err := s.Token(t.Context(), crm.Address{Channel: crm.Email, Value: fmt.Sprintf("p%d@example.com", i)})
		require.NoError(t, err)
		require.False(t, seen[token])
		seen[token] = true
	}
	codec, err := link.NewCodec(link.Key{Secret: key})
	require.NoError(t, err)
	same, err := preference.New(preference.Config{Service: s.svc, Ledger: s.ledger, Tokens: codec, Choices: choices, Number: func() uint64 { return 1<<64 - 1 }})
	require.NoError(t, err)
	tokens := map[string]bool{}
	for range 3 {
		token, err := same.Ask(t.Context(), email, preference.Request{Choice: "news"})
		require.NoError(t, err)
		tokens[token] = true
	}
	require.Len(t, tokens, 3, "a number that is taken is not given again")
}

func FuzzServe(f *testing.F) {
	s := newSite(f)
	token, err := s.Token(f.Context(), email)
	require.NoError(f, err)
	f.Add("GET", "", "")
	f.Add("POST", "/done", "do=leave")
	f.Add("POST", "?lang=tr", "List-Unsubscribe=One-Click")
	f.Add("POST", "", "do=save&was-news=1")
	f.Fuzz(func(t *testing.T, method, tail, body string) {
		u, err := url.Parse("/p/" + token + tail)
		if err != nil || u.Path == "" {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.URL = u
		if method == "POST" {
			r.Method = method
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		n := len(s.entries(t))
		w := s.do(r)
		if w.Code >= 500 {
			t.Fatal(w.Code)
		}
		if r.Method != http.MethodPost && len(s.entries(t)) != n {
			t.Fatal("a GET wrote")
		}
	})
}

func Example() {
	now := func() time.Time { return start }
	svc := crm.New(memstore.New(consent.Kind()), crm.Config{Now: now, Kinds: []crm.Kind{consent.Kind()}})
	secret := crm.NewSecret([]byte("32 bytes from crypto/rand in earnest"))
	ledger, err := consent.New(svc, consent.Config{Key: secret})
	if err != nil {
		panic(err)
	}
	codec, err := link.NewCodec(link.Key{Secret: secret})
	if err != nil {
		panic(err)
	}
	pages, err := preference.New(preference.Config{Service: svc, Ledger: ledger, Tokens: codec, Choices: choices, Now: now})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/p/", pages)
	token, err := pages.Token(context.Background(), crm.Address{Channel: crm.Email, Value: "ayse@example.com"})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/p/"+token, strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	state, err := ledger.State(context.Background(), crm.Address{Channel: crm.Email, Value: "ayse@example.com"}, time.Time{}, time.Time{})
	fmt.Println(w.Code, state.Consents[0].Status, err)
	// Output: 200 refused <nil>
}
