package web_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// kioskStore keeps answers in memory, by kiosk and UUID.
type kioskStore struct {
	mu       sync.Mutex
	kiosks   map[uint64]web.Kiosk
	revoked  map[uint64]bool
	kept     map[string]web.KioskAnswer
	again    int // answers that were known
	began    map[string]time.Time
	fail     error
	failures int
}

func (s *kioskStore) Kiosk(_ context.Context, id uint64) (web.Kiosk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kiosks[id]
	switch {
	case !ok:
		return k, web.ErrNotFound
	case s.revoked[id]:
		return k, web.ErrEnded
	}
	return k, nil
}

func (s *kioskStore) Keep(_ context.Context, id uint64, a web.KioskAnswer) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		s.failures++
		return false, s.fail
	}
	key := fmt.Sprintf("%d %s", id, a.ID)
	if _, ok := s.kept[key]; ok {
		s.again++
		return false, nil
	}
	s.kept[key] = a
	return true, nil
}

func (s *kioskStore) Experience(_ context.Context, _ uint64, code string) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.began[code]
	if !ok {
		return at, web.ErrNotFound
	}
	return at, nil
}

// kioskSurvey asks whom it gives 6 or less why, and others what they liked.
const kioskSurvey = `{"title": {"default": "How was it?", "tr": "Nasıldı?", "ar": "كيف كانت؟"}, "locale": "tr", "x-retail": {"name": "till", "version": "1"},
	"pages": [{"elements": [{"type": "rating", "name": "score", "title": {"default": "Would you recommend {place}?", "tr": "{place} mağazasını önerir misiniz?"}, "isRequired": true, "rateMin": 0, "rateMax": 10, "x-retail": {"metric": "nps"}}]},
	{"title": "More", "elements": [
		{"type": "comment", "name": "why", "title": {"default": "Why?", "tr": "Neden?"}, "isRequired": true, "visibleIf": "{score} <= 6"},
		{"type": "panel", "title": "Liked", "visibleIf": "{score} >= 9 or {score} empty", "elements": [{"type": "checkbox", "name": "liked", "choices": ["staff", "price"]}]},
		{"type": "boolean", "name": "again", "title": "Again?"}]}]}`

// kioskWorld is a server with one kiosk, 7.
type kioskWorld struct {
	*kioskStore
	h     *web.KioskHandler
	token string
	now   time.Time
}

func newKiosk(t testing.TB, k web.Kiosk) *kioskWorld {
	t.Helper()
	codec, err := invite.New("kiosk", []byte("0123456789abcdefghijklmnopqrstuv!"))
	require.NoError(t, err)
	w := &kioskWorld{kioskStore: &kioskStore{kiosks: map[uint64]web.Kiosk{7: k}, revoked: map[uint64]bool{}, kept: map[string]web.KioskAnswer{}, began: map[string]time.Time{}},
		now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	w.token, err = codec.Mint(7)
	require.NoError(t, err)
	w.h, err = web.NewKiosk(web.KioskConfig{Store: w, Tokens: codec.Parse, Now: func() time.Time { return w.now }})
	require.NoError(t, err)
	return w
}

func (w *kioskWorld) do(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/k/"+w.token+path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// newUUID is what crypto.randomUUID gives.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// form fills the questions in as a device does.
func (w *kioskWorld) form(t testing.TB, at time.Time, answers map[string]any) (id string, form url.Values) {
	t.Helper()
	page := w.do("GET", "/ask?lang=tr", "", "")
	require.Equal(t, 200, page.Code, page.Body.String())
	if answers["why"] == nil { // a page without a script shows everything
		answers["why"] = "-"
	}
	form, err := webtest.Fill(page.Body.Bytes(), answers)
	require.NoError(t, err)
	id = newUUID()
	form.Set("_id", id)
	form.Set("_at", fmt.Sprint(at.UnixMilli()))
	return id, form
}

// deliver sends answers as a device whose clock shows now.
func (w *kioskWorld) deliver(t testing.TB, now time.Time, forms map[string]string) (code int, done []string, refused map[string]string) {
	t.Helper()
	type entry struct {
		ID   string `json:"id"`
		Form string `json:"form"`
	}
	var all []entry
	for id, f := range forms {
		all = append(all, entry{id, f})
	}
	body, err := json.Marshal(map[string]any{"now": now.UnixMilli(), "answers": all})
	require.NoError(t, err)
	rec := w.do("POST", "/answers", "application/json", string(body))
	if rec.Code != 200 {
		return rec.Code, nil, nil
	}
	var out struct {
		Done    []string
		Refused map[string]string
	}
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &out))
	return rec.Code, out.Done, out.Refused
}

