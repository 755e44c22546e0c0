package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
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

func TestAnswerOverHTTP(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link(), map[string]any{
		"satisfaction": 5, "comment": "Çok iyi,\n\"ışıl ışıl\" <b>&amp;",
	})
	require.NoError(t, err)
	assert.True(t, out.Thanked(), out.URL)
	assert.Contains(t, string(out.Page), "Teşekkür ederiz")
	r := w.answers[7]
	assert.Equal(t, map[string]any{"satisfaction": 5.0, "comment": "Çok iyi,\n\"ışıl ışıl\" <b>&amp;"}, r.Answers)
	assert.Equal(t, "tr", r.Language)
	assert.Equal(t, "satisfaction", r.Survey)
	assert.NotEmpty(t, r.Key)
}

func TestGetNeverMutates(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	for _, p := range []string{"", "/thanks", "/not-me", "/heard", "?lang=en", "/", "/x"} {
		for _, m := range []string{"GET", "HEAD"} {
			w.do(m, "/s/"+w.token+p, nil)
		}
	}
	assert.Zero(t, w.submits)
	assert.Empty(t, w.notMe)
	assert.Equal(t, web.State(""), w.inv[7].State)
	assert.Empty(t, w.do("HEAD", "/s/"+w.token, nil).Body.String())
}

func TestForgedTokenReadsNoStore(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	want := w.get("/s/0000000000000000000000")
	assert.Equal(t, http.StatusNotFound, want.Code)
	forged := w.token[:len(w.token)-1] + "A" // of a key that is in use
	if forged == w.token {
		forged = w.token[:len(w.token)-1] + "B"
	}
	for _, path := range []string{"/s/" + forged, "/s/", "/s/x", "/s/" + w.token + "x", "/s/" + forged + "/thanks", "/s/" + forged + "/not-me"} {
		for _, m := range []string{"GET", "POST"} {
			got := w.do(m, path, bytes.NewBufferString("q.satisfaction=1"))
			if got.Code == http.StatusMethodNotAllowed {
				continue
			}
			assert.Equal(t, http.StatusNotFound, got.Code, path)
			assert.Equal(t, want.Body.String(), got.Body.String(), "no detail in %s", path)
		}
	}
	assert.Zero(t, w.reads)
	assert.Zero(t, w.submits)
	assert.Empty(t, w.notMe)
	// A well-made token of an invitation that is gone looks the same.
	delete(w.inv, 7)
	assert.Equal(t, want.Body.String(), w.get("/s/"+w.token).Body.String())
}

func TestSecondAnswerIsPoliteAndStoresNothing(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	ctx, c := t.Context(), w.srv.Client()
	page := w.get("/s/" + w.token).Body.Bytes()
	first, err := webtest.Fill(page, map[string]any{"satisfaction": 1, "comment": "kırık"})
	require.NoError(t, err)

	rec := w.post("/s/"+w.token, first.Encode())
	assert.Equal(t, http.StatusSeeOther, rec.Code)
	assert.Equal(t, w.token+"/thanks", rec.Header().Get("Location"))

	// The same page sent twice is one answer.
	rec = w.post("/s/"+w.token, first.Encode())
	assert.Equal(t, http.StatusSeeOther, rec.Code)

	// Another page, loaded before, is a second answer.
	first.Set("_key", "another")
	first.Set("q.satisfaction", "5")
	rec = w.post("/s/"+w.token, first.Encode())
	assert.Equal(t, http.StatusConflict, rec.Code)
	assert.Contains(t, rec.Body.String(), "yanıtınız bizde")
	assert.Equal(t, 1, w.submits)
	assert.Equal(t, 1.0, w.answers[7].Answers["satisfaction"])

	out, err := webtest.Answer(ctx, c, w.link(), map[string]any{"satisfaction": 5})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, out.Status)
	assert.Contains(t, string(out.Page), "yanıtınız bizde")
	assert.False(t, out.Thanked())
}

