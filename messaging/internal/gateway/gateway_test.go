package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

func TestNumber(t *testing.T) {
	for in, want := range map[string]string{"+905321234567": "905321234567", "0090 532 123 45 67": "905321234567", "+90 (532) 123-45-67": "905321234567",
		"05321234567": "", "5321234567": "", "+4915112345678": "4915112345678", "": "", "VEFA": ""} {
		got, fault := Number(crm.Address{Channel: crm.Phone, Value: in})
		require.Equal(t, want, got, in)
		require.Equal(t, want == "", fault != "", in)
	}
	_, fault := Number(crm.Address{Channel: crm.Email, Value: "+905321234567"})
	require.Equal(t, "the channel is not served", fault)
	for in, want := range map[string]bool{"905321234567": true, "902121234567": false, "90532123456": false, "4915112345678": false} {
		require.Equal(t, want, Turkish(in), in)
	}
	for in, want := range map[string]string{"5321234567": "+905321234567", "05321234567": "+905321234567", "905321234567": "+905321234567", "+905321234567": "+905321234567",
		"004915112345678": "+4915112345678", "4609": "4609", "VEFA": "VEFA", "": "", "+": "+"} {
		require.Equal(t, want, From(in), in)
	}
}

func TestHeader(t *testing.T) {
	require.Empty(t, Header("ONBIRHARFLİ", false))
	require.Empty(t, Header("", true))
	for _, bad := range []string{"", "ONIKIHARFLIK", "A\r\nB", " A", "\xff"} {
		require.NotEmpty(t, Header(bad, false), "%q", bad)
	}
}

// TestLimit: in no stretch of a minute are there more than three.
func TestLimit(t *testing.T) {
	l := NewLimit(3, time.Minute)
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	var allowed []time.Time
	for i := range 500 {
		at := now.Add(time.Duration(i) * 7 * time.Second)
		wait := l.Take(at)
		if wait == 0 {
			allowed = append(allowed, at)
			continue
		}
		require.Equal(t, allowed[len(allowed)-3].Add(time.Minute), at.Add(wait), "free when the third last is a minute old")
	}
	for i := 3; i < len(allowed); i++ {
		require.GreaterOrEqual(t, allowed[i].Sub(allowed[i-3]), time.Minute)
	}
	require.Greater(t, len(allowed), 500*7/60*3*9/10)
	require.Equal(t, time.Hour, NewLimit(0, time.Hour).Take(now))
}

// TestHalve: whatever messages are bad, all others are tried without them.
func TestHalve(t *testing.T) {
	for n := range 40 {
		for bad := range n {
			done := make([]int, n)
			Halve(0, n, func(lo, hi int) bool {
				for i := lo; i < hi; i++ {
					if i == bad || i == (bad*7)%n {
						return true
					}
				}
				for i := lo; i < hi; i++ {
					done[i]++
				}
				return false
			})
			for i, d := range done {
				want := 1
				if i == bad || i == (bad*7)%n {
					want = 0
				}
				require.Equal(t, want, d, "%d of %d, bad %d", i, n, bad)
			}
		}
	}
}

// TestFates: what is told from how a request ends.
func TestFates(t *testing.T) {
	for name, c := range map[string]struct {
		serve     http.HandlerFunc
		status    crm.Status
		unreached bool
	}{
		"429": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, crm.Throttled, false},
		"401": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, crm.Throttled, true},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}, crm.Throttled, true},
		"400":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, crm.Declined, false},
		"408":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(408) }, crm.Uncertain, false},
		"500":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, crm.Uncertain, false},
		"lost":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, crm.Uncertain, false},
		"too long": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("x", 101))) }, crm.Uncertain, false},
		"torn": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			_, _ = w.Write([]byte("x"))
		}, crm.Uncertain, false},
	} {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls++; c.serve(w, r) }))
		client, err := NewClient(server.URL, nil, time.Minute, 100)
		require.NoError(t, err)
		a := client.Do(t.Context(), http.MethodPost, "/x", []byte("body"), nil)
		server.Close()
		require.False(t, a.OK(), name)
		r := a.Receipt()
		require.Equal(t, c.status, r.Status, name)
		require.Equal(t, c.unreached, r.Unreached, name)
		require.Equal(t, 1, calls, "%s: no redirect is followed and nothing repeated", name)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	client, err := NewClient(gone.URL, nil, time.Minute, 0)
	require.NoError(t, err)
	r := client.Do(t.Context(), http.MethodPost, "/?password=geheim", nil, nil)
	require.Equal(t, crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "no connection"}, r.Receipt())
	require.NotContains(t, r.Err("x", "y").Error(), "geheim")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, client.Do(ctx, http.MethodPost, "/", nil, nil).Unwritten)
	require.Equal(t, "no credentials", client.Do(t.Context(), http.MethodPost, "/", nil, func(*http.Request) error { return errors.New("geheim") }).Receipt().Reason)
}

