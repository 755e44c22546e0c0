package messagingtest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// Fixture is one fresh sender whose provider, real or simulated, accepts
// well-formed messages to +905320000000 and the numbers after it.
type Fixture struct {
	Sender messaging.Sender
	// Message makes the i-th message, of a channel that is not SMS; nil is the package's.
	// Each has an id and an address of its own.
	Message func(i int) messaging.Message
	// Customer is the i-th address that writes to the retailer, in normal form; nil is a
	// telephone number.
	Customer func(i int) crm.Address
	// Arrived returns how often a message arrived at the provider. It is
	// optional; with it the suite sees that nothing is lost or repeated.
	Arrived func(id crm.EffectID) int
	// Deliver lets the provider bring everything that it has to an end and returns what it
	// pushed to the host meanwhile. It is optional; with it the suite looks at reports.
	Deliver func(t *testing.T) messaging.Feedback
	// Reply makes a customer write to the retailer. It is optional; with it, and a sender
	// that is a messaging.Poller or with Deliver, the suite looks at inbound messages.
	Reply func(t *testing.T, from crm.Address, text string)
	// Hang makes the provider take what comes from now on and not answer it before the
	// caller has gone. It is optional; with it the suite looks whether contexts are honoured.
	Hang func(t *testing.T)
	// Secrets are texts that no receipt and no error may tell, such as a password.
	Secrets []string
}

// Run checks that senders keep the contract that messaging.Outbox relies on.
// Each subtest asks for a fixture of its own.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f Fixture)
	}{
		{"one receipt per message, in order", inOrder},
		{"an empty batch", empty},
		{"hostile texts", hostile},
		{"the largest batch", largest},
		{"a context that has ended", ended},
		{"a context that ends", ends},
		{"several batches at once", atOnce},
		{"a repeated message", repeated},
		{"asking what became of messages", asked},
		{"the batch is not changed", unchanged},
		{"lines smuggled into fields", smuggled},
		{"reports", reports},
		{"inbound messages", inbound},
		{"a cursor that was not kept", cursorLost},
		{"a cursor that is none", cursorBad},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Message returns the i-th message that the suite sends.
func Message(i int) messaging.Message {
	to := crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)}
	return messaging.Message{
		ID: crmtest.EffectID("test/conformance", crm.OfAddress(to), crm.FactKey{}, ""), To: to, From: "VEFA",
		Text: fmt.Sprintf("Merhaba %d, İndirim başladı", i), Class: consent.Commercial, Cause: "test/conformance",
		At: time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC),
	}
}

func (f Fixture) message(i int) messaging.Message {
	if f.Message != nil {
		return f.Message(i)
	}
	return Message(i)
}

func (f Fixture) customer(i int) crm.Address {
	if f.Customer != nil {
		return f.Customer(i)
	}
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90533%07d", i)}
}

// batch makes n messages, each with an id and an address of its own.
func batch(f Fixture, n int) []messaging.Message {
	out := make([]messaging.Message, n)
	for i := range out {
		out[i] = f.message(i)
	}
	return out
}

// send sends and checks the form of the answer.
func send(t *testing.T, f Fixture, b []messaging.Message) []crm.Receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	receipts, err := f.Sender.Send(ctx, b)
	if err != nil {
		t.Fatalf("send %d messages: %v", len(b), err)
	}
	form(t, b, receipts)
	for i, r := range receipts {
		if told(f, r.Reason+r.Provider) {
			t.Errorf("receipt %d tells a secret", i)
		}
	}
	return receipts
}

