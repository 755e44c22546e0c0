package vefa

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// route is how a message reaches a customer.
type route struct {
	to crm.Address
	by messaging.Channel
}

// single returns the channel of a script that has but one, which asks for no consent of
// its own: contactRow.consent answers for it.
func single(s *messaging.Script) (messaging.Channel, bool) {
	names := s.Channels()
	if len(names) != 1 {
		return messaging.Channel{}, false
	}
	by, _ := s.Channel(names[0])
	return by, by.Purpose == "" && !by.OptOut && by.Address == nil
}

// addressed is the channel of the addresses of a channel.
func addressed(by messaging.Channel) crm.Channel { return cmp.Or(by.To, by.Name) }

// routes returns every way by which a script can reach a customer, in the order of the
// customer's own preference, then of the script's, then of the sources'.
func (p *population) routes(x *person, s *messaging.Script) []route {
	names := s.Channels()
	slices.SortStableFunc(names, func(a, b crm.Channel) int { return cmp.Compare(p.wish(x, a), p.wish(x, b)) })
	var out []route
	for _, name := range names {
		by, _ := s.Channel(name)
		for i := range x.contacts {
			if a := x.contacts[i].Address; a.Channel == addressed(by) {
				out = append(out, route{a, by})
			}
		}
	}
	return out
}

// wish is the place of a channel among those that the customer prefers, after them all for
// the others.
func (p *population) wish(x *person, ch crm.Channel) int {
	for i, n := range x.prefers {
		if p.texts.text(n) == string(ch) {
			return i
		}
	}
	return len(x.prefers)
}

// choose returns the first way of a message to a customer of whose address nothing
// forbids it, or else the first way that there is.
func (e *Engine) choose(p *population, x *person, c *messaging.Campaign, s *messaging.Script, answers crm.FactRef, states map[crm.Address]*crm.AddressState, at time.Time) (route, bool) {
	if by, ok := single(s); ok {
		to, _, found := x.reach(addressed(by))
		return route{to, by}, found
	}
	ways := p.routes(x, s)
	for _, w := range ways {
		v := c.Again(messaging.Candidate{Address: states[w.to], Channel: w.by, Answers: answers, Zone: p.zone(x), Hours: e.hours}, at)
		switch v.Guard {
		case messaging.GuardSuppressed, messaging.GuardConsent, messaging.GuardTicket, messaging.GuardAddress:
			continue
		}
		return w, true
	}
	if len(ways) == 0 {
		return route{}, false
	}
	return ways[0], true
}

// wayAddresses returns the addresses that choose looks at.
func (p *population) wayAddresses(x *person, s *messaging.Script) []crm.Address {
	if by, ok := single(s); ok {
		if to, _, found := x.reach(addressed(by)); found {
			return []crm.Address{to}
		}
		return nil
	}
	var out []crm.Address
	for _, w := range p.routes(x, s) {
		out = append(out, w.to)
	}
	return out
}

// statesOf reads addresses.
func statesOf(ctx context.Context, r crm.Reader, addrs []crm.Address) (map[crm.Address]*crm.AddressState, error) {
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := r.Addresses(ctx, addrs...)
	out := make(map[crm.Address]*crm.AddressState, len(states))
	for _, st := range states {
		out[st.Address] = st
	}
	return out, err
}

// ways chooses for each effect that is about to be claimed how its message goes. What was
// sent before, or is planned for an address, goes there.
func (e *Engine) ways(ctx context.Context, tx crm.Tx, p *population, effects []*crm.Effect) (map[crm.EffectID]route, error) {
	type open struct {
		f *crm.Effect
		d MessageData
		m *message
		x *person
	}
	var asked []open
	var addrs []crm.Address
	out := make(map[crm.EffectID]route, len(effects))
	for _, f := range effects {
		d, err := decodeMessage(f)
		m := e.message(ctx, d.Name)
		if err != nil || m == nil {
			continue // it will not render
		}
		s := m.script
		to := f.To
		if to.IsZero() {
			to = f.Subject.Address
		}
		if !to.IsZero() {
			if by, ok := chosen(s, to, f.Via); ok {
				out[f.ID] = route{to, by}
			}
			continue
		}
		if x := p.of(e.about(f, d)); x != nil {
			asked = append(asked, open{f, d, m, x})
			if _, ok := single(s); !ok {
				addrs = append(addrs, p.wayAddresses(x, s)...)
			}
		}
	}
	var states map[crm.Address]*crm.AddressState
	if len(addrs) > 0 {
		var err error
		if states, err = statesOf(ctx, tx, addrs); err != nil {
			return nil, err
		}
	}
	now := e.svc.Now()
	for _, a := range asked {
		if w, ok := e.choose(p, a.x, a.m.campaign, a.m.script, a.d.Answers, states, now); ok {
			out[a.f.ID] = w
		}
	}
	return out, nil
}

// chosen returns the channel by which a message goes to an address that is fixed: the one
// that was chosen with it, or the first that writes to such addresses.
func chosen(s *messaging.Script, to crm.Address, via crm.Channel) (messaging.Channel, bool) {
	if by, ok := s.Channel(cmp.Or(via, to.Channel)); ok && addressed(by) == to.Channel {
		return by, true
	}
	if via != "" {
		return messaging.Channel{}, false
	}
	for _, name := range s.Channels() {
		if by, _ := s.Channel(name); addressed(by) == to.Channel {
			return by, true
		}
	}
	return messaging.Channel{}, false
}

// by describes the channel that a claimed message goes by.
func (e *Engine) by(m *message, f *crm.Effect) messaging.Channel {
	by, _ := chosen(m.script, f.To, f.Via)
	return by
}

// channelNames lists the channels of a script.
func channelNames(s *messaging.Script) string {
	var names []string
	for _, ch := range s.Channels() {
		names = append(names, string(ch))
	}
	return strings.Join(names, ", ")
}
