package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

const shop = "https://shop.example.com/spring?c=1"

// site is a handler with everything around it.
type site struct {
	codec   *Codec
	handler *Handler
	log     *Log
	asked   atomic.Int64
	fail    atomic.Pointer[error]
	mu      sync.Mutex
	clicks  []Click
	now     atomic.Pointer[time.Time]
}

func newSite(t testing.TB, change func(*Config, *LogConfig)) *site {
	t.Helper()
	s := &site{codec: codec(t)}
	at := noon
	s.now.Store(&at)
	lc := LogConfig{Sink: func(_ context.Context, c []Click) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clicks = append(s.clicks, c...)
		return nil
	}}
	cfg := Config{Codec: s.codec, Now: func() time.Time { return *s.now.Load() },
		Resolver: func(_ context.Context, id uint64) (string, error) {
			s.asked.Add(1)
			if err := s.fail.Load(); err != nil {
				return "", *err
			}
			switch id {
			case 404:
				return "", ErrNotFound
			case 666:
				return "https://evil.example.org/", nil
			}
			return shop, nil
		}, Allow: Destinations{Hosts: []string{"shop.example.com"}}}
	if change != nil {
		change(&cfg, &lc)
	}
	var err error
	s.log, err = NewLog(lc)
	require.NoError(t, err)
	cfg.Log = s.log
	s.handler, err = NewHandler(cfg)
	require.NoError(t, err)
	return s
}

func (s *site) get(t testing.TB, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *site) flushed(t testing.TB) []Click {
	t.Helper()
	require.NoError(t, s.log.Flush(t.Context()))
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Click(nil), s.clicks...)
}

func TestRedirect(t *testing.T) {
	s := newSite(t, nil)
	path := "/k/" + mint(t, s.codec, PurposeClick, 5)
	for _, method := range []string{"GET", "HEAD"} {
		w := s.get(t, method, path, "User-Agent", "Mozilla", "Accept-Language", "tr", "Sec-Fetch-Mode", "navigate", "Sec-Purpose", "prefetch;anonymous")
		assert.Equal(t, http.StatusFound, w.Code)
		assert.Equal(t, shop, w.Header().Get("Location"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		assert.Equal(t, "noindex", w.Header().Get("X-Robots-Tag"))
		assert.Empty(t, w.Body.String())
	}
	assert.EqualValues(t, 1, s.asked.Load(), "the second one comes from the cache")
	clicks := s.flushed(t)
	require.Len(t, clicks, 2)
	c := clicks[0]
	assert.NotEqual(t, c.RequestID, clicks[1].RequestID)
	assert.NotZero(t, c.IP)
	assert.Equal(t, Click{ID: 5, RequestID: c.RequestID, At: noon, Method: "GET", Agent: "Mozilla", IP: c.IP, Prefetch: true, Language: true, Fetch: true}, c)
	assert.Equal(t, "HEAD", clicks[1].Method)
}

func TestJunkIsRefusedWithoutALook(t *testing.T) {
	s := newSite(t, nil)
	good := mint(t, s.codec, PurposeClick, 5)
	for _, path := range []string{"/", "/x", "/" + good[:13] + "!", "/" + strings.Repeat("0", 13) + "1", "/" + mint(t, s.codec, PurposeSurvey, 5), "/" + good + "//", "/" + good + "/x", "/?u=https://evil.example.org"} {
		w := s.get(t, "GET", path)
		assert.Equal(t, http.StatusNotFound, w.Code, path)
		assert.Empty(t, w.Header().Get("Location"))
	}
	// Case H3: the key of these (0 and 2) is not in use any more.
	dropped, err := NewCodec(Key{ID: 2, Secret: secret('b')})
	require.NoError(t, err)
	for _, path := range []string{"/" + strings.Repeat("0", 14), "/" + mint(t, dropped, PurposeClick, 5)} {
		w := s.get(t, "GET", path)
		assert.Equal(t, http.StatusGone, w.Code, path)
		assert.Empty(t, w.Header().Get("Location"))
	}
	w := s.get(t, "POST", "/"+good)
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	assert.Zero(t, s.asked.Load())
	assert.Empty(t, s.flushed(t))
}

// TestSlashAfterTheToken follows links to which a messenger appended a slash.
func TestSlashAfterTheToken(t *testing.T) { // Case C14
	s := newSite(t, nil)
	w := s.get(t, "GET", "/l/"+mint(t, s.codec, PurposeClick, 5)+"/")
	assert.Equal(t, http.StatusFound, w.Code)
	assert.Equal(t, shop, w.Header().Get("Location"))
	assert.Len(t, s.flushed(t), 1)
}

// TestBodiesAreNotWaitedFor answers requests whose bodies never come, and ends
// their connections.
func TestBodiesAreNotWaitedFor(t *testing.T) { // Case H7
	s := newSite(t, nil)
	good := "/" + mint(t, s.codec, PurposeClick, 5)
	junk := good + "x"
	for head, want := range map[string]int{
		"GET " + good + " HTTP/1.1\r\nHost: s.tc\r\nContent-Length: 1000\r\n\r\nq":              http.StatusFound,
		"POST " + good + " HTTP/1.1\r\nHost: s.tc\r\nContent-Length: 1000\r\n\r\n":              http.StatusMethodNotAllowed,
		"GET " + junk + " HTTP/1.1\r\nHost: s.tc\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc": http.StatusNotFound,
	} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			conns := make(chan net.Conn, 1)
			conns <- there
			server := &http.Server{Handler: s.handler}
			go func() { _ = server.Serve(oneConn(conns)) }()
			start := time.Now()
			go func() { _, _ = here.Write([]byte(head)) }()
			all, err := io.ReadAll(here) // until the server ends the connection
			require.NoError(t, err)
			assert.Contains(t, string(all), fmt.Sprintf("HTTP/1.1 %d ", want))
			assert.Zero(t, time.Since(start), "of the test's own clock")
			close(conns)
			_ = here.Close()
			require.NoError(t, server.Close())
		})
	}
}

