package messaging_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// moody is a provider whose every answer is drawn: it may take a message or
// not, and say so or not.
type moody struct {
	draw    func(n int) int
	arrived map[crm.EffectID]int
	calm    bool
}

func (m *moody) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	lost := !m.calm && m.draw(4) == 0
	out := make([]crm.Receipt, len(batch))
	for i, msg := range batch {
		out[i] = crm.Receipt{ID: msg.ID, Status: crm.Accepted}
		mood := 0
		if !m.calm {
			mood = m.draw(6)
		}
		switch mood {
		default:
			m.arrived[msg.ID]++
		case 1:
			m.arrived[msg.ID]++
			out[i].Status = crm.Uncertain
		case 2:
			out[i].Status = crm.Uncertain
		case 3:
			out[i].Status = crm.Throttled
		}
	}
	if lost {
		return nil, errors.New("answer lost")
	}
	return out, nil
}

// knowing is moody, and recognises ids.
type knowing struct{ *moody }

func (k knowing) Idempotent() bool { return true }

// Whatever the provider answers and wherever the process dies, a provider that
// recognises ids has each message, and any other one has none twice.
func TestOutboxSurvivesAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "draw") }
		provider := &moody{draw: draw, arrived: map[crm.EffectID]int{}}
		var sender messaging.Sender = provider
		idem := rapid.Bool().Draw(rt, "idempotent")
		if idem {
			sender = knowing{provider}
		}
		n := rapid.IntRange(1, 12).Draw(rt, "messages")
		w := newWorld(t, n, sender)
		run := func(store crm.Store) error {
			o := &messaging.Outbox{Store: store, Sender: sender, Guard: guard, Render: render, Now: func() time.Time { return w.now }, Batch: 5, MaxAttempts: 1000}
			if draw(3) == 0 {
				if _, err := o.Resume(t.Context()); err != nil {
					return err
				}
			}
			_, err := o.Drain(t.Context())
			return err
		}
		for range rapid.IntRange(1, 8).Draw(rt, "lives") {
			_ = run(&crashing{Store: w.store, after: draw(6)})
			w.now = w.now.Add(time.Duration(draw(120)) * time.Minute)
		}
		provider.calm = true
		for range 3 {
			w.now = w.now.Add(48 * time.Hour)
			require.NoError(rt, run(w.store))
		}
		states := w.states(t)
		if idem {
			require.Equal(rt, map[crm.EffectState]int{crm.Done: n}, states)
		} else {
			require.Equal(rt, n, states[crm.Done]+states[crm.Unknown])
		}
		for i := range n {
			e := w.effect(t, i)
			got := provider.arrived[e.ID]
			if idem {
				require.GreaterOrEqual(rt, got, 1, "lost")
			} else {
				require.LessOrEqual(rt, got, 1, "sent twice")
			}
			if e.State == crm.Done {
				require.GreaterOrEqual(rt, got, 1, "done, but it never arrived")
			}
		}
	})
}

type answerer string

func (a answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// Whatever a provider's body says, Send gives a receipt per message.
func FuzzHTTPAnswer(f *testing.F) {
	f.Add(`{"receipts":[{"id":"a","status":"accepted"}]}`)
	f.Add(`{"receipts":[{"id":"a","status":"throttled","retry_after":-1e999}]}`)
	f.Add(`[]`)
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, body string) {
		s, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: "https://sms.example.com", Client: &http.Client{Transport: answerer(body)}})
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := s.Send(t.Context(), []messaging.Message{{ID: "a"}, {ID: "b"}})
		if err != nil || len(receipts) != 2 || receipts[0].ID != "a" || receipts[1].ID != "b" {
			t.Fatalf("%v %v", receipts, err)
		}
		for _, r := range receipts {
			switch r.Status {
			case crm.Accepted, crm.Declined, crm.Throttled, crm.Uncertain:
			default:
				t.Fatalf("status %q", r.Status)
			}
			if r.After < 0 || r.After > 24*time.Hour || len(r.Reason) > 250 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
