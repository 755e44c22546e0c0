package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// example is a request that a provider's documentation shows.
type example struct {
	name    string
	form    webhook.Form
	secret  crm.Secret
	at      int64
	headers map[string]string
	body    string
}

func parse(s string) crm.Secret {
	out, err := crm.ParseSecret(s)
	if err != nil {
		panic(err)
	}
	return out
}

func text(s string) crm.Secret { return crm.NewSecret([]byte(s)) }

// examples are values of the providers' own documentation (GitHub, Slack,
// Standard Webhooks) and one of Stripe's form, computed by its rule.
func examples() []example {
	return []example{
		{"github", webhook.GitHub(), text("It's a Secret to Everybody"), 0,
			map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, "Hello, World!"},
		{"slack", webhook.Slack(), text("8f742231b10e8888abcd99yyyzzz85a5"), 1531420618,
			map[string]string{"X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", "X-Slack-Request-Timestamp": "1531420618"},
			"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"},
		{"standard", webhook.Standard(), parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 1614265330,
			map[string]string{"Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Timestamp": "1614265330", "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			`{"test": 2432232314}`},
		{"stripe", webhook.Stripe(), text("whsec_of_a_test_0123456789"), 1700000000,
			map[string]string{"Stripe-Signature": "t=1700000000,v1=d15f07927d1622b800a1c1519a9a97d69596c974d0736b63fd87d978d246d6e8,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"}, `{"id":"evt_1"}`},
	}
}

func (e example) verifier(t testing.TB, now time.Time, secrets ...crm.Secret) *webhook.Verifier {
	if secrets == nil {
		secrets = []crm.Secret{e.secret}
	}
	v, err := webhook.New(webhook.Config{Form: e.form, Secrets: secrets, MaxBody: 1000, Now: func() time.Time { return now }})
	require.NoError(t, err)
	return v
}

func (e example) header() http.Header {
	h := http.Header{}
	for k, v := range e.headers {
		h.Set(k, v)
	}
	return h
}

func TestGolden(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			at := time.Unix(e.at, 0)
			d, err := e.verifier(t, at).Verify(e.header(), []byte(e.body))
			require.NoError(t, err)
			require.Equal(t, e.body, string(d.Body))
			require.Equal(t, e.headers["Webhook-Id"], d.ID)
			if e.at > 0 {
				require.True(t, d.At.Equal(at))
			}
			// While the provider changes its secret both are good.
			_, err = e.verifier(t, at, text("another secret, quite long"), e.secret).Verify(e.header(), []byte(e.body))
			require.NoError(t, err)
		})
	}
}

// Every byte of what is signed counts, and so does every byte of a signature.
func TestChangedIsRefused(t *testing.T) {
	for _, e := range examples() {
		v := e.verifier(t, time.Unix(e.at, 0))
		for i := range e.body {
			changed := []byte(e.body)
			changed[i] ^= 1
			_, err := v.Verify(e.header(), changed)
			require.ErrorIs(t, err, webhook.ErrSignature, "%s, byte %d", e.name, i)
		}
		_, err := v.Verify(e.header(), []byte(e.body+"\n"))
		require.ErrorIs(t, err, webhook.ErrSignature)
		_, err = e.verifier(t, time.Unix(e.at, 0), text("another secret, quite long")).Verify(e.header(), []byte(e.body))
		require.ErrorIs(t, err, webhook.ErrSignature)
		for name, value := range e.headers {
			for i := range value {
				h := e.header()
				b := []byte(value)
				b[i] ^= 1
				h.Set(name, string(b))
				_, err := v.Verify(h, []byte(e.body))
				if e.name == "stripe" && i > strings.Index(value, ",v0") {
					continue // the signature of another version
				}
				require.Error(t, err, "%s: %s, byte %d", e.name, name, i)
				require.NotContains(t, err.Error(), string(b))
			}
			h := e.header()
			h.Del(name)
			_, err := v.Verify(h, []byte(e.body))
			require.ErrorIs(t, err, webhook.ErrMissing)
			h = e.header()
			h.Add(name, value)
			_, err = v.Verify(h, []byte(e.body))
			require.ErrorIs(t, err, webhook.ErrMalformed, "%s twice", name)
			h.Set(name, strings.Repeat(value, 4096))
			_, err = v.Verify(h, []byte(e.body))
			require.ErrorIs(t, err, webhook.ErrMalformed)
		}
	}
}

// A signed request is good within the tolerance, both ends included.
func TestWindow(t *testing.T) {
	for _, e := range examples() {
		for off, want := range map[time.Duration]error{
			0: nil, 5 * time.Minute: nil, -5 * time.Minute: nil,
			5*time.Minute + time.Nanosecond: webhook.ErrTime, -5*time.Minute - time.Nanosecond: webhook.ErrTime, 1e6 * time.Hour: webhook.ErrTime,
		} {
			_, err := e.verifier(t, time.Unix(e.at, 0).Add(off)).Verify(e.header(), []byte(e.body))
			if e.at == 0 {
				want = nil // it has no time
			}
			require.ErrorIs(t, err, want, "%s %s", e.name, off)
		}
	}
}

func TestBadTimes(t *testing.T) {
	e := examples()[1]
	for _, s := range []string{"-1531420618", "+1531420618", "1531420618.0", " 1531420618", "0x5b47", "1531420618000000", "now", "١٥"} {
		h := e.header()
		h.Set("X-Slack-Request-Timestamp", s)
		_, err := e.verifier(t, time.Unix(e.at, 0)).Verify(h, []byte(e.body))
		require.ErrorIs(t, err, webhook.ErrMalformed, s)
	}
}

