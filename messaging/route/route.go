package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/sms"
)

var (
	// ErrConfig is the kind of every error of New.
	ErrConfig = errors.New("route: configuration")
	// ErrNone: no route may carry a message. It comes with messaging.ErrUnrenderable, so
	// that an effect fails alone whose Outbox.Render returns it.
	ErrNone = errors.New("route: no route may carry the message")
)

// Route is one way to people's telephones. Name, Sender and Prices must be set.
type Route struct {
	Name   string
	Sender messaging.Sender
	// Country is the calling code of the country from which the provider hands messages to
	// operators, such as "+90"; empty counts as abroad everywhere.
	Country string
	// Profile is how the route encodes; the zero value is GSM-7 or UCS-2.
	Profile sms.Profile
	// Prices are what a segment costs, in any unit that all routes share, by how numbers
	// begin: "+90", or "" for all others. The longest beginning counts; a number without
	// a price is not served.
	Prices map[string]int64
}

// Rule returns why a route may not carry a message, or "".
type Rule func(m messaging.Message, r Route) string

// Config configures a Router. Routes must be set.
type Config struct {
	Routes []Route
	// Rules are asked about every message and route; nil means TurkishLinks alone.
	Rules []Rule
	// Failures is after how many requests in a row that did not reach a route or left the
	// fate of their messages open it is left alone; 0 means 5. An answer that says when to come
	// again is none.
	Failures int
	// Pause is how long it is left alone, after which one message tries it; with each
	// failure of that twice as long, up to 32 times. 0 means 30 seconds.
	Pause time.Duration
	Now   func() time.Time // of pauses; nil means time.Now
}

// Router is a messaging.Sender, BatchLimiter, Reconciler and Poller over routes. It is safe
// for concurrent use.
type Router struct {
	cfg    Config
	health []*breaker

	mu   sync.Mutex
	open map[crm.EffectID]int // the route of a message whose fate is unknown
}

// New checks the configuration.
func New(cfg Config) (*Router, error) {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	fault(len(cfg.Routes) == 0, "there are no Routes")
	names := map[string]bool{}
	for i, r := range cfg.Routes {
		fault(r.Name == "" || names[r.Name], "Routes[%d] has no Name of its own", i)
		fault(r.Sender == nil, "Routes[%d] has no Sender", i)
		fault(len(r.Prices) == 0, "Routes[%d] has no Prices", i)
		fault(r.Country != "" && !prefix(r.Country), "Routes[%d] has a Country that is not + and digits", i)
		for _, p := range slices.Sorted(maps.Keys(r.Prices)) {
			price := r.Prices[p]
			fault(p != "" && !prefix(p) || price < 0 || price > 1<<40, "Routes[%d] has a price for %q that is negative, too large, or not for + and digits", i, p)
		}
		names[r.Name] = true
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Rules == nil {
		cfg.Rules = []Rule{TurkishLinks}
	}
	if cfg.Failures <= 0 {
		cfg.Failures = 5
	}
	if cfg.Pause <= 0 {
		cfg.Pause = 30 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Routes, cfg.Rules = slices.Clone(cfg.Routes), slices.Clone(cfg.Rules)
	x := &Router{cfg: cfg, open: map[crm.EffectID]int{}}
	for range cfg.Routes {
		x.health = append(x.health, &breaker{after: cfg.Failures, pause: cfg.Pause})
	}
	return x, nil
}

func prefix(s string) bool {
	return len(s) > 1 && len(s) <= 16 && s[0] == '+' && strings.Trim(s[1:], "0123456789") == ""
}

// Choice is a route that may carry a message.
type Choice struct {
	Route    string
	Segments int
	Cost     int64 // of the message, in the unit of Route.Prices
	at       int
}

// Refusal is why a route may not.
type Refusal struct{ Route, Reason string }

// Plan is the ways of a message, the cheapest first and of equals in the order of
// Config.Routes, and why other routes are none. It does not look at health, which is another one
// when the message is sent.
type Plan struct {
	Choices []Choice
	Refused []Refusal
}

// Plan returns the ways of a message. The error is ErrNone if there are none; it says why,
// without address and text.
func (x *Router) Plan(m messaging.Message) (Plan, error) {
	var p Plan
	to, err := crm.NormalAddress(m.To)
	if err != nil || to.Channel != crm.Phone {
		return p, fmt.Errorf("%w: %w: not a telephone number with its country code", ErrNone, messaging.ErrUnrenderable)
	}
	m.To = to
	for i, r := range x.cfg.Routes {
		c, reason := x.choose(m, r)
		if reason != "" {
			p.Refused = append(p.Refused, Refusal{r.Name, reason})
			continue
		}
		c.at = i
		p.Choices = append(p.Choices, c)
	}
	slices.SortStableFunc(p.Choices, func(a, b Choice) int { return cmp.Compare(a.Cost, b.Cost) })
	if len(p.Choices) == 0 {
		return p, fmt.Errorf("%w: %w: %s", ErrNone, messaging.ErrUnrenderable, p.why())
	}
	return p, nil
}

// Channel describes text messages for a Campaign's Script: Script.Measure of a rendered
// message with its address is that of the cheapest route, or ErrNone where none may carry
// it. Without an address, as for Script.Worst, it is that of Content.Route.
func (x *Router) Channel() messaging.Channel {
	ch := messaging.SMS()
	plain := ch.Measure
	ch.Measure = func(c *messaging.Content, m *messaging.Message) (messaging.Size, error) {
		if m.To == (crm.Address{}) {
			return plain(c, m)
		}
		p, err := x.Plan(*m)
		if err != nil {
			return messaging.Size{}, err
		}
		return messaging.Size{Units: p.Choices[0].Segments, Unit: "segment", Note: "by " + p.Choices[0].Route}, nil
	}
	return ch
}

func (p Plan) why() string {
	var out []string
	for _, r := range p.Refused {
		out = append(out, r.Route+": "+r.Reason)
	}
	return strings.Join(out, "; ")
}

func (x *Router) choose(m messaging.Message, r Route) (Choice, string) {
	price, served := r.price(m.To.Value)
	if !served {
		return Choice{}, "does not serve the number"
	}
	for _, rule := range x.cfg.Rules {
		if reason := rule(m, r); reason != "" {
			return Choice{}, reason
		}
	}
	plan, err := r.Profile.Plan(m.Text)
	if err != nil {
		return Choice{}, "cannot encode the text"
	}
	return Choice{Route: r.Name, Segments: plan.Segments, Cost: int64(plan.Segments) * price}, ""
}

func (r Route) price(number string) (price int64, served bool) {
	for n := len(number); n >= 0; n-- {
		if price, served = r.Prices[number[:n]]; served {
			return price, true
		}
	}
	return 0, false
}
