package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/web"
)

// faulty is a store that sometimes breaks the connection after it stored, and sometimes fails
// before.
type faulty struct {
	*kioskStore
	mu     sync.Mutex
	r      *rand.Rand
	drops  int
	failed int
}

func (s *faulty) Keep(ctx context.Context, id uint64, a web.KioskAnswer) (bool, error) {
	s.mu.Lock()
	drop, fail := s.r.IntN(40) == 0, s.r.IntN(60) == 0
	if drop {
		s.drops++
	} else if fail {
		s.failed++
	}
	s.mu.Unlock()
	if fail && !drop {
		return false, context.DeadlineExceeded
	}
	first, err := s.kioskStore.Keep(ctx, id, a)
	if drop {
		panic(http.ErrAbortHandler)
	}
	return first, err
}

// G7: what eight writers deliver of one queue, with connections that break after an answer was
// stored, a store that fails, servers that end in the middle and devices that end before they
// forget, is in the store once each, whatever came how often. 50,000 answers with VEFA_LONG.
func TestKioskExactlyOnce(t *testing.T) {
	count := 1500
	if os.Getenv("VEFA_LONG") != "" {
		count = 50_000
	}
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey)})
	store := &faulty{kioskStore: w.kioskStore, r: rand.New(rand.NewPCG(7, 1))}
	h, err := web.NewKiosk(web.KioskConfig{Store: store, Tokens: func(string) (uint64, error) { return 7, nil }, PerMinute: 1 << 20})
	require.NoError(t, err)

	// The queue of the device: what is on its disk.
	var mu sync.Mutex
	_, form := w.form(t, w.now, map[string]any{"score": 10})
	queue := make(map[string]string, count)
	for i := range count {
		form.Set("q.score", fmt.Sprint(i%11))
		form.Set("q.why", fmt.Sprint("answer ", i))
		queue[newUUID()] = form.Encode()
	}
	all := len(queue)

	var srv *httptest.Server
	var at sync.RWMutex // of srv
	restart := func() {
		at.Lock()
		defer at.Unlock()
		if srv != nil {
			srv.CloseClientConnections()
			srv.Close()
		}
		srv = httptest.NewUnstartedServer(h)
		srv.Config.ErrorLog = quiet()
		srv.Start()
	}
	restart()
	t.Cleanup(func() { srv.Close() })
	begun := time.Now()
	var writers sync.WaitGroup
	sent, ended, restarts := 0, 0, 0
	for n := range 8 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 2))
			for round := 0; ; round++ {
				if n == 0 && round%6 == 5 {
					restart()
					restarts++
				}
				batch := map[string]string{}
				mu.Lock()
				for id, f := range queue { // in no order
					if batch[id] = f; len(batch) == 25 {
						break
					}
				}
				sent += len(batch)
				mu.Unlock()
				if len(batch) == 0 {
					return
				}
				at.RLock()
				base := srv.URL
				at.RUnlock()
				done := deliverTo(base+"/k/x/answers", batch)
				if r.IntN(10) == 0 { // the device ends before it forgets
					mu.Lock()
					ended++
					mu.Unlock()
					continue
				}
				mu.Lock()
				for _, id := range done {
					delete(queue, id)
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	assert.Empty(t, queue)
	srv.Close()
	store.mu.Lock() // requests whose connection broke may still be served
	defer store.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Equal(t, all, len(w.kept))
	seen := map[string]bool{}
	for _, a := range w.kept {
		require.Empty(t, a.Refused)
		why, _ := a.Response.Answers["why"].(string)
		if why != "" {
			require.False(t, seen[why])
			seen[why] = true
		}
	}
	t.Logf("%d answers by 8 writers, sent %d times, %d connections broken, %d failures of the store, %d servers ended, %d devices ended: each once, %d duplicates absorbed, in %v",
		all, sent, store.drops, store.failed, restarts, ended, w.again, time.Since(begun).Round(time.Millisecond))
}

// deliverTo delivers a batch and returns what the server has; nothing where the connection broke.
func deliverTo(to string, batch map[string]string) []string {
	type entry struct {
		ID   string `json:"id"`
		Form string `json:"form"`
	}
	var in struct {
		Now     int64   `json:"now"`
		Answers []entry `json:"answers"`
	}
	in.Now = time.Now().UnixMilli()
	for id, f := range batch {
		in.Answers = append(in.Answers, entry{id, f})
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil
	}
	resp, err := http.Post(to, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var out struct{ Done []string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&out) != nil {
		return nil
	}
	return out.Done
}

// quiet is the log of a server whose connections are broken on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