// form checks what every answer must have: a receipt per message, in order, with a status that
// there is.
func form(t *testing.T, b []messaging.Message, receipts []crm.Receipt) {
	t.Helper()
	if len(receipts) != len(b) {
		t.Fatalf("%d receipts for %d messages", len(receipts), len(b))
	}
	for i, r := range receipts {
		if r.ID != b[i].ID {
			t.Errorf("receipt %d is about %s, message %d is %s", i, r.ID, i, b[i].ID)
		}
		switch r.Status {
		case crm.Accepted, crm.Declined, crm.Throttled, crm.Uncertain:
		default:
			t.Errorf("receipt %d has the status %q", i, r.Status)
		}
		if r.Unreached && r.Status != crm.Throttled {
			t.Errorf("receipt %d is %s, which a provider that was not reached cannot say", i, r.Status)
		}
		if strings.Contains(r.Reason, b[i].To.Value) || (b[i].Text != "" && strings.Contains(r.Reason, b[i].Text)) {
			t.Errorf("receipt %d tells the address or the text", i)
		}
	}
}

// accepted checks that all were taken.
func accepted(t *testing.T, receipts []crm.Receipt) {
	t.Helper()
	for i, r := range receipts {
		if r.Status != crm.Accepted {
			t.Errorf("message %d is %s (%s), not accepted", i, r.Status, r.Reason)
		}
	}
}

// arrived asks the provider's own record, because a receipt says only what the sender believes.
func arrived(t *testing.T, f Fixture, b []messaging.Message, want int) {
	t.Helper()
	if f.Arrived == nil {
		return
	}
	for i, m := range b {
		if n := f.Arrived(m.ID); n != want {
			t.Errorf("message %d arrived %d times, not %d", i, n, want)
		}
	}
}

// inOrder sends a plain batch.
func inOrder(t *testing.T, f Fixture) {
	b := batch(f, min(7, limit(f)))
	accepted(t, send(t, f, b))
	arrived(t, f, b, 1)
}

// empty sends no message, which must reach no recipient and fail nothing.
func empty(t *testing.T, f Fixture) {
	receipts, err := f.Sender.Send(t.Context(), nil)
	if err != nil || len(receipts) != 0 {
		t.Errorf("an empty batch gives %d receipts, %v", len(receipts), err)
	}
}

// hostile sends texts that break formats, of which any answer will do that is in form, and a
// message on a channel that is not served, whose fate must not be in doubt.
func hostile(t *testing.T, f Fixture) {
	for i, text := range []string{"", "\x00\x01", "a\r\nX-Header: b", `"}]}`, "<script>", strings.Repeat("ş", 2000), "😀🇹🇷", "%s%n", "\xff\xfe"} {
		m := f.message(i)
		m.Text = text
		send(t, f, []messaging.Message{m}) // any status will do, in form
	}
	m := f.message(99)
	m.To = crm.Address{Channel: "carrier pigeon", Value: "roof"}
	if r := send(t, f, []messaging.Message{m}); r[0].Status == crm.Uncertain {
		t.Errorf("a channel that is not served is %s", r[0].Status)
	}
}

// limit is the largest batch that the sender takes.
func limit(f Fixture) int {
	if l, ok := f.Sender.(messaging.BatchLimiter); ok {
		return max(1, l.MaxBatch())
	}
	return 1000
}

// largest sends as many messages as the sender says it takes.
func largest(t *testing.T, f Fixture) {
	b := batch(f, min(limit(f), 1000))
	accepted(t, send(t, f, b))
	arrived(t, f, b, 1)
}

// ended sends with a context that is over. The message may be put off or in doubt, but not
// count as refused for good: then it would never be sent.
func ended(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := batch(f, 1)
	receipts, err := f.Sender.Send(ctx, b)
	if err != nil {
		if told(f, err.Error()) {
			t.Error("the error tells a secret")
		}
	} else {
		form(t, b, receipts)
		if receipts[0].Status == crm.Declined {
			t.Error("a message that was not sent counts as rejected for good")
		}
		if told(f, receipts[0].Reason) {
			t.Error("the receipt tells a secret")
		}
	}
	if r, ok := f.Sender.(messaging.Reconciler); ok {
		got, err := r.Reconcile(ctx, []crm.EffectID{b[0].ID})
		if err != nil && told(f, err.Error()) {
			t.Error("the error of Reconcile tells a secret")
		}
		if err == nil {
			form(t, b, got)
		}
	}
	if p, ok := f.Sender.(messaging.Poller); ok {
		if _, _, err := p.Poll(ctx, ""); err == nil {
			t.Log("Poll knows of nothing with a context that has ended")
		} else if told(f, err.Error()) {
			t.Error("the error of Poll tells a secret")
		}
	}
}

