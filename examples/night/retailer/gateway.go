package retailer

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
)

// Gateway is the SMS provider of the example: a real HTTP server that speaks
// the wire format of messaging.HTTPSender and behaves as the world says. Its
// answers depend on the message's id and the simulated time alone, so that a
// run that was killed meets the same gateway.
type Gateway struct {
	// Fate says what becomes of a message, in the words of package world; Now is the clock. Both must
	// be set.
	Fate func(effect crm.EffectID, to crm.Address, at time.Time) (status string, delivered time.Time)
	Now  func() time.Time

	mu      sync.Mutex
	taken   map[string]wireReceipt // the last answer to each message
	fresh   []crm.EffectID
	repeats int // messages that came again under their id
}

// Drain returns the messages that came since it was called last, each once.
func (g *Gateway) Drain() []crm.EffectID {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids := g.fresh
	g.fresh = nil
	return ids
}

// Taken returns the last answer to a message, "accepted" or "rejected" or another, and whether it was
// given.
func (g *Gateway) Taken(id crm.EffectID) (status string, given bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, given := g.taken[string(id)]
	return a.Status, given
}

// Repeats returns how many messages came again under their id.
func (g *Gateway) Repeats() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.repeats
}

type wireMessage struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	To      string `json:"to"`
}

type wireReceipt struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	Reason     string `json:"reason,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
}

// ServeHTTP takes messages.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Messages []wireMessage `json:"messages"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&in); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var out struct {
		Receipts []wireReceipt `json:"receipts"`
	}
	now := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range in.Messages {
		if _, again := g.taken[m.ID]; again {
			g.repeats++
		}
		if g.taken == nil {
			g.taken = map[string]wireReceipt{}
		}
		g.taken[m.ID] = g.answer(m, now)
		g.fresh = append(g.fresh, crm.EffectID(m.ID))
		out.Receipts = append(out.Receipts, g.taken[m.ID])
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// Status says what became of messages. What this process has not heard of was
// never received: whoever sends it again gets the answer that was lost.
func (g *Gateway) Status(w http.ResponseWriter, r *http.Request) {
	var in struct {
		IDs []string `json:"ids"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&in); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var out struct {
		Receipts []wireReceipt `json:"receipts"`
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range in.IDs {
		a, known := g.taken[id]
		switch {
		case !known || a.Status == "throttled":
			a = wireReceipt{ID: id, Status: "absent"}
		case a.Status == "unknown": // the line broke, and it never got through
			a = wireReceipt{ID: id, Status: "rejected", Reason: "could not be delivered"}
		}
		out.Receipts = append(out.Receipts, a)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (g *Gateway) answer(m wireMessage, now time.Time) wireReceipt {
	status, delivered := g.Fate(crm.EffectID(m.ID), crm.Address{Channel: crm.Channel(m.Channel), Value: m.To}, now)
	switch status {
	case world.Throttled:
		// The first attempt of an hour is too much; a later hour is fine.
		if crm.ContentHash([]byte(m.ID), []byte(now.Format(time.RFC3339)))%2 == 0 {
			return wireReceipt{ID: m.ID, Status: "throttled", RetryAfter: 3600}
		}
	case world.Unknown:
		if delivered.IsZero() {
			return wireReceipt{ID: m.ID, Status: "unknown", Reason: "the connection broke"}
		}
	case world.Rejected:
		return wireReceipt{ID: m.ID, Status: "rejected", Reason: "no such number"}
	}
	return wireReceipt{ID: m.ID, Status: "accepted"}
}