// oneConn is a listener of connections in memory.
type oneConn chan net.Conn

func (c oneConn) Accept() (net.Conn, error) {
	if conn, ok := <-c; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (oneConn) Close() error   { return nil }
func (oneConn) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func TestNoOpenRedirect(t *testing.T) {
	s := newSite(t, nil)
	for _, id := range []uint64{404, 666} {
		w := s.get(t, "GET", "/"+mint(t, s.codec, PurposeClick, id))
		assert.Equal(t, http.StatusNotFound, w.Code)
		assert.Empty(t, w.Header().Get("Location"))
	}
	assert.Empty(t, s.flushed(t))
}

func TestStoreDown(t *testing.T) {
	s := newSite(t, nil)
	known, other := "/"+mint(t, s.codec, PurposeClick, 5), "/"+mint(t, s.codec, PurposeClick, 6)
	require.Equal(t, http.StatusFound, s.get(t, "GET", known).Code)
	down := errors.New("down")
	s.fail.Store(&down)
	later := noon.Add(time.Hour)
	s.now.Store(&later)
	assert.Equal(t, http.StatusFound, s.get(t, "GET", known).Code, "an old destination is better than none")
	w := s.get(t, "GET", other)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotContains(t, w.Body.String(), "down")
	gone := error(ErrNotFound)
	s.fail.Store(&gone)
	assert.Equal(t, http.StatusNotFound, s.get(t, "GET", known).Code, "a link that was taken back is gone")
	s.fail.Store(nil)
	assert.Equal(t, http.StatusFound, s.get(t, "GET", known).Code)
	s.fail.Store(&down)
	s.handler.Forget(5)
	assert.Equal(t, http.StatusServiceUnavailable, s.get(t, "GET", known).Code)
}

func TestCacheIsBounded(t *testing.T) {
	s := newSite(t, func(c *Config, _ *LogConfig) { c.CacheSize = 32 })
	for range 3 {
		for id := range uint64(1000) {
			require.Equal(t, http.StatusFound, s.get(t, "GET", "/"+mint(t, s.codec, PurposeClick, 1000+id)).Code)
		}
	}
	assert.Greater(t, s.asked.Load(), int64(2900), "32 entries cannot hold 1,000 links")
	before := s.asked.Load()
	for range 10 {
		s.get(t, "GET", "/"+mint(t, s.codec, PurposeClick, 1999))
	}
	assert.LessOrEqual(t, s.asked.Load()-before, int64(1))
}

func TestIPHashesChangeByTheDay(t *testing.T) {
	s := newSite(t, func(c *Config, _ *LogConfig) {
		c.ClientIP = func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-IP")) }
	})
	path := "/" + mint(t, s.codec, PurposeClick, 5)
	s.get(t, "GET", path, "X-IP", "192.0.2.1")
	s.get(t, "GET", path, "X-IP", "192.0.2.1")
	s.get(t, "GET", path, "X-IP", "192.0.2.2")
	next := noon.AddDate(0, 0, 1)
	s.now.Store(&next)
	s.get(t, "GET", path, "X-IP", "192.0.2.1")
	c := s.flushed(t)
	assert.Equal(t, c[0].IP, c[1].IP)
	assert.NotEqual(t, c[0].IP, c[2].IP)
	assert.NotEqual(t, c[0].IP, c[3].IP)
}

// TestVisitorKeys asks for the key of a day once, leaves one that cannot be had
// alone for a while, and has no hash without one.
func TestVisitorKeys(t *testing.T) { // Case H6
	var asked []time.Time
	var fail error
	short := false
	s := newSite(t, func(c *Config, _ *LogConfig) {
		c.VisitorKey = func(_ context.Context, day time.Time) ([]byte, error) {
			asked = append(asked, day)
			if short {
				return []byte("short"), nil
			}
			return []byte("sixteen bytes or more " + day.String()), fail
		}
	})
	at := func(when time.Time) {
		s.now.Store(&when)
		require.Equal(t, http.StatusFound, s.get(t, "GET", "/"+mint(t, s.codec, PurposeClick, 5)).Code)
	}
	midnight := noon.Add(12 * time.Hour)
	for range 5 { // two servers' clocks around midnight
		at(midnight.Add(-time.Millisecond))
		at(midnight.Add(time.Millisecond))
	}
	assert.Equal(t, []time.Time{midnight.AddDate(0, 0, -1), midnight}, asked)
	fail = errors.New("down")
	next := midnight.AddDate(0, 0, 1)
	at(next)
	at(next.Add(9 * time.Second))
	assert.Len(t, asked, 3, "a store that is down is not asked at each click")
	fail, short = nil, true
	at(next.Add(11 * time.Second))
	short = false
	at(next.Add(30 * time.Second))
	assert.Len(t, asked, 5)
	c := s.flushed(t)
	require.Len(t, c, 14)
	assert.Equal(t, c[0].IP, c[2].IP)
	assert.NotEqual(t, c[0].IP, c[1].IP)
	for _, x := range c[10:13] {
		assert.Zero(t, x.IP)
	}
	assert.NotZero(t, c[13].IP)
}

func TestHandlerConfig(t *testing.T) {
	_, err := NewHandler(Config{Allow: Destinations{Hosts: []string{"Shop.example.com"}}})
	for _, want := range []string{"Codec", "Resolver", "Log", "Allow.Hosts"} {
		assert.ErrorContains(t, err, want)
	}
}

func TestDestinations(t *testing.T) {
	open, listed := Destinations{}, Destinations{Hosts: []string{"shop.example.com", ".vefa.example", "192.0.2.7", "xn--bcher-kva.example"}}
	loop := Destinations{LoopbackHTTP: true}
	for _, c := range []struct {
		d   Destinations
		raw string
		ok  bool
	}{
		{open, "https://shop.example.com/a?b=c#d", true}, {open, "http://shop.example.com/", false}, {open, "https://a:b@shop.example.com/", false},
		{open, "//shop.example.com", false}, {open, "/path", false}, {open, "https:shop.example.com", false}, {open, "javascript:alert(1)", false},
		{open, "https://shop.example.com//evil.example.org", false}, {open, "https://shop.example.com\\@evil.example.org", false}, {open, "https://shop.example.com/\r\nX: y", false},
		{open, "https://127.0.0.1/", false}, {open, "https://[::1]/", false}, {open, "https://10.0.0.1/", false}, {open, "https://127.1/", false}, {open, "https://0x7f.0x1/", false}, {open, "https://localhost/", false}, {open, "https://db.internal/", false},
		{open, "https://xn--80ak6aa92e.com/", false}, {open, "https://аpple.com/", false}, {open, "", false}, {open, "https://" + strings.Repeat("a", 3000), false},
		{listed, "https://shop.example.com/", true}, {listed, "https://SHOP.example.com/", true}, {listed, "https://a.vefa.example/", true}, {listed, "https://vefa.example/", false}, {listed, "https://evilvefa.example/", false},
		{listed, "https://shop.example.com.evil.org/", false}, {listed, "https://192.0.2.7/", true}, {listed, "https://xn--bcher-kva.example/", true}, {listed, "https://shop.example.com:8443/", true},
		{loop, "http://127.0.0.1:8080/a", true}, {loop, "http://localhost:1/", true}, {loop, "http://[::1]:9/", true}, {loop, "http://example.com/", false}, {loop, "https://shop.example.com/", true},
	} {
		err := c.d.Check(c.raw)
		assert.Equal(t, c.ok, err == nil, "%q: %v", c.raw, err)
		if err != nil {
			assert.ErrorIs(t, err, ErrDestination)
		}
	}
}

func FuzzDestinations(f *testing.F) {
	for _, s := range []string{shop, "https://a@b", "https://[::1", "http://127.0.0.1", "https://x.y\\z"} {
		f.Add(s)
	}
	d := Destinations{Hosts: []string{"shop.example.com"}}
	f.Fuzz(func(t *testing.T, raw string) {
		if d.Check(raw) == nil && !strings.HasPrefix(strings.ToLower(raw), "https://shop.example.com") {
			t.Fatalf("%q is allowed", raw)
		}
	})
}

// discard is a ResponseWriter that keeps nothing but its header.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkRedirect reports requests per second of the handler, with clicks
// logged asynchronously, as a share of http.Redirect's: in-process, and over
// loopback connections through net/http. The runs alternate, so that other work
// on the machine hits both.
func BenchmarkRedirect(b *testing.B) {
	s := newSite(b, func(c *Config, l *LogConfig) {
		l.Sink = func(context.Context, []Click) error { return nil }
		l.Surplus, l.PerLink = func(context.Context, []Surplus) error { return nil }, 1<<60 // the clicks of many links, not a flood
		c.Now = time.Now
	})
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.log.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, shop, http.StatusFound) })
	path := "/" + mint(b, s.codec, PurposeClick, 5)
	b.Run("inprocess", func(b *testing.B) {
		compare(b, 100, func(h http.Handler, n int) {
			for range n {
				r, _ := http.NewRequest("GET", path, nil)
				r.RemoteAddr = "192.0.2.1:1234"
				r.Header.Set("User-Agent", "Mozilla/5.0")
				h.ServeHTTP(&discard{http.Header{}}, r)
			}
		}, s.handler, plain)
	})
	b.Run("loopback", func(b *testing.B) {
		ours, theirs := httptest.NewServer(s.handler), httptest.NewServer(plain)
		defer ours.Close()
		defer theirs.Close()
		const conns = 16
		run := func(h http.Handler, n int) {
			addr := theirs.Listener.Addr().String()
			if h == http.Handler(s.handler) {
				addr = ours.Listener.Addr().String()
			}
			request := []byte("GET " + path + " HTTP/1.1\r\nHost: s.tc\r\nUser-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)\r\nAccept-Language: tr\r\n\r\n")
			var wg sync.WaitGroup
			for range conns {
				wg.Go(func() { hammer(b, addr, request, n/conns+1) })
			}
			wg.Wait()
		}
		compare(b, 1600, run, s.handler, plain)
	})
}

