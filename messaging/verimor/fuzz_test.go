package verimor

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// FuzzDecoders reads what is pushed or answered: an error, or reports and messages in form;
// of answers to a request only 200 with digits is accepted, nothing that may have been taken
// is refused, and only what was refused is tried again in halves.
func FuzzDecoders(f *testing.F) {
	f.Add(0, []byte(`[{"type":"outbound","campaign_id":20121,"message_id":"13582302","message_custom_id":"1234","status":"DELIVERED","gsm_error":"0","done_at":"2015-02-20 16:06:00"}]`))
	f.Add(0, []byte(`[{"message_id":1234,"created_at":"2017-01-01T09:00:00.000+03:00","source_addr":"905335876543","destination_addr":"4609","keyword":"verimor","content":"verimor deneme"}]`))
	f.Add(0, []byte(`[{"message_id":null}]`))
	f.Add(0, []byte(`[{"type":"inbound","message_id":1}]`))
	f.Add(0, []byte(`[{"message_id":1,"status":"X"}]`))
	f.Add(200, []byte("20210"))
	f.Add(400, []byte("INSUFFICIENT_CREDITS"))
	f.Add(502, []byte("<html>"))
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		r, one := sent(gateway.Answer{Code: code, Body: body})
		switch {
		case r.Status.Validate() != nil:
			t.Errorf("status %q", r.Status)
		case r.Status == crm.Accepted && (code/100 != 2 || r.Provider == ""):
			t.Errorf("accepted by %d", code)
		case (code/100 == 2 || code/100 == 5) && r.Status != crm.Accepted && r.Status != crm.Uncertain:
			t.Errorf("%d is %s", code, r.Status)
		case one && code != 400 && code != 413:
			t.Errorf("%d would be sent again in halves", code)
		}
		items, err := parse(body)
		if err != nil {
			return
		}
		got := feedback(items)
		for _, r := range got.Reports {
			if err := r.Validate(); err != nil {
				t.Error(err)
			}
			if r.Bounce && r.State.After("rejected") {
				t.Errorf("a bounce that is %s", r.State)
			}
		}
		for _, m := range got.Inbound {
			if err := m.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