// Many people press the button at once: one answer is stored, each is told.
func TestConcurrentAnswers(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	var wg sync.WaitGroup
	codes := make([]int, 16)
	for i := range codes {
		wg.Go(func() {
			v := url.Values{"_key": {string(rune('a' + i))}, "_on.satisfaction": {"1"}, "_on.comment": {"1"}, "q.satisfaction": {"3"}}
			codes[i] = w.post("/s/"+w.token, v.Encode()).Code
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	assert.Equal(t, map[int]int{http.StatusSeeOther: 1, http.StatusConflict: 15}, count)
	assert.Len(t, w.answers, 1)
}

func TestExpired(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	w.inv[7].ExpiresAt = noon // the end is not inside
	for _, m := range []string{"GET", "POST"} {
		rec := w.do(m, "/s/"+w.token, bytes.NewBufferString("_on.satisfaction=1&q.satisfaction=5"))
		assert.Equal(t, http.StatusGone, rec.Code, m)
		assert.Contains(t, rec.Body.String(), "sona erdi")
	}
	w.inv[7].ExpiresAt = noon.AddDate(1, 0, 0)
	w.inv[7].State = web.Expired
	assert.Equal(t, http.StatusGone, w.get("/s/"+w.token).Code)
	w.inv[7].State = web.Answered
	w.inv[7].ExpiresAt = noon.AddDate(-1, 0, 0)
	assert.Equal(t, http.StatusOK, w.get("/s/"+w.token).Code, "whoever answered is thanked for ever")
	assert.Zero(t, w.submits)
}

func TestNotMe(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	out, err := webtest.NotMe(t.Context(), w.srv.Client(), w.link())
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, out.Status)
	assert.True(t, strings.HasSuffix(out.URL, "/heard"), out.URL)
	assert.Equal(t, 1, w.notMe[7])
	assert.NotContains(t, string(out.Page), "<form", "no data is asked")

	rec := w.post("/s/"+w.token, "_on.satisfaction=1&q.satisfaction=5")
	assert.Equal(t, http.StatusConflict, rec.Code)
	assert.Zero(t, w.submits, "whoever said so is not asked")
	assert.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token+"/not-me", "").Code, "again is fine")

	for _, state := range []web.State{web.Open, web.Answered, web.Expired} {
		w.inv[7].State = state
		body := w.get("/s/" + w.token).Body.String()
		assert.Contains(t, body, `action="`+w.token+`/not-me"`, state)
	}
}

func TestNotMeIsOfferedOnlyWhenHeard(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	codec := tokens{w.token: 7}
	h, err := web.New(web.Config{Store: w.record, Tokens: codec.Parse})
	require.NoError(t, err)
	w.h = h
	w.inv[7].ExpiresAt = w.inv[7].ExpiresAt.AddDate(1000, 0, 0)
	assert.NotContains(t, w.get("/s/"+w.token).Body.String(), "not-me")
	assert.Equal(t, http.StatusNotFound, w.post("/s/"+w.token+"/not-me", "").Code)
}

type tokens map[string]uint64

func (m tokens) Parse(s string) (uint64, error) {
	if id, ok := m[s]; ok {
		return id, nil
	}
	return 0, errors.New("unknown")
}

func TestFaultsAreShownAndNothingIsLost(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	long := strings.Repeat("ş", 2001)
	rec := w.post("/s/"+w.token, url.Values{
		"_key": {"k"}, "_on.satisfaction": {"1"}, "_on.comment": {"1"}, "q.comment": {long},
	}.Encode())
	assert.Equal(t, http.StatusUnprocessableEntity, rec.Code)
	body := rec.Body.String()
	assert.Contains(t, body, "<title>Hata: ")
	assert.Contains(t, body, `role="alert"`)
	assert.Contains(t, body, `href="#q0-0"`)
	assert.Contains(t, body, "Lütfen bu soruyu yanıtlayın.")
	assert.Contains(t, body, "2000 karakter")
	assert.Contains(t, body, long, "what was typed stays")
	assert.Contains(t, body, `name="_key" value="k"`, "it is still the same answer")
	assert.Zero(t, w.submits)

	rec = w.post("/s/"+w.token, "_on.satisfaction=1&q.satisfaction=6")
	assert.Equal(t, http.StatusUnprocessableEntity, rec.Code)
	assert.Contains(t, rec.Body.String(), "seçeneklerden birini")
}

// An empty form, or one that claims to have been asked nothing, asks.
func TestNothingAskedIsNotAnAnswer(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	for _, form := range []string{"", "_was.nothing=1", "_on.x=1", "q.satisfaction=5&q.nobody=1"} {
		rec := w.post("/s/"+w.token, form)
		assert.Equal(t, http.StatusOK, rec.Code, form)
		assert.Contains(t, rec.Body.String(), "q.satisfaction")
	}
	assert.Zero(t, w.submits)
}

