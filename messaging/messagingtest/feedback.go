package messagingtest

import (
	"strings"
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// told reports whether a text has one of the secrets.
func told(f Fixture, text string) bool {
	for _, s := range f.Secrets {
		if s != "" && strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// smuggled puts line breaks where a careless sender makes headers or parameters of them. Any
// answer will do but doubt, and the message after must go through.
func smuggled(t *testing.T, f Fixture) {
	for i, evil := range []string{"VEFA\r\nX-Injected: 1", "VEFA\nto=+905329999999", "A&to=B", "\x00", "a;b", "\u2028", "VEFA\r\n\r\nGET / HTTP/1.1"} {
		m := f.message(2*i + 1)
		m.From = evil
		m.Meta = map[string]string{messaging.MetaRecipient: evil, evil: evil}
		if r := send(t, f, []messaging.Message{m}); r[0].Status == crm.Uncertain {
			t.Errorf("a sender's name of %q leaves the message in doubt: %s", evil, r[0].Reason)
		}
		if f.Arrived != nil && f.Arrived(m.ID) > 1 {
			t.Errorf("a sender's name of %q made %d messages of one", evil, f.Arrived(m.ID))
		}
		plain := f.message(2*i + 2)
		accepted(t, send(t, f, []messaging.Message{plain}))
		arrived(t, f, []messaging.Message{plain}, 1)
	}
}

// A provider is polled at most so often, and until it said nothing so often.
const (
	most  = 50
	quiet = 5
)

// drain polls until a cursor brings nothing new.
func drain(t *testing.T, f Fixture, cursor string) (messaging.Feedback, string) {
	t.Helper()
	var all messaging.Feedback
	p, ok := f.Sender.(messaging.Poller)
	if !ok {
		return all, cursor
	}
	for n, silent := 0, 0; n < most && silent < quiet; n++ {
		got, next, err := p.Poll(t.Context(), cursor)
		if err != nil {
			if told(f, err.Error()) {
				t.Error("the error of Poll tells a secret")
			}
			t.Fatalf("poll: %v", err)
		}
		all.Reports, all.Inbound = append(all.Reports, got.Reports...), append(all.Inbound, got.Inbound...)
		if silent++; len(got.Reports)+len(got.Inbound) > 0 {
			silent = 0
		}
		cursor = next
	}
	return all, cursor
}

// validate checks the form of what a provider told.
func validate(t *testing.T, f messaging.Feedback) {
	t.Helper()
	for i, r := range f.Reports {
		if err := r.Validate(); err != nil {
			t.Errorf("report %d: %v", i, err)
		}
	}
	for i, m := range f.Inbound {
		if err := m.Validate(); err != nil {
			t.Errorf("inbound message %d: %v", i, err)
		}
	}
}

// reports sends messages and looks whether what is reported of them names them as Send did.
func reports(t *testing.T, f Fixture) {
	if f.Deliver == nil {
		t.Log("the provider reports nothing here")
		return
	}
	b := batch(f, min(5, limit(f)))
	receipts := send(t, f, b)
	accepted(t, receipts)
	told := f.Deliver(t)
	polled, cursor := drain(t, f, "")
	validate(t, told)
	validate(t, polled)
	all := append(append([]messaging.Report(nil), told.Reports...), polled.Reports...)
	for i, m := range b {
		last := messaging.Delivery("")
		for _, r := range all {
			if r.ID != "" && r.ID == m.ID && r.Provider != "" && receipts[i].Provider != "" && r.Provider != receipts[i].Provider {
				t.Errorf("message %d was %q when it was sent and is %q in its report", i, receipts[i].Provider, r.Provider)
			}
			if r.ID == m.ID && m.ID != "" || r.ID == "" && r.Provider == receipts[i].Provider {
				if last == "" || r.State.After(last) {
					last = r.State
				}
			}
		}
		if last != messaging.Delivered && last != messaging.Read {
			t.Errorf("message %d was delivered and is %q by the %d reports", i, last, len(all))
		}
	}
	for _, r := range all {
		known := false
		for i, m := range b {
			known = known || r.ID == m.ID || r.ID == "" && r.Provider == receipts[i].Provider
		}
		if !known {
			t.Errorf("a report of %q, %q, which nobody sent", r.ID, r.Provider)
		}
	}
	if again, _ := drain(t, f, cursor); len(again.Reports) != 0 {
		t.Errorf("%d reports came again after all was at its end and the cursor was kept", len(again.Reports))
	}
}

// inbound lets customers write, two of them the same at once, which are two messages.
func inbound(t *testing.T, f Fixture) {
	if f.Reply == nil {
		t.Log("nobody writes here")
		return
	}
	texts := []string{"RET", "İptal ğüşıöç", "", "😀", "a&b=c\r\nd <x>"}
	for i, text := range texts {
		f.Reply(t, f.customer(i), text)
	}
	var got messaging.Feedback
	if f.Deliver != nil {
		got = f.Deliver(t)
	}
	polled, _ := drain(t, f, "")
	validate(t, got)
	validate(t, polled)
	by := map[string]messaging.Inbound{}
	for _, m := range append(got.Inbound, polled.Inbound...) {
		if old, ok := by[m.ID]; ok && (old.From != m.From || old.Text != m.Text) {
			t.Errorf("two messages have the id %q", m.ID)
		}
		by[m.ID] = m
	}
	if len(by) != len(texts) {
		t.Errorf("%d messages of %d came in", len(by), len(texts))
	}
	for i, text := range texts {
		found := false
		for _, m := range by {
			n, err := crm.NormalAddress(m.From)
			found = found || err == nil && n == f.customer(i) && strings.Contains(lines(m.Text), lines(text))
		}
		if !found {
			t.Errorf("message %d did not come in as it was written", i)
		}
	}
}

// lines writes the ends of lines in one way: channels have one or the other.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// cursorLost polls, forgets the cursor as a process does that ends, and polls again: nothing
// may be missing, and once the cursor is kept no message may come under another id.
func cursorLost(t *testing.T, f Fixture) {
	p, ok := f.Sender.(messaging.Poller)
	if !ok {
		t.Log("the sender is not polled")
		return
	}
	b := batch(f, min(3, limit(f)))
	accepted(t, send(t, f, b))
	if f.Deliver != nil {
		f.Deliver(t)
	}
	if f.Reply != nil {
		f.Reply(t, f.customer(1), "bir")
	}
	first, cursor, err := p.Poll(t.Context(), "")
	if err != nil {
		t.Fatalf("poll: %v", err)
	}
	second, _, err := p.Poll(t.Context(), "")
	if err != nil {
		t.Fatalf("poll: %v", err)
	}
	has := func(f messaging.Feedback, id string) bool {
		for _, m := range f.Inbound {
			if m.ID == id {
				return true
			}
		}
		return false
	}
	for _, m := range first.Inbound {
		if !has(second, m.ID) {
			t.Error("an inbound message is lost with the cursor")
		}
	}
	for _, r := range first.Reports {
		found := false
		for _, s := range second.Reports {
			found = found || s.ID == r.ID && s.Provider == r.Provider && s.State == r.State
		}
		if !found {
			t.Error("a report is lost with the cursor")
		}
	}
	if f.Reply == nil {
		return
	}
	if len(first.Inbound) != 1 {
		t.Fatalf("%d inbound messages of 1", len(first.Inbound))
	}
	f.Reply(t, f.customer(2), "iki")
	rest, _ := drain(t, f, cursor)
	if has(rest, first.Inbound[0].ID) {
		t.Error("an inbound message came again although its cursor was kept")
	}
	if len(rest.Inbound) != 1 || !strings.Contains(rest.Inbound[0].Text, "iki") {
		t.Errorf("%d inbound messages of 1 after the cursor", len(rest.Inbound))
	}
}

// cursorBad gives cursors that no Poll returned: an error or the beginning, and no panic.
func cursorBad(t *testing.T, f Fixture) {
	p, ok := f.Sender.(messaging.Poller)
	if !ok {
		t.Log("the sender is not polled")
		return
	}
	for _, c := range []string{"{", "0", "null", "x\r\ny", strings.Repeat("9", 100), `{"jobs":[{"id":"../../x?y","at":"-1"}],"inbox":"z"}`} {
		got, _, err := p.Poll(t.Context(), c)
		if err == nil {
			validate(t, got)
		}
	}
}