func TestCheckURL(t *testing.T) {
	for u, good := range map[string]bool{"https://a.b": true, "http://127.0.0.1:1": true, "http://[::1]": true, "http://localhost/x": true, "http://a.b": false,
		"ftp://127.0.0.1": false, "https://u:p@a.b": false, "": false, "https://": false, "/x": false} {
		require.Equal(t, good, CheckURL(u) == nil, u)
	}
}

// TestSweep: what is read stays open until a whole reading found everything at its end, and
// the limit may end a sweep anywhere.
func TestSweep(t *testing.T) {
	pages := map[string][]bool{"a": {false, true}, "b": {false}, "c": {false, false, false}} // open by page
	var jobs Jobs
	now := time.Unix(1e9, 0)
	for i, id := range []string{"a", "b", "c"} {
		jobs.Add(id, now.Add(time.Duration(i)*time.Second), 0)
	}
	var asked []string
	cursor, left := Cursor{}, 0
	poll := func(limit int) {
		left = limit
		var err error
		cursor.Jobs, err = Sweep(jobs.Merge(cursor.Jobs, now, time.Hour), nil, func(some []Job) ([]Page, bool, error) {
			require.Len(t, some, 1)
			j := some[0]
			if left == 0 {
				return nil, false, nil
			}
			left--
			n := len(j.At)
			asked = append(asked, j.ID+string(rune('0'+n)))
			p := Page{Open: pages[j.ID][n]}
			if n+1 < len(pages[j.ID]) {
				p.Next = j.At + "x"
			}
			return []Page{p}, true, nil
		})
		require.NoError(t, err)
		kept, err := ParseCursor(cursor.String())
		require.NoError(t, err)
		require.Equal(t, cursor, kept)
	}
	poll(1)
	poll(3)
	require.Equal(t, []string{"a0", "a1", "b0", "c0"}, asked)
	poll(9)
	require.Equal(t, []string{"c1", "c2", "a0", "a1"}, asked[4:])
	pages["a"][1] = false
	poll(9)
	require.Equal(t, []string{"a0", "a1"}, asked[8:])
	poll(9)
	require.Empty(t, cursor.Jobs)
	require.Len(t, asked, 10)
	jobs.Add("a", now.Add(-2*time.Hour), 0)
	require.Empty(t, jobs.Merge([]Job{{ID: "a", Sent: now.Add(-2 * time.Hour).Unix()}}, now, time.Hour), "too old")
}

// TestEnded: a job whose messages all ended by pushes is not asked about, whether a cursor
// has it or not, and a message that ended twice is one.
func TestEnded(t *testing.T) {
	var jobs Jobs
	now := time.Unix(1e9, 0)
	jobs.Add("a", now, 2)
	jobs.Add("b", now, 0)
	jobs.End("a", "1")
	jobs.End("a", "1")
	jobs.End("b", "1")
	all := []Job{{ID: "a", Sent: now.Unix(), N: 2}, {ID: "b", Sent: now.Unix()}}
	require.Equal(t, all, jobs.Merge(nil, now, time.Hour))
	jobs.End("a", "2")
	require.Equal(t, all[1:], jobs.Merge(all, now, time.Hour))
	require.Empty(t, jobs.Merge(nil, now, time.Hour), "a cursor has b, and a is over")
	jobs.Add("c", now, 1)
	jobs.End("c", "1")
	require.Empty(t, jobs.Merge(nil, now, time.Hour))
}

// TestTogether: jobs that are asked about at once stand for themselves.
func TestTogether(t *testing.T) {
	jobs := []Job{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}}
	var asked []string
	left, err := Sweep(jobs, func(js []Job) int { return min(2, len(js)) }, func(some []Job) ([]Page, bool, error) {
		pages := make([]Page, len(some))
		names := ""
		for i, j := range some {
			names += j.ID + j.At
			pages[i].Open = j.ID == "b"
			if j.ID == "a" && j.At == "" {
				pages[i].Next = "1"
			}
		}
		asked = append(asked, names)
		return pages, len(asked) < 4, nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"ab", "a1c", "d"}, asked)
	require.Equal(t, []Job{{ID: "b"}, {ID: "a", Done: true}, {ID: "c", Done: true}, {ID: "d", Done: true}}, left)
}