// ends cancels a context while the provider does not answer. Send must come back, and must not
// count as refused or as not taken what was.
func ends(t *testing.T, f Fixture) {
	if f.Hang == nil {
		t.Log("the provider always answers")
		return
	}
	f.Hang(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	b := batch(f, 1)
	receipts, err := f.Sender.Send(ctx, b)
	if err != nil {
		if told(f, err.Error()) {
			t.Error("the error tells a secret")
		}
		return
	}
	form(t, b, receipts)
	if s := receipts[0].Status; s != crm.Uncertain && (f.Arrived == nil || f.Arrived(b[0].ID) > 0) {
		t.Errorf("a message that was taken without an answer is %s", s)
	}
}

// atOnce sends from several goroutines, as several workers of one process do.
func atOnce(t *testing.T, f Fixture) {
	n := min(limit(f), 20)
	var wg sync.WaitGroup
	for w := range 8 {
		b := make([]messaging.Message, n)
		for i := range b {
			b[i] = f.message(w*n + i)
		}
		wg.Go(func() {
			receipts, err := f.Sender.Send(t.Context(), b)
			if err != nil || len(receipts) != n {
				t.Errorf("batch %d: %d receipts, %v", w, len(receipts), err)
				return
			}
			for i, r := range receipts {
				if r.ID != b[i].ID || r.Status != crm.Accepted {
					t.Errorf("batch %d, message %d: %+v", w, i, r)
				}
			}
		})
	}
	wg.Wait()
	arrived(t, f, batch(f, 8*n), 1)
}

// repeated gives ids again, one at a time and together, to a sender that declares itself
// Idempotent: each message must arrive once.
func repeated(t *testing.T, f Fixture) {
	if i, ok := f.Sender.(messaging.Idempotent); !ok || !i.Idempotent() {
		t.Log("the sender does not promise to recognise repeated ids")
		return
	}
	b := batch(f, 3)
	for _, m := range b { // one at a time, then together: ids count, not batches
		accepted(t, send(t, f, []messaging.Message{m}))
	}
	accepted(t, send(t, f, b[:min(3, limit(f))]))
	arrived(t, f, b, 1)
}

// asked looks up what was sent and what never was. Of both a provider may say that it does not
// know.
func asked(t *testing.T, f Fixture) {
	r, ok := f.Sender.(messaging.Reconciler)
	if !ok {
		t.Log("the sender cannot be asked")
		return
	}
	sent, other := f.message(1), f.message(2)
	accepted(t, send(t, f, []messaging.Message{sent}))
	ids := []crm.EffectID{other.ID, sent.ID}
	receipts, err := r.Reconcile(t.Context(), ids)
	if err != nil {
		t.Fatalf("reconcile: %v", err)
	}
	form(t, []messaging.Message{other, sent}, receipts)
	if s := receipts[0].Status; s != crm.Throttled && s != crm.Uncertain {
		t.Errorf("a message that was never sent is %s", s)
	}
	if s := receipts[1].Status; s != crm.Accepted && s != crm.Uncertain {
		t.Errorf("a message that was accepted is %s", s)
	}
}

// unchanged checks that the sender left the caller's messages as they were.
func unchanged(t *testing.T, f Fixture) {
	b := batch(f, min(3, limit(f)))
	send(t, f, b)
	for i := range b {
		if want := f.message(i); b[i].ID != want.ID || b[i].Text != want.Text || b[i].To != want.To || !maps.Equal(b[i].Parts, want.Parts) {
			t.Errorf("message %d was changed", i)
		}
	}
}