// D04: an answer reaches the store once with its place's survey, in normal form, hidden questions
// left out, at the time when it was given, though the device's clock is a day behind.
func TestKioskAnswer(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey), Place: "Moda"})
	page := w.do("GET", "/ask?lang=tr", "", "")
	body := page.Body.String()
	assert.Contains(t, body, "Moda mağazasını önerir misiniz?")
	assert.Contains(t, body, `data-on="q.score" data-if="[&#34;0&#34;,&#34;1&#34;,&#34;2&#34;,&#34;3&#34;,&#34;4&#34;,&#34;5&#34;,&#34;6&#34;]"`)
	assert.Contains(t, body, `data-if="[&#34;&#34;,&#34;9&#34;,&#34;10&#34;]"`)

	w.now = w.now.AddDate(0, 0, 30)
	wrong := -24 * time.Hour // the device's clock
	given := w.now.AddDate(0, 0, -30)
	id, form := w.form(t, given.Add(wrong), map[string]any{"score": 9, "why": "not asked", "liked": []any{"price"}, "again": true})
	for range 3 { // an answer whose receipt was lost comes again
		code, done, refused := w.deliver(t, w.now.Add(wrong), map[string]string{id: form.Encode()})
		require.Equal(t, 200, code)
		assert.Equal(t, []string{id}, done)
		assert.Empty(t, refused)
	}
	require.Len(t, w.kept, 1)
	a := w.kept["7 "+id]
	assert.Equal(t, map[string]any{"score": 9.0, "liked": []any{"price"}, "again": true}, a.Response.Answers)
	assert.Equal(t, "till", a.Response.Survey)
	assert.Equal(t, id, a.Response.Key)
	assert.Equal(t, "tr", a.Response.Language)
	assert.True(t, a.At.Equal(given), a.At)
	assert.True(t, a.DeviceAt.Equal(given.Add(wrong)))
	assert.True(t, a.Received.Equal(w.now))
	assert.Empty(t, a.Refused)
	assert.Equal(t, 2, w.again)
}

// A form that no service worker takes is stored by the server itself.
func TestKioskWithoutWorker(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey)})
	id, form := w.form(t, w.now, map[string]any{"score": 3, "why": "kırık"})
	for range 2 {
		rec := w.do("POST", "/ask?lang=tr", "application/x-www-form-urlencoded", form.Encode())
		require.Equal(t, http.StatusSeeOther, rec.Code)
		assert.Equal(t, "thanks?lang=tr", rec.Header().Get("Location"))
	}
	assert.Equal(t, "kırık", w.kept["7 "+id].Response.Answers["why"])
	assert.Len(t, w.kept, 1)
	form.Del("_id")
	assert.Equal(t, http.StatusBadRequest, w.do("POST", "/ask", "application/x-www-form-urlencoded", form.Encode()).Code)
	r := httptest.NewRequest("POST", "/k/"+w.token+"/ask", strings.NewReader(form.Encode()))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	assert.Equal(t, http.StatusForbidden, rec.Code)
}

// An answer to an earlier definition is checked by that one; what cannot be taken is kept with the
// reason and what was sent, and the device is told.
func TestKioskRefusals(t *testing.T) {
	old := definition(t, kioskSurvey)
	w := newKiosk(t, web.Kiosk{Definition: old})
	_, form := w.form(t, w.now, map[string]any{"score": 2, "why": "geç"})
	changed := definition(t, strings.Replace(kioskSurvey, "How was it?", "How?", 1))
	w.kiosks[7] = web.Kiosk{Definition: changed, Earlier: []*survey.Definition{old}}
	id := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	send := func(n int, f url.Values) string {
		_, done, refused := w.deliver(t, w.now, map[string]string{id(n): f.Encode()})
		require.Equal(t, []string{id(n)}, done)
		require.Equal(t, w.kept["7 "+id(n)].Refused, refused[id(n)])
		return refused[id(n)]
	}
	assert.Empty(t, send(1, form))
	w.kiosks[7] = web.Kiosk{Definition: changed}
	assert.Contains(t, send(2, form), "not known any more")
	assert.Equal(t, []string{"geç"}, w.kept["7 "+id(2)].Form["q.why"])
	form.Set("_def", "x")
	assert.Contains(t, send(3, form), "not known")

	_, form = w.form(t, w.now, map[string]any{"score": 6, "why": "geç"})
	form.Del("q.why")
	assert.Contains(t, send(4, form), `question "why": required`)
	form.Set("q.score", "11")
	assert.Contains(t, send(5, form), "not-offered")
	form.Set("_x", strings.Repeat("x", 65))
	assert.Contains(t, send(6, form), "too long")

	// Nothing that a device may hold is lost: a bad id, no form at all.
	for n, bad := range []struct{ id, form string }{{"x", form.Encode()}, {strings.Repeat("y", 3000), "%zz"}, {"", ""}} {
		before := len(w.kept)
		_, done, refused := w.deliver(t, w.now, map[string]string{bad.id: bad.form})
		assert.Equal(t, []string{bad.id}, done)
		assert.NotEmpty(t, refused[bad.id])
		assert.Len(t, w.kept, before+1, n)
		w.deliver(t, w.now, map[string]string{bad.id: bad.form})
		assert.Len(t, w.kept, before+1, n)
	}
	for key := range w.kept {
		assert.Len(t, key, 38)
	}
}

