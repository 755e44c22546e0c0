package iys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// What can become of a request, for errors.Is.
var (
	// ErrAnswer is an answer that is not as the registry documents it.
	ErrAnswer = errors.New("iys: unexpected answer")
	// ErrUncertain says that it is not known whether a request arrived: ask with Status.
	ErrUncertain = errors.New("iys: not known whether it arrived")
	// ErrDenied says that the registry does not accept user, password or brand.
	ErrDenied = errors.New("iys: not allowed")
)

// ThrottledError says to come again later: a limit of the registry's, kept here or there.
type ThrottledError struct {
	RetryAfter time.Duration
	Limit      string // which one
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("iys: %s: again in %v", e.Limit, e.RetryAfter.Round(time.Second))
}

// RefusedError is what the registry refused.
type RefusedError struct{ Errors []Refusal }

func (e *RefusedError) Error() string {
	texts := make([]string, len(e.Errors))
	for i, r := range e.Errors {
		texts[i] = r.Code + " " + r.Field + " " + r.Note
	}
	return "iys: refused: " + strings.Join(texts, "; ")
}

// ClientConfig configures a Client. URL, User, Password, Code and Brand are needed.
type ClientConfig struct {
	URL      string // https, or http to a loopback address
	User     string
	Password crm.Secret
	Code     int64 // the sender's number at the registry
	Brand    int64 // the brand's
	// HTTP is used for its transport and Timeout; nil means one of its own. Redirects are
	// never followed.
	HTTP *http.Client
	Now  func() time.Time // nil means time.Now
	// TokensPerHour and AddsPerMinute bound what is asked; 0 means the registry's limits of
	// 10 and 50. Where several processes share an account, divide them.
	TokensPerHour, AddsPerMinute int
}

// Client speaks with the registry for one brand. It is safe for concurrent use.
type Client struct {
	cfg  ClientConfig
	base string
	http http.Client

	turn chan struct{} // held by who asks for a token: one at a time

	mu     sync.Mutex // of what follows
	tokens window
	adds   window
	token  token
}

// token is what the registry gave for user and password.
type token struct {
	access, refresh           string
	accessUntil, refreshUntil time.Time
}

// maxAnswer bounds an answer, in bytes; a daily file may be larger than all others.
const maxAnswer, maxFile = 16 << 20, 256 << 20

// unset names the fields, each followed by whether it is missing, that must be set.
func unset(fields ...any) error {
	var faults []error
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1].(bool) {
			faults = append(faults, &crm.FieldError{Field: fields[i].(string), Msg: "must be set"})
		}
	}
	return errors.Join(faults...)
}