const branching = `{
 "x-retail": {"name": "branch"}, "title": "Anket",
 "pages": [
  {"elements": [
   {"type": "rating", "name": "nps", "isRequired": true, "rateMin": 0, "rateMax": 10, "title": "{place}?", "x-retail": {"metric": "nps"}},
   {"type": "comment", "name": "why", "visibleIf": "{nps} notempty and {nps} <= 6", "title": "Neden {nps}?", "isRequired": true}]},
  {"title": "Geri arama", "visibleIf": "{nps} <= 6", "elements": [
   {"type": "boolean", "name": "callback", "title": "Sizi arayalım mı?", "isRequired": true},
   {"type": "text", "inputType": "tel", "name": "phone", "visibleIf": "{callback} = true", "requiredIf": "{callback} = true", "title": "Telefon"}]},
  {"elements": [{"type": "radiogroup", "name": "how", "title": "Nasıl?", "choices": ["a", {"value": 2, "text": "iki"}]}]}],
 "completedHtml": "<h3>Sağ olun,</h3> {place}"}`

func TestBranches(t *testing.T) {
	def, err := survey.Parse([]byte(branching), survey.Limits{})
	require.NoError(t, err)
	require.NoError(t, def.Err())
	for _, tc := range []struct {
		name  string
		in    map[string]any
		want  map[string]any
		pages int
	}{
		{"promoter", map[string]any{"nps": 10, "why": "never asked", "how": 2}, map[string]any{"nps": 10.0, "how": 2.0}, 2},
		{"detractor without call", map[string]any{"nps": 2, "why": "x", "callback": false}, map[string]any{"nps": 2.0, "why": "x", "callback": false}, 4},
		{"detractor with call", map[string]any{"nps": 0, "why": "x", "callback": true, "phone": "0532"}, map[string]any{"nps": 0.0, "why": "x", "callback": true, "phone": "0532"}, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, def)
			out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link(), tc.in)
			require.NoError(t, err)
			require.True(t, out.Thanked(), string(out.Page))
			assert.Contains(t, string(out.Page), "<h3>Sağ olun,</h3> Nişantaşı")
			assert.Equal(t, tc.want, w.answers[7].Answers)
			assert.Equal(t, tc.pages, out.Pages)
			assert.Equal(t, 1, w.submits)
		})
	}
}

// Who changes what was carried from an earlier page is checked at the end.
func TestCarriedAnswersAreChecked(t *testing.T) {
	def, err := survey.Parse([]byte(branching), survey.Limits{})
	require.NoError(t, err)
	w := newWorld(t, def)
	rec := w.post("/s/"+w.token, url.Values{"_was.nps": {"1"}, "_on.how": {"1"}, "q.nps": {"11"}, "q.how": {"a"}}.Encode())
	assert.Equal(t, http.StatusUnprocessableEntity, rec.Code)
	rec = w.post("/s/"+w.token, url.Values{"_was.nps": {"1"}, "_on.how": {"1"}, "q.nps": {"3"}, "q.how": {"a"}}.Encode())
	assert.Equal(t, http.StatusOK, rec.Code)
	assert.Contains(t, rec.Body.String(), "Neden 3?", "what became visible is asked")
	assert.Zero(t, w.submits)
}

func TestHostileRequests(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	path := "/s/" + w.token
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.post(path, "q.comment="+strings.Repeat("x", 70<<10)).Code)
	assert.Equal(t, http.StatusBadRequest, w.post(path, "q.comment=%zz").Code)
	assert.Equal(t, http.StatusUnsupportedMediaType, w.do("POST", path, bytes.NewBufferString("x"), "Content-Type", "multipart/form-data; boundary=x").Code)
	assert.Equal(t, http.StatusForbidden, w.do("POST", path, bytes.NewBufferString("_on.satisfaction=1&q.satisfaction=1"), "Sec-Fetch-Site", "cross-site").Code)
	assert.Equal(t, http.StatusForbidden, w.do("POST", path+"/not-me", bytes.NewBufferString(""), "Origin", "https://evil.example").Code)
	assert.Equal(t, http.StatusBadRequest, w.post(path, "_on.satisfaction=1&_on.comment=1&q.satisfaction=1&_key="+strings.Repeat("k", 65)).Code)
	rec := w.do("DELETE", path, nil)
	assert.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	assert.Equal(t, "GET, HEAD, POST", rec.Header().Get("Allow"))
	assert.Equal(t, http.StatusNotFound, w.get(path+"/x").Code)
	slash := w.get(path + "/")
	assert.Equal(t, http.StatusOK, slash.Code, "some messengers append a slash")
	assert.Contains(t, slash.Body.String(), `action="../`+w.token+`/not-me"`)
	assert.Zero(t, w.submits)
	assert.Empty(t, w.notMe)

	rec = w.post(path, url.Values{"_key": {`"><script>`}, "_on.satisfaction": {"1"}, "q.comment": {`</textarea><script>alert(1)</script>`}}.Encode())
	assert.NotContains(t, rec.Body.String(), "<script")
}