// D07: an answer outside of the 45 minutes of its experience is marked.
func TestKioskDwell(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey), AskCode: true})
	began := w.now.Add(-time.Hour)
	w.began["R1"] = began
	for _, tc := range []struct {
		after   time.Duration
		dwell   time.Duration
		code    string
		outside bool
	}{
		{0, 0, "R1", false}, {45 * time.Minute, 0, "R1", false}, {45*time.Minute + time.Millisecond, 0, "R1", true}, {-time.Millisecond, 0, "R1", true},
		{41 * time.Minute, 40 * time.Minute, "R1", true}, {39 * time.Minute, 40 * time.Minute, " R1 ", false}, {0, 0, "other", false}, {0, 0, "", false},
	} {
		k := w.kiosks[7]
		k.Dwell = tc.dwell
		w.kiosks[7] = k
		id, form := w.form(t, began.Add(tc.after), map[string]any{"score": 10})
		require.True(t, form.Has("_x"))
		form.Set("_x", tc.code)
		_, done, _ := w.deliver(t, w.now, map[string]string{id: form.Encode()})
		require.Len(t, done, 1)
		a := w.kept["7 "+id]
		assert.Equal(t, tc.outside, a.Outside, "%v", tc)
		assert.Equal(t, strings.TrimSpace(tc.code), a.Code)
		assert.Equal(t, strings.TrimSpace(tc.code) == "R1", a.Began.Equal(began))
	}
}

// The time of an answer is never later than its arrival, whatever the clock of the device does.
func TestKioskClocks(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey)})
	for _, tc := range []struct {
		at, now int64 // of the device
		ago     time.Duration
	}{
		{1000, 61000, time.Minute}, {61000, 1000, 0}, {0, 5, 0}, {-5, 5, 0}, {5, 0, 0}, {1 << 52, 1<<52 + 1000, time.Second},
		{1, 1 << 62, 0}, {1000, w.now.UnixMilli(), 0}, {1, 1 + 366*24*3600_000, 366 * 24 * time.Hour}, {1, 2 + 366*24*3600_000, 0},
	} {
		id, form := w.form(t, w.now, map[string]any{"score": 10})
		form.Set("_at", fmt.Sprint(tc.at))
		w.deliver(t, time.UnixMilli(tc.now), map[string]string{id: form.Encode()})
		assert.Equal(t, w.now.Add(-tc.ago), w.kept["7 "+id].At, "%+v", tc)
	}
}

// Of one kiosk so many answers are taken within a minute, however they come; what is beyond stays on the
// device and is taken afterwards. Another kiosk has its own minute.
func TestKioskPerMinute(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey)})
	send := func(n int) int {
		forms := map[string]string{}
		for range n {
			id := newUUID()
			forms[id] = "_id=" + id
		}
		code, _, _ := w.deliver(t, w.now, forms)
		return code
	}
	for range 14 {
		require.Equal(t, 200, send(200))
	}
	id, form := w.form(t, w.now, map[string]any{"score": 10})
	for range 199 {
		require.Equal(t, 303, w.do("POST", "/ask", "application/x-www-form-urlencoded", form.Encode()).Code)
	}
	require.Equal(t, 200, send(2), "which begins within it")
	before := len(w.kept)
	for _, path := range []string{"/answers", "/ask"} {
		rec := w.do("POST", path, "application/x-www-form-urlencoded", form.Encode())
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Equal(t, "60", rec.Header().Get("Retry-After"))
		require.Contains(t, rec.Body.String(), "Wait a minute")
	}
	require.Len(t, w.kept, before)
	require.Contains(t, w.kept, "7 "+id)
	require.Equal(t, 200, w.do("GET", "/ask", "", "").Code)
	w.now = w.now.Add(time.Minute)
	require.Equal(t, 200, send(1))
}

