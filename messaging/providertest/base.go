package providertest

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Config configures a simulator. The zero value works.
type Config struct {
	Seed uint64
	Now  func() time.Time // the provider's clock; nil means time.Now
}

// Faults are shares, 0 for never and 1 for always.
type Faults struct {
	// of requests to send
	Throttle float64 // refused as too many, nothing is taken
	Drop     float64 // nothing is taken and the connection ends without an answer
	Error    float64 // the messages are taken and the answer is 500
	Lost     float64 // the messages are taken and the connection ends without an answer
	Slow     float64 // the messages are taken and no answer comes until the client has gone
	// of messages
	Fail  float64 // not delivered
	Never float64 // never reported to the host by itself; asking tells
	Early float64 // reported before the request to send is answered
	Twice float64 // reported twice
	Parts float64 // reported once for each of two parts, of a provider that does
}

// Arrival is a message that the provider took.
type Arrival struct {
	ID       crm.EffectID // the host's id of it, where the provider is told
	Provider string       // the provider's own
	Job      string       // the request that it came with
	To, From string       // as they were sent
	Text     string
	Fields   map[string]string // what else was said about it, in the provider's words
	State    string            // in the provider's words
}

// base is what the simulators have in common.
type base struct {
	// Username and Password are what the account has. Set them before the first request.
	Username string
	Password crm.Secret

	mu       sync.Mutex
	cfg      Config
	faults   Faults
	draws    map[string]int
	times    map[string][]time.Time // of requests, by kind
	arrivals []*Arrival
	pushes   []*push
	target   http.Handler
	path     string
	serial   int64
}

// push is a request to the host that is still to be made.
type push struct {
	order    uint64
	due      time.Time
	attempts int
	method   string
	url      string
	header   http.Header
	body     []byte
}

func newBase(cfg Config) base {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return base{cfg: cfg, draws: map[string]int{}, times: map[string][]time.Time{}, serial: 1000,
		Username: "908501234567", Password: crm.NewSecret([]byte(fmt.Sprintf("gizli-%016x", hash(cfg.Seed, "password"))))}
}

// SetFaults switches faults on and off.
func (b *base) SetFaults(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
}

// PushTo says where reports and inbound messages are pushed: to a handler, under a path
// or, for providers that sign addresses, a whole URL.
func (b *base) PushTo(h http.Handler, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target, b.path = h, path
}

// Arrivals returns what was taken, in order.
func (b *base) Arrivals() []Arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Arrival, len(b.arrivals))
	for i, a := range b.arrivals {
		out[i] = *a
	}
	return out
}

// Arrived returns how often a message with the host's id was taken.
func (b *base) Arrived(id crm.EffectID) int {
	n := 0
	for _, a := range b.Arrivals() {
		if a.ID == id {
			n++
		}
	}
	return n
}

func hash(seed uint64, texts ...string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d", seed)
	for _, t := range texts {
		_, _ = fmt.Fprintf(h, "/%d/%s", len(t), t)
	}
	x := h.Sum64() // FNV's high bits change little with the last byte: mix them
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// draw decides about a fault of a request or message, which a key names. Each time anew, so
// that what is tried again may succeed. The lock is held.
func (b *base) draw(fault string, share float64, key string) bool {
	if share <= 0 {
		return false
	}
	n := b.draws[fault+"/"+key]
	b.draws[fault+"/"+key]++
	return float64(hash(b.cfg.Seed, fault, key, fmt.Sprint(n)))/(1<<64) < share
}

// limited counts a request of a kind and reports whether it is one too many. The lock is held.
func (b *base) limited(kind string, most int, per time.Duration) bool {
	now := b.cfg.Now()
	b.times[kind] = slices.DeleteFunc(b.times[kind], func(t time.Time) bool { return now.Sub(t) >= per })
	if len(b.times[kind]) >= most {
		return true
	}
	b.times[kind] = append(b.times[kind], now)
	return false
}

// next returns a number that no other message of the provider has. The lock is held.
func (b *base) next() int64 {
	b.serial += 1 + int64(hash(b.cfg.Seed, "serial", fmt.Sprint(b.serial))%3)
	return b.serial
}

// fate says how an answer to a request that was taken goes wrong.
func (b *base) fate(key string) string {
	switch {
	case b.draw("error", b.faults.Error, key):
		return "error"
	case b.draw("lost", b.faults.Lost, key):
		return "lost"
	case b.draw("slow", b.faults.Slow, key):
		return "slow"
	}
	return ""
}

// spoil carries out a fate; false means that the answer may be written. The lock is not held.
func spoil(w http.ResponseWriter, r *http.Request, fate string) bool {
	switch fate {
	case "error":
		http.Error(w, "internal error", http.StatusInternalServerError)
	case "lost":
		panic(http.ErrAbortHandler)
	case "slow":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// queue adds a push, or several as the faults want it. The lock is held.
func (b *base) queue(key string, p push) {
	if b.target == nil || b.draw("never", b.faults.Never, key) {
		return
	}
	n := 1
	if b.draw("twice", b.faults.Twice, key) {
		n = 2
	}
	for i := range n {
		c := p
		c.order, c.due = hash(b.cfg.Seed, "order", key, fmt.Sprint(i)), b.cfg.Now()
		b.pushes = append(b.pushes, &c)
	}
}

// flush makes the pushes that are due, in an order that the seed chooses. One that fails
// comes again after five minutes, so many times, and never again. It returns how many are
// left. The lock is not held.
func (b *base) flush(accept func(code int) bool, again int) int {
	b.mu.Lock()
	var due []*push
	now := b.cfg.Now()
	b.pushes = slices.DeleteFunc(b.pushes, func(p *push) bool {
		if p.due.After(now) {
			return false
		}
		due = append(due, p)
		return true
	})
	target := b.target
	b.mu.Unlock()
	slices.SortFunc(due, func(x, y *push) int { return cmp.Compare(x.order, y.order) })
	for _, p := range due {
		r := httptest.NewRequest(p.method, p.url, bytes.NewReader(p.body))
		for k, v := range p.header {
			r.Header[k] = v
		}
		w := httptest.NewRecorder()
		target.ServeHTTP(w, r)
		if accept(w.Code) {
			continue
		}
		if p.attempts++; p.attempts <= again {
			b.mu.Lock()
			p.due = b.cfg.Now().Add(5 * time.Minute)
			b.pushes = append(b.pushes, p)
			b.mu.Unlock()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pushes)
}

// What providers take as success of a push.
func exactly200(code int) bool { return code == http.StatusOK }
func any2xx(code int) bool     { return code >= 200 && code < 300 }