func TestStoreFailure(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	w.fail = errors.New("the database went away: secret")
	rec := w.get("/s/" + w.token)
	assert.Equal(t, http.StatusServiceUnavailable, rec.Code)
	assert.Equal(t, "60", rec.Header().Get("Retry-After"))
	assert.NotContains(t, rec.Body.String(), "secret")
	w.fail = nil
	w.inv[7].Definition = nil
	assert.Equal(t, http.StatusServiceUnavailable, w.get("/s/"+w.token).Code)
	w.inv[7].State = web.Answered
	assert.Equal(t, http.StatusOK, w.get("/s/"+w.token+"/thanks").Code)
}

func TestLanguages(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	assert.Contains(t, w.get("/s/"+w.token).Body.String(), `<html lang="tr">`)
	body := w.get("/s/" + w.token + "?lang=en").Body.String()
	assert.Contains(t, body, `<html lang="en">`)
	assert.Contains(t, body, "Is there anything else you want to tell us?")
	assert.Contains(t, w.get("/s/"+w.token+"?lang=%3Cscript").Body.String(), `<html lang="tr">`)
	w.inv[7].Language = ""
	rec := w.do("GET", "/s/"+w.token, nil, "Accept-Language", "de-DE,de;q=0.9,tr;q=0.5")
	assert.Contains(t, rec.Body.String(), `<html lang="tr">`)
	assert.Contains(t, w.get("/s/"+w.token).Body.String(), `<html lang="tr">`, "the definition's own")
	assert.Contains(t, w.do("GET", "/s/"+w.token, nil, "Accept-Language", "en").Body.String(), `<html lang="en">`)
	one, err := survey.Parse([]byte(`{"locale":"tr","elements":[{"type":"comment","name":"a","title":"Nasıldı?"}]}`), survey.Limits{})
	require.NoError(t, err)
	w = newWorld(t, one)
	w.inv[7].Language = ""
	for _, accept := range []string{"", "de", "en"} {
		assert.Contains(t, w.do("GET", "/s/"+w.token, nil, "Accept-Language", accept).Body.String(), `<html lang="tr">`, accept)
	}
	plain, err := survey.Parse([]byte(`{"elements":[{"type":"comment","name":"a","title":"How?"}]}`), survey.Limits{})
	require.NoError(t, err)
	w = newWorld(t, plain)
	w.inv[7].Language = ""
	assert.Contains(t, w.get("/s/"+w.token).Body.String(), `<html lang="en">`)
}

func TestPolicy(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	for _, path := range []string{"/s/" + w.token, "/s/" + w.token + "/heard", "/s/nothing"} {
		rec := w.get(path)
		body := rec.Body.String()
		csp := rec.Header().Get("Content-Security-Policy")
		style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)
		require.Len(t, style, 2)
		sum := sha256.Sum256([]byte(style[1]))
		assert.Contains(t, csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		assert.Contains(t, csp, "default-src 'none'")
		assert.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		assert.Empty(t, rec.Header().Values("Set-Cookie"))
		assert.NotContains(t, body, "<script")
		assert.NotContains(t, body, "http:")
		assert.NotContains(t, body, "https:")
		assert.NotContains(t, body, "style=")
	}
}

// Every field has a label, every reference a target, every id one owner.
func TestPageIsAccessible(t *testing.T) {
	for name, def := range map[string]*survey.Definition{"csat": survey.Satisfaction(), "nps": survey.Recommendation()} {
		w := newWorld(t, def)
		for _, rec := range []string{
			w.get("/s/" + w.token).Body.String(),
			w.post("/s/"+w.token, "_on.satisfaction=1&_on.nps=1&_on.comment=1").Body.String(),
		} {
			ids := map[string]int{}
			for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(rec, -1) {
				ids[m[1]]++
			}
			for id, n := range ids {
				assert.Equal(t, 1, n, "%s: id %s", name, id)
			}
			for _, m := range regexp.MustCompile(` (?:for|aria-describedby|href)="#?([^"]*)"`).FindAllStringSubmatch(rec, -1) {
				for ref := range strings.FieldsSeq(m[1]) {
					assert.Contains(t, ids, ref, name)
				}
			}
			assert.Equal(t, strings.Count(rec, `type="radio"`), strings.Count(rec, `<label><input type="radio"`))
			assert.Equal(t, strings.Count(rec, "<textarea"), strings.Count(rec, "<label class="))
			assert.Contains(t, rec, "<legend>")
			assert.Contains(t, rec, "<main>")
			assert.Equal(t, 1, strings.Count(rec, "<h1>"))
			assert.Contains(t, rec, "(zorunlu)")
		}
	}
}

