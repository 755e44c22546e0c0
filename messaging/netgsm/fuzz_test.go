package netgsm

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// FuzzAnswers reads any answer to a request to send, for a report and for the inbox: only a
// job is accepted, nothing that may have been taken is refused, and what is told is in form.
func FuzzAnswers(f *testing.F) {
	f.Add(200, []byte(`{"code":"00","description":"queued","jobid":"17377215342605050417149344"}`))
	f.Add(406, []byte(`{"code":"85","description":"","jobs":null}`))
	f.Add(200, []byte(`{"code":"00","jobs":[{"jobid":"1","number":"905311234567","status":15,"deliveredDate":"23.01.2023 09:35:00","errorCode":3}]}`))
	f.Add(200, []byte(`{"code":"00","messages":[{"message":"RET","sender":"5531234567","receiver":"850","datetime":"12.01.2023 09:43:51"}]}`))
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		a := gateway.Answer{Code: code, Body: body}
		r, one := sent(a)
		switch {
		case r.Status.Validate() != nil:
			t.Errorf("status %q", r.Status)
		case r.Status == crm.Accepted && (!a.OK() || !job(r.Provider)):
			t.Errorf("accepted by %d as %q", code, r.Provider)
		case code/100 == 5 && r.Status != crm.Uncertain, one && r.Status == crm.Uncertain:
			t.Errorf("%d is %s", code, r.Status)
		}
		if rows, err := parseReport(a); err == nil {
			for _, x := range rows {
				if rep, ok := x.report(); ok && rep.Validate() != nil {
					t.Error(rep.Validate())
				}
			}
		}
		if letters, err := parseInbox(a); err == nil {
			for _, l := range letters {
				if m := l.message(); m.Validate() != nil {
					t.Error(m.Validate())
				}
			}
		}
	})
}
