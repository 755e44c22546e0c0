package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Client makes requests to one host. It follows no redirect and keeps no cookies.
type Client struct {
	base    string
	http    *http.Client
	timeout time.Duration
	most    int64
}

// CheckURL reports whether raw is an absolute https URL, or an http URL of a loopback
// address, without credentials in it.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
		return errors.New("is not an absolute https URL")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// NewClient returns a client of an address as CheckURL has it. Of the given http.Client
// its transport and timeout count; it may be nil. A request may take timeout, 0 for 30
// seconds, and an answer may have most bytes, 0 for 10 MiB.
func NewClient(base string, c *http.Client, timeout time.Duration, most int64) (*Client, error) {
	if err := CheckURL(base); err != nil {
		return nil, err
	}
	return &Client{strings.TrimSuffix(base, "/"), Plain(c), or(timeout, 30*time.Second), or(most, 10<<20)}, nil
}

// Plain returns a copy of a client, which may be nil, that follows no redirect and has no
// cookies: the host's are not the provider's, nor the other way round.
func Plain(c *http.Client) *http.Client {
	out := &http.Client{}
	if c != nil {
		*out = *c
	}
	out.Jar = nil
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return out
}

func or[T int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Answer is what came of a request. Code is 0 if there was no answer.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte
	// Unwritten says that nothing of the request can have arrived.
	Unwritten bool
	// Torn says that the body is not whole: it broke off or is too large.
	Torn bool
	why  string
}

// Do makes a request. Prepare, which may be nil, adds headers; an error of it, which is not kept,
// leaves the request unmade. Nothing of errors is passed on, because those of net/http hold the
// address, in which some providers want credentials.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, prepare func(*http.Request) error) Answer {
	return Do(ctx, c.http, c.timeout, c.most, method, c.base+path, body, prepare)
}

// Do is Client.Do with a client of Plain for any address.
func Do(ctx context.Context, client *http.Client, timeout time.Duration, most int64, method, to string, body []byte, prepare func(*http.Request) error) Answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }, GotConn: func(httptrace.GotConnInfo) { wrote.Store(true) }}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), method, to, reader)
	if err != nil {
		return Answer{Unwritten: true, why: "the request cannot be made"}
	}
	if prepare != nil {
		if err := prepare(req); err != nil {
			return Answer{Unwritten: true, why: "no credentials"}
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		if !wrote.Load() {
			return Answer{Unwritten: true, why: "no connection"}
		}
		return Answer{why: "connection lost"}
	}
	defer resp.Body.Close()
	a := Answer{Code: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil || int64(len(a.Body)) > most {
		a.Body, a.Torn = nil, true
	}
	return a
}

// OK reports an answer that says that the request was done, with a whole body.
func (a Answer) OK() bool { return a.Done() && !a.Torn }

// Done reports an answer that says that the request was done.
func (a Answer) Done() bool {
	switch a.Code {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusMultiStatus:
		return true
	}
	return false
}

// Receipt is what an answer that is not OK says about every message of its request, where
// the provider says nothing more exact: not written is crm.Throttled and Unreached, and so
// are 401, 403, 404, 405 and 3xx, which somebody must put right first; 429 is
// crm.Throttled; the remaining 4xx but 408 are crm.Declined; all else, OK among them, is
// crm.Uncertain.
func (a Answer) Receipt() crm.Receipt {
	switch c := a.Code; {
	case a.Unwritten:
		return crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: a.why}
	case c == 0:
		return crm.Receipt{Status: crm.Uncertain, Reason: a.why}
	case a.Torn && a.Done():
		return crm.Receipt{Status: crm.Uncertain, Reason: a.word() + " without a readable body"}
	case c == http.StatusTooManyRequests:
		return crm.Receipt{Status: crm.Throttled, After: RetryAfter(a.Header.Get("Retry-After")), Reason: a.word()}
	case c == http.StatusUnauthorized, c == http.StatusForbidden, c == http.StatusNotFound, c == http.StatusMethodNotAllowed, c >= 300 && c < 400:
		return crm.Receipt{Status: crm.Throttled, Unreached: true, After: RetryAfter(a.Header.Get("Retry-After")), Reason: a.word()}
	case c >= 400 && c < 500 && c != http.StatusRequestTimeout:
		return crm.Receipt{Status: crm.Declined, Reason: a.word()}
	}
	return crm.Receipt{Status: crm.Uncertain, Reason: a.word()}
}

func (a Answer) word() string { return "HTTP " + strconv.Itoa(a.Code) }

// Err is why a question was not answered, without anything of the request or the answer.
func (a Answer) Err(provider, question string) error {
	why := a.why
	if a.Code != 0 {
		why = a.word()
	}
	return fmt.Errorf("%s: %s was not answered: %s", provider, question, why)
}

// RetryAfter reads the form in seconds, at most a day; a date would need the provider's
// clock.
func RetryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0
	}
	return time.Duration(min(n, 86400)) * time.Second
}