// NewClient returns a client. It sends nothing yet. It fails with crm.ErrInvalid and every
// fault of the configuration.
func NewClient(cfg ClientConfig) (*Client, error) {
	var faults []error
	fault := func(bad bool, field, msg string) {
		if bad {
			faults = append(faults, &crm.FieldError{Field: field, Msg: msg})
		}
	}
	u, err := url.Parse(cfg.URL)
	fault(err != nil || u == nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())), "URL", "must be https, or http to a loopback address")
	fault(cfg.User == "", "User", "must be set")
	fault(cfg.Password.IsZero(), "Password", "must be set")
	fault(cfg.Code <= 0, "Code", "must be set")
	fault(cfg.Brand <= 0, "Brand", "must be set")
	fault(cfg.TokensPerHour < 0 || cfg.AddsPerMinute < 0, "TokensPerHour", "and AddsPerMinute must not be below 0")
	if err := errors.Join(faults...); err != nil {
		return nil, &crm.Error{Op: "configure", Entity: "iys", Kind: crm.ErrInvalid, Err: err}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{turn: make(chan struct{}, 1), cfg: cfg, base: strings.TrimSuffix(cfg.URL, "/"), tokens: window{max: 10, per: time.Hour + slack}, adds: window{max: 50, per: time.Minute + slack}}
	if cfg.TokensPerHour > 0 {
		c.tokens.max = cfg.TokensPerHour
	}
	if cfg.AddsPerMinute > 0 {
		c.adds.max = cfg.AddsPerMinute
	}
	c.http = http.Client{Timeout: 30 * time.Second}
	if cfg.HTTP != nil {
		c.http.Transport, c.http.Timeout = cfg.HTTP.Transport, cfg.HTTP.Timeout
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// window allows max events within any stretch of time.
type window struct {
	max  int
	per  time.Duration
	past []time.Time
}

// slack is how much later than here the registry may count a request.
const slack = 2 * time.Second

// take notes an event, or says how long to wait for it.
func (w *window) take(now time.Time) (wait time.Duration, ok bool) {
	n := 0
	for _, t := range w.past {
		if t.After(now.Add(-w.per)) {
			w.past[n] = t
			n++
		}
	}
	w.past = w.past[:n]
	if n >= w.max {
		return w.past[0].Add(w.per).Sub(now), false
	}
	w.past = append(w.past, now)
	return 0, true
}

// access returns a token that is good for a while, and asks for one where there is none.
// Only one request for a token is on its way at a time; who waits for it waits no longer than
// its context.
func (c *Client) access(ctx context.Context) (string, error) {
	if access := c.current(); access != "" {
		return access, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if access := c.current(); access != "" { // of who was first
		return access, nil
	}
	ask, now, err := c.credentials()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return "", err
	}
	var got struct {
		Access         string `json:"access_token"`
		Refresh        string `json:"refresh_token"`
		Expires        int64  `json:"expires_in"`
		RefreshExpires int64  `json:"refresh_expires_in"`
	}
	if err := c.send(ctx, http.MethodPost, "/oauth2/token", "", body, &got); err != nil {
		return "", err
	}
	if got.Access == "" || got.Expires <= 0 || got.Expires > 1<<20 || got.RefreshExpires > 1<<20 {
		return "", fmt.Errorf("%w: no token", ErrAnswer)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token{got.Access, got.Refresh, now.Add(time.Duration(got.Expires) * time.Second), now.Add(time.Duration(got.RefreshExpires) * time.Second)}
	return c.token.access, nil
}

// margin is how long before its end a token is not used any more.
const margin = time.Minute

// current returns the token that there is, if it is good for a while.
func (c *Client) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Now().Before(c.token.accessUntil.Add(-margin)) {
		return c.token.access
	}
	return ""
}

// credentials returns what to ask for a token with, once: a refused refresh token is
// followed by user and password.
func (c *Client) credentials() (map[string]string, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if wait, ok := c.tokens.take(now); !ok {
		return nil, now, &ThrottledError{wait, "requests for tokens in an hour"}
	}
	ask := map[string]string{"grant_type": "password", "username": c.cfg.User, "password": string(c.cfg.Password.Reveal())}
	if c.token.refresh != "" && now.Before(c.token.refreshUntil.Add(-margin)) {
		ask = map[string]string{"grant_type": "refresh_token", "refresh_token": c.token.refresh}
	}
	c.token = token{}
	return ask, now, nil
}

// forget drops a token that the registry did not accept.
func (c *Client) forget(access string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.access == access {
		c.token.access = ""
	}
}

// call sends a request with a token, and once more with another where that one was not
// accepted: such a request was not looked at.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	path = fmt.Sprintf("/sps/%d/brands/%d/%s", c.cfg.Code, c.cfg.Brand, path)
	for try := 0; ; try++ {
		access, err := c.access(ctx)
		if err != nil {
			return notSent{err}
		}
		err = c.send(ctx, method, path, access, body, out)
		if !errors.Is(err, errToken) || try > 0 {
			return err
		}
		c.forget(access)
	}
}

// notSent is the error of a request for a token: what was to be sent has not left.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

func (e notSent) Is(target error) bool { return target == errNotSent }

var (
	errNotSent = errors.New("iys: not sent")
	errToken   = fmt.Errorf("%w: the token", ErrDenied)
)

// send sends one request and reads the answer.
func (c *Client) send(ctx context.Context, method, path, access string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return notSent{err}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUncertain, withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	limit := int64(maxAnswer)
	if _, file := out.(*[]byte); file {
		limit = maxFile
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUncertain, withoutURL(err))
	case int64(len(data)) > limit:
		return fmt.Errorf("%w: longer than %d bytes", ErrAnswer, limit)
	}
	return answer(resp, data, access != "", out)
}

// answer says what a response means.
func answer(resp *http.Response, data []byte, tokened bool, out any) error {
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		if raw, ok := out.(*[]byte); ok {
			*raw = data
			return nil
		}
		if err := json.Unmarshal(data, out); err != nil {
			return fmt.Errorf("%w: %d without its JSON", errors.Join(ErrAnswer, ErrUncertain), code)
		}
		return nil
	case code == http.StatusUnauthorized && tokened:
		return errToken
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Errorf("%w: %d", ErrDenied, code)
	case code == http.StatusTooManyRequests:
		return &ThrottledError{retryAfter(resp.Header), "the registry"}
	case code == http.StatusUnprocessableEntity, code == http.StatusBadRequest:
		return refusals(data)
	case code >= 500:
		return fmt.Errorf("%w: %d", ErrUncertain, code)
	}
	return fmt.Errorf("%w: %d", ErrAnswer, resp.StatusCode)
}

// refusals reads why the registry refused.
func refusals(data []byte) error {
	var got struct {
		Errors []struct {
			Code     string   `json:"code"`
			Location []string `json:"location"`
			Message  string   `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(data, &got); err != nil || len(got.Errors) == 0 {
		return fmt.Errorf("%w: refused without errors", ErrAnswer)
	}
	e := new(RefusedError)
	for _, x := range got.Errors[:min(len(got.Errors), 100)] {
		e.Errors = append(e.Errors, Refusal{Code: crm.Clip(x.Code, 20), Field: crm.Clip(strings.Join(x.Location, "."), 60), Note: crm.Clip(x.Message, 200)})
	}
	return e
}

// retryAfter reads the header in seconds, a minute where there is none.
func retryAfter(h http.Header) time.Duration {
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n > 0 && n <= 24*60*60 {
		return time.Duration(n) * time.Second
	}
	return time.Minute
}

// withoutURL drops the address from an error of net/http: it is not for logs.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
