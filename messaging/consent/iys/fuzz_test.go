package iys_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/consent/iys"
)

// says answers every request with a status and a body, those for tokens with a token.
type says struct {
	code int
	body string
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	code, body := s.code, s.body
	if r.URL.Path == "/oauth2/token" && code != 299 {
		code, body = 200, `{"access_token":"a","refresh_token":"r","expires_in":7200,"refresh_expires_in":14400}`
	}
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// Whatever the other side answers, a call returns: an error, or what is in bounds.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"transactionId":"t","creationDate":"2025-03-03 09:00:00"}`)
	f.Add(200, `{"requestId":"q"}`)
	f.Add(200, `[{"index":1,"status":"failure","error":{"code":"H175","message":"x"}},{"index":2,"status":"enqueue"}]`)
	f.Add(200, `{"after":"1_a","list":[{"consentDate":"2015-05-01 00:00:00","creationDate":"2020-11-03 20:05:00","recipient":"a","status":"ONAY","transactionId":"a"}]}`)
	f.Add(422, `{"errors":[{"code":"H111","location":["type"],"message":"x"}]}`)
	f.Add(299, `{"access_token":"a","expires_in":1}`)
	f.Add(401, ``)
	f.Add(429, ``)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, code int, body string) {
		if code < 200 || code > 599 {
			return
		}
		c, err := iys.NewClient(iys.ClientConfig{URL: "https://example.com", User: "u", Password: secret, Code: 1, Brand: 2, Now: func() time.Time { return now }, HTTP: &http.Client{Transport: says{code, body}}})
		require.NoError(t, err)
		ctx := context.Background()
		if r, err := c.Add(ctx, good()); err == nil {
			require.LessOrEqual(t, len(r.Transaction), 200)
		}
		if id, err := c.AddMany(ctx, []iys.Consent{good()}); err == nil {
			require.NotEmpty(t, id)
		}
		if out, err := c.Outcomes(ctx, "../x?y"); err == nil {
			for _, o := range out {
				require.True(t, o.Index >= 0 && o.Index < iys.MaxBatch)
			}
		}
		if p, err := c.Changes(ctx, "a", iys.ByHolders); err == nil {
			require.NotEmpty(t, p.After)
			for _, x := range p.Changes {
				require.NotEmpty(t, x.Transaction)
			}
		}
		_, _ = c.Status(ctx, good().Key())
		_, _ = c.DailyFile(ctx, now)
	})
}