// compare runs both handlers in alternating rounds of n requests, and reports the
// medians, which other work on the machine moves least: the time of a round that
// was interrupted says nothing about either.
func compare(b *testing.B, n int, run func(h http.Handler, n int), ours, theirs http.Handler) {
	run(ours, n)
	run(theirs, n)
	var times [2][]time.Duration
	for b.Loop() {
		for i, h := range []http.Handler{ours, theirs} {
			start := time.Now()
			run(h, n)
			times[i] = append(times[i], time.Since(start))
		}
	}
	var perSecond [2]float64
	for i := range times {
		slices.Sort(times[i])
		perSecond[i] = float64(n) / times[i][len(times[i])/2].Seconds()
	}
	b.ReportMetric(perSecond[0], "ours/s")
	b.ReportMetric(perSecond[1], "http.Redirect/s")
	b.ReportMetric(perSecond[0]/perSecond[1], "ratio")
}

// hammer makes n requests over one connection and reads each answer.
func hammer(b *testing.B, addr string, request []byte, n int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	for range n {
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
			return
		}
		got := 0
		for done := false; !done; {
			k, err := conn.Read(buf[got:])
			if err != nil {
				b.Error(err)
				return
			}
			got += k
			head, body, ok := strings.Cut(string(buf[:got]), "\r\n\r\n")
			if ok {
				length := 0
				if _, rest, found := strings.Cut(head, "Content-Length: "); found {
					fmt.Sscan(rest, &length)
				}
				done = len(body) >= length
			}
		}
	}
}

