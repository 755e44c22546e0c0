package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

// Of one link so many forms are taken within a minute, of all senders together, and pages are always
// shown; another link has its own minute.
func TestFormsPerMinute(t *testing.T) {
	var now atomic.Int64
	now.Store(noon.UnixNano())
	var other string
	w := newWorld(t, survey.Satisfaction(), func(c *web.Config) {
		c.Now, c.PerMinute = func() time.Time { return time.Unix(0, now.Load()) }, 20
		codec, err := invite.New("survey", []byte("32 bytes from crypto/rand in earnest"))
		require.NoError(t, err)
		other, err = codec.Mint(8)
		require.NoError(t, err)
	})
	w.inv[8] = &web.Invitation{Definition: survey.Satisfaction()}
	send := func(token string, header ...string) *httptest.ResponseRecorder {
		return w.do("POST", "/s/"+token, nil, header...)
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if rec := send(w.token); rec.Code != http.StatusTooManyRequests {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 20, taken.Load())
	reads := w.reads
	for lang, want := range map[string]string{"tr": "Çok sık gönderildi", "ar,en": "أُرسل هذا مرات كثيرة", "de": "very often"} {
		rec := send(w.token, "Accept-Language", lang)
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Contains(t, rec.Body.String(), want)
		require.Equal(t, "60", rec.Header().Get("Retry-After"))
	}
	require.Equal(t, reads, w.reads, "without a look at the store")
	require.Equal(t, 200, w.get("/s/"+w.token).Code)
	require.NotEqual(t, http.StatusTooManyRequests, send(other).Code)
	now.Add(int64(59*time.Second + 1))
	require.Equal(t, "1", send(w.token).Header().Get("Retry-After"))
	now.Add(int64(time.Second))
	require.NotEqual(t, http.StatusTooManyRequests, send(w.token).Code)
	for range 30 {
		send(w.token)
	}
	now.Store(noon.Add(-time.Hour).UnixNano()) // the clock is set back
	require.NotEqual(t, http.StatusTooManyRequests, send(w.token).Code)
}

// Of one poster so many visitors are sent on within a minute.
func TestPostersPerMinute(t *testing.T) {
	codec, err := invite.New("poster", []byte("0f1e2d3c4b5a69788796a5b4c3d2e1f0zyxwvut"))
	require.NoError(t, err)
	now := noon
	p := &web.Posters{Path: "/q/", Mint: codec.Mint, Now: func() time.Time { return now },
		Find: func(code string) (uint32, error) { return uint32(len(code)), nil }}
	open := func(code, lang string) *httptest.ResponseRecorder {
		rec, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/q/"+code, nil)
		r.Header.Set("Accept-Language", lang)
		p.ServeHTTP(rec, r)
		return rec
	}
	for range 600 {
		require.Equal(t, http.StatusSeeOther, open("TILL", "tr").Code)
	}
	now = now.Add(45 * time.Second)
	rec := open("TILL", "tr")
	require.Equal(t, http.StatusTooManyRequests, rec.Code)
	require.Equal(t, "15", rec.Header().Get("Retry-After"))
	require.Contains(t, rec.Body.String(), "çok kişi var")
	require.Contains(t, rec.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, open("TILL", "ar").Body.String(), `dir="rtl"`)
	require.Equal(t, http.StatusSeeOther, open("DOOR2", "tr").Code, "another poster")
	now = now.Add(15 * time.Second)
	require.Equal(t, http.StatusSeeOther, open("TILL", "tr").Code)
	require.True(t, strings.HasPrefix(open("TILL", "tr").Header().Get("Location"), "/s/"))
}
