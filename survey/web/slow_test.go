package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

// pipes is a network in memory, whose deadlines go by the test's own clock.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, errors.New("closed")
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// server serves a handler without any time-out of its own, as a host's may have none.
type server struct {
	*pipes
	http   *http.Server
	inside atomic.Int64 // handlers that run
}

func serve(h http.Handler) *server {
	s := &server{pipes: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}}
	s.http = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inside.Add(1)
		defer s.inside.Add(-1)
		h.ServeHTTP(w, r)
	})}
	go func() { _ = s.http.Serve(s) }()
	return s
}

// outcome is what came of one request.
type outcome struct {
	status int
	took   time.Duration
	closed bool
}

// send writes a request as it is and waits for its answer and for the end of the
// connection, if that ends.
func (s *server) send(text string) <-chan outcome {
	out := make(chan outcome, 1)
	here, there := net.Pipe()
	s.conns <- there
	start := time.Now()
	go func() { _, _ = here.Write([]byte(text)) }()
	go func() {
		var o outcome
		r := bufio.NewReader(here)
		resp, err := http.ReadResponse(r, nil)
		if err == nil {
			o.status = resp.StatusCode
			_, _ = io.Copy(io.Discard, resp.Body)
			o.took = time.Since(start)
			_ = here.SetReadDeadline(time.Now().Add(time.Minute))
			_, err = r.ReadByte()
			o.closed = errors.Is(err, io.EOF)
		}
		_ = here.Close()
		out <- o
	}()
	return out
}

func post(path string, length int, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: s.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, length, body)
}

// TestBodiesAreNotWaitedFor sends those of requests that are refused by their
// head: the answer comes at once and the connection ends.
func TestBodiesAreNotWaitedFor(t *testing.T) { // Case H7
	w := newWorld(t, survey.Satisfaction())
	for name, head := range map[string]string{
		"a forged token":     post("/s/0000000000000000000000", 1000, "q"),
		"no such page":       post("/s/"+w.token+"/nothing", 1000, "q"),
		"no such method":     strings.Replace(post("/s/"+w.token, 1000, "q"), "POST", "PUT", 1),
		"another site":       strings.Replace(post("/s/"+w.token, 1000, "q"), "\r\n\r\n", "\r\nSec-Fetch-Site: cross-site\r\n\r\n", 1),
		"no form":            strings.Replace(post("/s/"+w.token, 1000, "q"), "x-www-form-urlencoded", "json", 1),
		"a page with a body": strings.Replace(post("/s/"+w.token, 1000, "q"), "POST", "GET", 1),
		"a chunked body":     strings.Replace(post("/s/0000000000000000000000", 0, "3\r\nabc"), "Content-Length: 0", "Transfer-Encoding: chunked", 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(w.h)
				o := <-s.send(head)
				assert.NotZero(t, o.status)
				assert.Zero(t, o.took)
				assert.True(t, o.closed, "the connection goes on")
				require.NoError(t, s.http.Close())
			})
		})
	}
	assert.Zero(t, w.submits)
}

// TestSlowBodies sends 300 forms that never end: few are waited for, and those
// not for long.
func TestSlowBodies(t *testing.T) { // Case H7
	w := newWorld(t, survey.Satisfaction(), func(c *web.Config) { c.PerMinute = 1000 })
	synctest.Test(t, func(t *testing.T) {
		s := serve(w.h)
		var all []<-chan outcome
		for range 300 {
			all = append(all, s.send(post("/s/"+w.token, 1000, "q.satisfaction=5&")))
		}
		synctest.Wait()
		assert.LessOrEqual(t, s.inside.Load(), int64(8), "of one invitation")
		time.Sleep(11 * time.Second) // of the test's own clock
		synctest.Wait()
		assert.Zero(t, s.inside.Load())
		statuses := map[int]int{}
		for _, c := range all {
			o := <-c
			statuses[o.status]++
			assert.True(t, o.closed)
		}
		assert.Equal(t, 300, statuses[http.StatusRequestTimeout]+statuses[http.StatusServiceUnavailable])
		assert.Positive(t, statuses[http.StatusRequestTimeout])
		// What comes slowly but in time is taken, and its connection goes on.
		here, there := net.Pipe()
		s.conns <- there
		form := "q.satisfaction=5&_on.satisfaction=1&_on.comment=1&_key=k"
		go func() {
			_, _ = here.Write([]byte(post("/s/"+w.token, len(form), form[:9])))
			time.Sleep(8 * time.Second)
			_, _ = here.Write([]byte(form[9:]))
		}()
		resp, err := http.ReadResponse(bufio.NewReader(here), nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
		assert.False(t, resp.Close)
		_ = here.Close()
		require.NoError(t, s.http.Close())
	})
	assert.Equal(t, 1, w.submits)
}

// TestManySlowBodies bounds what is waited for over all invitations.
func TestManySlowBodies(t *testing.T) { // Case H7
	w := newWorld(t, survey.Satisfaction())
	codec, err := invite.New("survey", []byte("32 bytes from crypto/rand in earnest"))
	require.NoError(t, err)
	h, err := web.New(web.Config{Store: w.record, Tokens: codec.Parse, MaxForms: 5})
	require.NoError(t, err)
	tokens := make([]string, 20)
	for i := range tokens {
		tokens[i], err = codec.Mint(uint64(i))
		require.NoError(t, err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := serve(h)
		for _, token := range tokens {
			s.send(post("/s/"+token, 1000, "q"))
		}
		synctest.Wait()
		assert.EqualValues(t, 5, s.inside.Load())
		require.NoError(t, s.http.Close())
		synctest.Wait()
		assert.Zero(t, s.inside.Load())
	})
}