// A device that was withdrawn keeps what it has: nothing is taken and nothing is said to be.
func TestKioskRevoked(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey)})
	id, form := w.form(t, w.now, map[string]any{"score": 10})
	w.revoked[7] = true
	code, _, _ := w.deliver(t, w.now, map[string]string{id: form.Encode()})
	assert.Equal(t, http.StatusGone, code)
	assert.Equal(t, http.StatusGone, w.do("GET", "/ask", "", "").Code)
	assert.Empty(t, w.kept)
	w.revoked[7] = false
	code, done, _ := w.deliver(t, w.now, map[string]string{id: form.Encode()})
	assert.Equal(t, http.StatusOK, code)
	assert.Len(t, done, 1)

	w.fail = errors.New("disk")
	code, _, _ = w.deliver(t, w.now, map[string]string{id: form.Encode()})
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Equal(t, http.StatusServiceUnavailable, w.do("POST", "/ask", "application/x-www-form-urlencoded", form.Encode()).Code)
	w.fail = nil
	delete(w.kiosks, 7)
	code, _, _ = w.deliver(t, w.now, map[string]string{id: form.Encode()})
	assert.Equal(t, http.StatusNotFound, code)
	w.token = "0" + w.token[1:]
	assert.Equal(t, http.StatusNotFound, w.do("GET", "/", "", "").Code)
}

// The pages load nothing from elsewhere, run only the script that is named by its hash, and it has
// less than 1 KB; a respondent's page has none.
func TestKioskPages(t *testing.T) {
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey), Place: "Moda"})
	for _, path := range []string{"/", "/ask?lang=tr", "/ask?lang=en", "/ask?lang=ar", "/thanks?lang=tr"} {
		rec := w.do("GET", path, "", "")
		body := rec.Body.String()
		require.Equal(t, 200, rec.Code, path)
		csp := rec.Header().Get("Content-Security-Policy")
		assert.Contains(t, csp, "default-src 'none'")
		assert.Contains(t, csp, "script-src 'sha256-")
		assert.Contains(t, csp, "worker-src 'self'")
		assert.NotContains(t, csp, "unsafe")
		_, script, _ := strings.Cut(body, "<script>")
		script, _, ok := strings.Cut(script, "</script>")
		require.True(t, ok)
		assert.Less(t, len(script), 1024)
		assert.NotContains(t, strings.ReplaceAll(body, script, ""), "<script src")
		assert.NotContains(t, body, "http://")
		assert.Equal(t, 1, strings.Count(body, "<h1>"))
		assert.NotContains(t, body, `autocomplete="on"`)
	}
	start := w.do("GET", "/", "", "").Body.String()
	assert.Contains(t, start, `<a href="ask?lang=tr" lang="tr">Deneyiminizi anlatın</a>`)
	assert.Contains(t, start, `<a href="ask?lang=ar" lang="ar" dir="rtl">`)
	sw := w.do("GET", "/sw.js", "", "")
	assert.Equal(t, "text/javascript; charset=utf-8", sw.Header().Get("Content-Type"))
	assert.Contains(t, sw.Body.String(), `"pages":["./","ask?lang=tr","thanks?lang=tr","ask?lang=ar","thanks?lang=ar"]`)
	var manifest map[string]string
	require.NoError(t, json.Unmarshal(w.do("GET", "/app.webmanifest", "", "").Body.Bytes(), &manifest))
	assert.Equal(t, "fullscreen", manifest["display"])
	assert.Equal(t, http.StatusSeeOther, w.do("GET", "", "", "").Code)
	assert.Equal(t, http.StatusNotFound, w.do("GET", "/x", "", "").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, w.do("GET", "/answers", "", "").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, w.do("POST", "/thanks", "application/json", "{}").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, w.do("PUT", "/ask", "", "").Code)
	assert.Equal(t, http.StatusBadRequest, w.do("POST", "/answers", "application/json", "{").Code)
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.do("POST", "/answers", "application/json", strings.Repeat("x", 4<<20+1)).Code)
}