// A link has a token of each key: all of them lead where it leads, and are forgotten together;
// the clicks of all are of one link.
func TestForgetEachKey(t *testing.T) {
	s := newSite(t, nil)
	first := "/" + mint(t, s.codec, PurposeClick, 5)
	require.NoError(t, s.codec.Add(Key{ID: 9, Secret: secret(9)}))
	require.NoError(t, s.codec.SignWith(9))
	second := "/" + mint(t, s.codec, PurposeClick, 5)
	require.NotEqual(t, first, second)
	for range 2 {
		for _, path := range []string{first, second} {
			require.Equal(t, http.StatusFound, s.get(t, "GET", path).Code)
		}
	}
	require.EqualValues(t, 2, s.asked.Load(), "once for each token")
	for _, c := range s.flushed(t) {
		require.EqualValues(t, 5, c.ID)
	}
	s.handler.Forget(5)
	for _, path := range []string{first, second} {
		require.Equal(t, http.StatusFound, s.get(t, "GET", path).Code)
	}
	require.EqualValues(t, 4, s.asked.Load(), "both were forgotten")
	s.handler.Forget(1 << 50) // of no token
}

// What a link was opened with goes on only as Config.Onward says, and to nowhere that Allow refuses.
func TestOnward(t *testing.T) {
	s := newSite(t, func(c *Config, _ *LogConfig) {
		c.Onward = func(to string, q url.Values) string {
			switch q.Get("a") {
			case "":
				return to
			case "evil":
				return "https://evil.example.org/"
			}
			return to + "?a=" + q.Get("a")
		}
	})
	path := "/k/" + mint(t, s.codec, PurposeClick, 5)
	for query, want := range map[string]string{"": shop, "?": shop, "?b=1": shop, "?a=9": shop + "?a=9", "?a=evil": shop, "?a=%zz": shop} {
		require.Equal(t, want, s.get(t, "GET", path+query).Header().Get("Location"), query)
	}
	require.EqualValues(t, 1, s.asked.Load())
	plain := newSite(t, nil)
	require.Equal(t, shop, plain.get(t, "GET", path+"?a=9").Header().Get("Location"))
}
