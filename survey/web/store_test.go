package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

// record is a Store in memory that counts what is asked of it.
type record struct {
	mu      sync.Mutex
	inv     map[uint64]*web.Invitation
	answers map[uint64]survey.Response
	notMe   map[uint64]int
	reads   int
	submits int
	fail    error
}

func (s *record) Invitation(_ context.Context, id uint64) (web.Invitation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.fail != nil {
		return web.Invitation{}, s.fail
	}
	inv, ok := s.inv[id]
	if !ok {
		return web.Invitation{}, web.ErrNotFound
	}
	return *inv, nil
}

func (s *record) Submit(_ context.Context, id uint64, r survey.Response, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.submits++
	if s.fail != nil {
		return false, s.fail
	}
	if s.inv[id].State != web.Open && s.inv[id].State != "" {
		return false, nil
	}
	s.inv[id].State, s.inv[id].Key = web.Answered, r.Key
	s.answers[id] = r
	return true, nil
}

type hearing struct{ *record }

func (s hearing) NotMe(_ context.Context, id uint64, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notMe[id]++
	s.inv[id].State = web.NotMe
	return nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is a handler over a store, with one open invitation, id 7.
type world struct {
	*record
	h     *web.Handler
	token string
	srv   *httptest.Server
}

func newWorld(t testing.TB, def *survey.Definition, change ...func(*web.Config)) *world {
	w := &world{record: &record{
		inv: map[uint64]*web.Invitation{7: {
			Definition: def, Language: "tr", Place: "Nişantaşı", ExpiresAt: noon.Add(time.Hour),
		}},
		answers: map[uint64]survey.Response{}, notMe: map[uint64]int{},
	}}
	codec, err := invite.New("survey", []byte("32 bytes from crypto/rand in earnest"))
	require.NoError(t, err)
	w.token, err = codec.Mint(7)
	require.NoError(t, err)
	cfg := web.Config{Store: hearing{w.record}, Tokens: codec.Parse, Now: func() time.Time { return noon }}
	for _, c := range change {
		c(&cfg)
	}
	w.h, err = web.New(cfg)
	require.NoError(t, err)
	w.srv = httptest.NewServer(w.h)
	t.Cleanup(w.srv.Close)
	return w
}

func (w *world) link() string { return w.srv.URL + "/s/" + w.token }

func (w *world) do(method, path string, body *bytes.Buffer, header ...string) *httptest.ResponseRecorder {
	var r *http.Request
	if body == nil {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r = httptest.NewRequest(method, path, body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

func (w *world) get(path string) *httptest.ResponseRecorder { return w.do("GET", path, nil) }

func (w *world) post(path, form string) *httptest.ResponseRecorder {
	return w.do("POST", path, bytes.NewBufferString(form))
}