// What a kiosk cannot ask without its server is found when it is configured.
func TestKioskFindings(t *testing.T) {
	for element, want := range map[string]string{
		`{"type": "ranking", "name": "a", "choices": [1, 2]}`:                                                            `type "ranking"`,
		`{"type": "file", "name": "a"}`:                                                                                  `type "file"`,
		`{"type": "text", "name": "a", "inputType": "range"}`:                                                            `"range"`,
		`{"type": "text", "name": "a", "validators": [{"type": "text", "minLength": 3}]}`:                                "validators",
		`{"type": "text", "name": "a", "enableIf": "{q} = 1"}`:                                                           "enableIf",
		`{"type": "text", "name": "a", "requiredIf": "{q} = 1"}`:                                                         "requiredIf",
		`{"type": "text", "name": "a", "title": {"tr": "{q} mi?"}}`:                                                      "shows the answer {q}",
		`{"type": "html", "name": "a", "html": "{Q}"}`:                                                                   "shows the answer {Q}",
		`{"type": "checkbox", "name": "a", "isRequired": true, "choices": [1, 2]}`:                                       "radio buttons",
		`{"type": "radiogroup", "name": "a", "choices": [1, {"value": 2, "visibleIf": "{q} = 1"}]}`:                      "visibleIf of a choice",
		`{"type": "radiogroup", "name": "a", "choicesOrder": "random", "choices": [1, 2]}`:                               "random",
		`{"type": "radiogroup", "name": "a", "showOtherItem": true, "choices": [1, 2]}`:                                  "showOtherItem",
		`{"type": "text", "name": "a", "visibleIf": "{q} = 1 and {p} = 2"}`:                                              "one question",
		`{"type": "text", "name": "a", "visibleIf": "{t} = 1"}`:                                                          "single choice",
		`{"type": "text", "name": "a", "visibleIf": "{m} contains 1"}`:                                                   "single choice",
		`{"type": "text", "name": "a", "visibleIf": "{later} = 1"}`:                                                      "before it",
		`{"type": "text", "name": "a", "visibleIf": "{q} = 1 and {place} = 'x'"}`:                                        "not both",
		`{"type": "text", "name": "a", "visibleIf": "today() > {q}"}`:                                                    "today()",
		`{"type": "text", "name": "a", "visibleIf": "{q-Comment} notempty"}`:                                             "single choice",
		`{"type": "panel", "name": "a", "isRequired": true, "elements": [{"type": "text", "name": "b"}]}`:                "of a panel",
		`{"type": "paneldynamic", "name": "a", "templateElements": [{"type": "text", "name": "b"}]}`:                     `type "paneldynamic"`,
		`{"type": "text", "name": "a", "visibleIf": "{q} = 1 and {q} <> 2"}`:                                             "",
		`{"type": "text", "name": "a", "visibleIf": "{place} = 'x'"}`:                                                    "",
		`{"type": "text", "name": "a", "title": "{place} and {nobody}"}`:                                                 "",
		`{"type": "dropdown", "name": "a", "choices": [{"value": "x", "text": "X"}], "visibleIf": "!({q} anyof [1,2])"}`: "",
	} {
		src := `{"elements": [{"type": "rating", "name": "q"}, {"type": "rating", "name": "p"}, {"type": "text", "name": "t"}, {"type": "checkbox", "name": "m", "choices": [1, 2]}, ` + element +
			`, {"type": "boolean", "name": "later"}]}`
		d, err := survey.Parse([]byte(src), survey.Limits{})
		require.NoError(t, err, element)
		got := web.KioskFindings(d)
		if want == "" {
			assert.Empty(t, got, element)
			continue
		}
		if assert.NotEmpty(t, got, element) {
			assert.Contains(t, got[0].Detail, want, element)
			assert.NotEmpty(t, got[0].Path)
		}
		w := newKiosk(t, web.Kiosk{Definition: d})
		assert.Equal(t, http.StatusServiceUnavailable, w.do("GET", "/ask", "", "").Code)
	}
	for _, top := range []string{`"triggers": [{"type": "complete", "expression": "{q} = 1"}]`, `"calculatedValues": [{"name": "c", "expression": "1"}]`,
		`"completedHtml": "{q}"`, `"completedHtmlOnCondition": [{"expression": "{q} = 1", "html": "x"}]`, `"navigateToUrl": "https://a.example/"`, `"questionOrder": "random"`} {
		assert.NotEmpty(t, web.KioskFindings(definition(t, `{`+top+`, "elements": [{"type": "rating", "name": "q"}]}`)), top)
	}
	for _, d := range []*survey.Definition{survey.Recommendation(), survey.Satisfaction()} {
		assert.Empty(t, web.KioskFindings(d))
	}
}
