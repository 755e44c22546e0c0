package web_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/web"
)

// browser skips where there is no Chromium or a module of npm is missing; it returns the path of
// Chromium.
func browser(t *testing.T, modules ...string) string {
	t.Helper()
	dir := os.Getenv("VEFA_NODE_MODULES")
	chromium, err := exec.LookPath("chromium")
	for _, m := range modules {
		if _, statErr := os.Stat(filepath.Join(dir, m)); dir == "" || statErr != nil {
			err = statErr
		}
	}
	if err != nil || dir == "" {
		if os.Getenv("VEFA_REQUIRE_ALL") != "" {
			t.Fatal("no browser, or no modules: ", err)
		}
		t.Skip("no browser, or no modules: ", err)
	}
	return chromium
}

// dropping breaks the connection after each seventh answer that was stored.
type dropping struct {
	*kioskStore
	mu    sync.Mutex
	first int
	drops int
}

func (s *dropping) Keep(ctx context.Context, id uint64, a web.KioskAnswer) (bool, error) {
	first, err := s.kioskStore.Keep(ctx, id, a)
	if first && err == nil {
		s.mu.Lock()
		s.first++
		drop := s.first%7 == 0
		if drop {
			s.drops++
		}
		s.mu.Unlock()
		if drop {
			panic(http.ErrAbortHandler)
		}
	}
	return first, err
}

// unplugged is a server that can be off the net.
type unplugged struct {
	addr    string
	handler http.Handler
	mu      sync.Mutex
	srv     *http.Server
}

func (u *unplugged) on() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	l, err := net.Listen("tcp", u.addr)
	if err != nil {
		return err
	}
	if u.srv == nil { // later it is the same, and the test reads it meanwhile
		u.addr = l.Addr().String()
	}
	u.srv = &http.Server{Handler: u.handler, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(u.srv)
	return nil
}

func (u *unplugged) off() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.srv.Close()
}

// G7: a kiosk in Chromium shows and asks by its answers, resets when it is left alone, and delivers
// what it was answered offline exactly once, though the browser was killed and the server drops
// connections after it stored. VEFA_LONG gives 200 answers in place of 16.
func TestKioskInBrowser(t *testing.T) {
	chromium := browser(t, "playwright-core", "axe-core")
	count := 16
	if os.Getenv("VEFA_LONG") != "" {
		count = 200
	}
	w := newKiosk(t, web.Kiosk{Definition: definition(t, kioskSurvey), Place: "Moda"})
	store := &dropping{kioskStore: w.kioskStore}
	h, err := web.NewKiosk(web.KioskConfig{Store: store, Tokens: func(string) (uint64, error) { return 7, nil }, PerMinute: 1 << 20})
	require.NoError(t, err)
	u := &unplugged{addr: "127.0.0.1:0", handler: h}
	require.NoError(t, u.on())
	t.Cleanup(func() { _ = u.off() })
	control := &unplugged{addr: "127.0.0.1:0", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do := u.on
		if r.URL.Path == "/off" {
			do = u.off
		}
		if err := do(); err != nil {
			http.Error(w, err.Error(), 500)
		}
	})}
	require.NoError(t, control.on())
	t.Cleanup(func() { _ = control.off() })

	cmd := exec.CommandContext(t.Context(), "node", "testdata/kiosk.js", "http://"+u.addr+"/k/"+w.token+"/", "http://"+control.addr, t.TempDir(), strconv.Itoa(count))
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var got struct {
		Violations, Axe                                                []string
		Hidden, Shown, Required, HiddenAgain, Still, Reset, Controlled bool
		Calm, Warned, Stayed, Report                                   string
		Left, Halfway, Offline, End                                    int
		Seconds                                                        float64
	}
	require.NoError(t, json.Unmarshal(out, &got), string(out))
	assert.Empty(t, got.Violations)
	assert.Empty(t, got.Axe)
	assert.True(t, got.Hidden && got.Shown && got.Required && got.HiddenAgain, "%+v", got)
	assert.Empty(t, got.Calm)
	assert.Regexp(t, `kalan saniye: 1[456]`, got.Warned)
	assert.Empty(t, got.Stayed)
	assert.True(t, got.Still && got.Reset && got.Controlled, "%+v", got)
	assert.Zero(t, got.Left, "the answers of the person before")
	assert.Equal(t, (count+1)/2, got.Halfway)
	assert.Equal(t, count, got.Offline, "the queue after the browser was killed")
	assert.Zero(t, got.End, got.Report)
	assert.Len(t, w.kept, count, "each answer once")
	for _, a := range w.kept {
		assert.Empty(t, a.Refused)
	}
	assert.Equal(t, count/7, store.drops)
	assert.NotZero(t, w.again)
	t.Logf("%d answers offline in %.0f s, %d connections dropped, %d duplicates absorbed: %d kept", count, got.Seconds, store.drops, w.again, len(w.kept))
}