func TestBadConfig(t *testing.T) {
	good := []crm.Secret{text("0123456789abcdef")}
	for what, c := range map[string]webhook.Config{
		"Signature":                          {Secrets: good},
		"Secrets has 0":                      {Form: webhook.GitHub()},
		"Secrets has 5":                      {Form: webhook.GitHub(), Secrets: append(good[:1:1], good[0], good[0], good[0], good[0])},
		"Secrets[0] has 15 bytes":            {Form: webhook.GitHub(), Secrets: []crm.Secret{text("0123456789abcde")}},
		"and TimestampPrefix are both set":   {Form: webhook.Form{Signature: "S", Timestamp: "T", TimestampPrefix: "t=", Separator: ","}, Secrets: good},
		"needs a Separator":                  {Form: webhook.Form{Signature: "S", TimestampPrefix: "t="}, Secrets: good},
		"is the Prefix of signatures":        {Form: webhook.Form{Signature: "S", Prefix: "t=", TimestampPrefix: "t=", Separator: ","}, Secrets: good},
		"must have {body} once":              {Form: webhook.Form{Signature: "S", Signed: "{body}{body}"}, Secrets: good},
		"must have {timestamp} once":         {Form: webhook.Form{Signature: "S", Timestamp: "T"}, Secrets: good},
		"must have {id} once":                {Form: webhook.Form{Signature: "S", Signed: "{id}{body}"}, Secrets: good},
		"is not {id}, {timestamp} or {body}": {Form: webhook.Form{Signature: "S", Signed: "{body}{url}"}, Secrets: good},
	} {
		_, err := webhook.New(c)
		require.ErrorIs(t, err, webhook.ErrConfig, what)
		require.ErrorContains(t, err, what)
	}
}

func TestHandler(t *testing.T) {
	e := examples()[0]
	var taken []webhook.Delivery
	var fail error
	h := e.verifier(t, time.Unix(0, 0)).Handler(func(_ context.Context, d webhook.Delivery) error {
		if fail == nil {
			taken = append(taken, d)
		}
		return fail
	})
	do := func(method, body string, header http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.Header = header
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	require.Equal(t, http.StatusNoContent, do("POST", e.body, e.header()).Code)
	require.Len(t, taken, 1)
	fail = errors.New("the store is away: secret")
	rec := do("POST", e.body, e.header())
	require.Equal(t, http.StatusInternalServerError, rec.Code)
	require.NotContains(t, rec.Body.String(), "secret")
	fail = nil
	require.Equal(t, http.StatusUnauthorized, do("POST", "other", e.header()).Code)
	require.Equal(t, http.StatusUnauthorized, do("POST", e.body, http.Header{}).Code)
	require.Equal(t, http.StatusBadRequest, do("POST", e.body, http.Header{"X-Hub-Signature-256": {"sha256=zz"}}).Code)
	require.Equal(t, http.StatusMethodNotAllowed, do("GET", "", e.header()).Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, do("POST", strings.Repeat("x", 1001), e.header()).Code)
	require.Len(t, taken, 1)
}

// What is refused by its headers is refused before its body is read: a client
// that sends none holds nothing.
func TestForgedDoesNotWaitForItsBody(t *testing.T) {
	e := examples()[0]
	h := e.verifier(t, time.Unix(0, 0)).Handler(func(context.Context, webhook.Delivery) error { return nil })
	for _, header := range []http.Header{{}, {"X-Hub-Signature-256": {"sha256=00"}}, {"X-Hub-Signature-256": {"a", "b"}}} {
		r := httptest.NewRequest("POST", "/", never{})
		r.Header = header
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.GreaterOrEqual(t, rec.Code, 400)
	}
}

// never is a body that must not be read.
type never struct{}

func (never) Read([]byte) (int, error) { panic("the body was read") }

func FuzzVerify(f *testing.F) {
	for i, e := range examples() {
		for name, value := range e.headers {
			f.Add(byte(i), name, value, "1700000000", "id", []byte(e.body))
		}
	}
	f.Add(byte(3), "Stripe-Signature", "t=,v1=,t=", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, form byte, name, signature, timestamp, id string, body []byte) {
		e := examples()[int(form)%len(examples())]
		v := e.verifier(t, time.Unix(e.at, 0))
		h := e.header()
		h[http.CanonicalHeaderKey(name)] = []string{signature}
		if timestamp != "1700000000" {
			for _, k := range []string{"X-Slack-Request-Timestamp", "Webhook-Timestamp"} {
				h.Set(k, timestamp)
			}
		}
		if id != "id" {
			h.Set("Webhook-Id", id)
		}
		d, err := v.Verify(h, body)
		if err == nil {
			// Nothing but what the provider signed is ever accepted.
			if string(d.Body) != e.body {
				t.Fatalf("%s accepted %q", e.name, d.Body)
			}
			return
		}
		for _, want := range []error{webhook.ErrMissing, webhook.ErrMalformed, webhook.ErrSignature, webhook.ErrTime, webhook.ErrTooLarge} {
			if errors.Is(err, want) {
				return
			}
		}
		t.Fatalf("untyped error %v", err)
	})
}

func ExampleVerifier_Verify() {
	secret := []byte("what provider and host share")
	v, err := webhook.New(webhook.Config{Form: webhook.GitHub(), Secrets: []crm.Secret{crm.NewSecret(secret)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"from":"+905321234567","text":"STOP"}`)
	mac := hmac.New(sha256.New, secret) // the provider does this
	mac.Write(body)
	header := http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}

	d, err := v.Verify(header, body)
	fmt.Println(string(d.Body), err)
	_, err = v.Verify(header, []byte(`{"from":"+905321234567","text":"YES"}`))
	fmt.Println(err)
	// Output:
	// {"from":"+905321234567","text":"STOP"} <nil>
	// webhook: wrong signature
}
