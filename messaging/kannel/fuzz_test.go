package kannel

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// FuzzDecoders reads any answer and any call: only what Kannel says is accepted, nothing
// that may have been taken is refused but the gateway's own refusal, and what is told is in form.
func FuzzDecoders(f *testing.F) {
	f.Add(202, "0: Accepted for delivery")
	f.Add(503, "Temporal failure, try again later.")
	f.Add(0, "id=a1&status=2&at=1741000000&answer=id:1+err:001+text:x")
	f.Add(0, "in=1&from=%2B905331234567&to=4609&text=%00R&coding=2&charset=UTF-16BE")
	f.Fuzz(func(t *testing.T, code int, body string) {
		r := sent(gateway.Answer{Code: code, Body: []byte(body), Header: http.Header{}})
		switch {
		case r.Status.Validate() != nil:
			t.Errorf("status %q", r.Status)
		case r.Status == crm.Accepted && code/100 != 2:
			t.Errorf("accepted by %d", code)
		case code/100 == 2 && r.Status != crm.Accepted && r.Status != crm.Uncertain:
			t.Errorf("%d is %s", code, r.Status)
		}
		q, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		got, err := feedback(q)
		if err != nil {
			return
		}
		for _, r := range got.Reports {
			if r.Validate() != nil {
				t.Error(r.Validate())
			}
		}
		for _, m := range got.Inbound {
			if m.Validate() != nil {
				t.Error(m.Validate())
			}
		}
	})
}
