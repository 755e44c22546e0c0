package twilio

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// FuzzDecoders reads any answer and any form: only a SID is accepted, nothing that may have
// been taken is refused, what is told is in form, and nothing verifies without its signature.
func FuzzDecoders(f *testing.F) {
	f.Add(201, `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`)
	f.Add(400, `{"code":21610,"message":"","status":400}`)
	f.Add(200, `{"messages":[{"sid":"SM0123456789abcdef0123456789abcdef","direction":"inbound","from":"+1","body":"x","date_sent":"Mon, 03 Mar 2025 09:00:00 +0000"}],"next_page_uri":"/x"}`)
	f.Add(0, "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=undelivered&ErrorCode=30005&From=%2B1")
	f.Add(0, "MessageSid=SM0123456789abcdef0123456789abcdef&SmsStatus=received&Body=x&From=%2B1")
	f.Fuzz(func(t *testing.T, code int, body string) {
		r := sent(gateway.Answer{Code: code, Body: []byte(body), Header: http.Header{}})
		switch {
		case r.Status.Validate() != nil:
			t.Errorf("status %q", r.Status)
		case r.Status == crm.Accepted && (code/100 != 2 || !messageSID.MatchString(r.Provider)):
			t.Errorf("accepted by %d as %q", code, r.Provider)
		case (code/100 == 2 || code/100 == 5) && r.Status != crm.Accepted && r.Status != crm.Uncertain:
			t.Errorf("%d is %s", code, r.Status)
		}
		if l, err := parseList([]byte(body)); err == nil {
			for _, m := range l.Messages {
				if rep := report("", m.SID, m.Status, m.Code.String(), when(m.Sent)); rep.Validate() != nil {
					t.Error(rep.Validate())
				}
			}
		}
		if form, err := url.ParseQuery(body); err == nil {
			if got, err := callback("", form); err == nil {
				for _, rep := range got.Reports {
					if rep.Validate() != nil {
						t.Error(rep.Validate())
					}
				}
				for _, m := range got.Inbound {
					if m.Validate() != nil {
						t.Error(m.Validate())
					}
				}
			}
		}
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		req.Header.Set("X-Twilio-Signature", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")
		if Verify(crm.NewSecret([]byte("another token")), "https://a.b/c", req, []byte(body)) == nil {
			t.Error("verified without its signature")
		}
	})
}