// The first page fits one TCP segment when compressed (reference G1).
func TestPageWeight(t *testing.T) {
	for name, def := range map[string]*survey.Definition{"csat": survey.Satisfaction(), "nps": survey.Recommendation()} {
		w := newWorld(t, def)
		page := w.get("/s/" + w.token).Body.Bytes()
		var buf bytes.Buffer
		z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
		_, err := z.Write(page)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		t.Logf("%s: %d bytes, %d compressed", name, len(page), buf.Len())
		assert.LessOrEqual(t, buf.Len(), 1460, name)
	}
}

func TestConfig(t *testing.T) {
	_, err := web.New(web.Config{})
	require.ErrorContains(t, err, "Store and Tokens are needed")
}

func TestCancelledRequest(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := webtest.Answer(ctx, w.srv.Client(), w.link(), nil)
	require.ErrorIs(t, err, context.Canceled)
}

// Case H3: a token whose key was dropped has expired: its page says so, without
// a look at the store.
func TestTokenOfADroppedKeyHasExpired(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	h, err := web.New(web.Config{Store: hearing{w.record}, Tokens: dropped{}.Parse, Now: func() time.Time { return noon }})
	require.NoError(t, err)
	w.h = h
	for path, want := range map[string]int{"": http.StatusGone, "/thanks": http.StatusGone, "/heard": http.StatusGone} {
		rec := w.get("/s/" + w.token + path)
		assert.Equal(t, want, rec.Code, path)
		assert.NotContains(t, rec.Body.String(), "not-me", "there is nothing to hear it of")
	}
	assert.Contains(t, w.do("GET", "/s/"+w.token, nil, "Accept-Language", "tr").Body.String(), "sona erdi")
	assert.Equal(t, http.StatusGone, w.post("/s/"+w.token, "_on.satisfaction=1&q.satisfaction=5").Code)
	assert.Equal(t, http.StatusGone, w.post("/s/"+w.token+"/not-me", "").Code)
	assert.Zero(t, w.reads)
	assert.Zero(t, w.submits)
}

type dropped struct{}

func (dropped) Parse(string) (uint64, error) {
	return 0, fmt.Errorf("of last year: %w", invite.ErrUnknownKey)
}

// Case H8: "not me" has an end. After it the pages do not offer the button, and
// who presses one of an old page is told what to do instead.
func TestNotMeEnds(t *testing.T) {
	w := newWorld(t, survey.Satisfaction())
	w.inv[7].NotMeUntil = noon.Add(time.Microsecond)
	assert.Contains(t, w.get("/s/"+w.token).Body.String(), "/not-me")
	w.inv[7].NotMeUntil = noon // the end is not inside
	for _, state := range []web.State{web.Open, web.Answered, web.Expired} {
		w.inv[7].State = state
		assert.NotContains(t, w.get("/s/"+w.token).Body.String(), "/not-me", state)
		rec := w.post("/s/"+w.token+"/not-me", "")
		assert.Equal(t, http.StatusGone, rec.Code, state)
		assert.Contains(t, rec.Body.String(), "lütfen böyle bir mesajı yanıtlayın", state)
		assert.NotContains(t, rec.Body.String(), "<form", state)
	}
	assert.Zero(t, w.notMe[7])
	w.inv[7].State = web.NotMe // heard in time
	assert.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token+"/not-me", "").Code)
	assert.Zero(t, w.notMe[7], "and not again")

	// The store's own word counts, whatever the page thought.
	w.inv[7].State, w.inv[7].NotMeUntil = web.Open, time.Time{}
	w.h = must(web.New(web.Config{Store: ended{w.record}, Tokens: tokens{w.token: 7}.Parse, Now: func() time.Time { return noon }}))
	assert.Equal(t, http.StatusGone, w.post("/s/"+w.token+"/not-me", "").Code)
}

type ended struct{ *record }

func (ended) NotMe(context.Context, uint64, time.Time) error {
	return fmt.Errorf("too late: %w", web.ErrEnded)
}

func must(h *web.Handler, err error) *web.Handler {
	if err != nil {
		panic(err)
	}
	return h
}
