package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/netgsm"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/twilio"
	"github.com/vefacrm/vefa/messaging/verimor"
)

// provider is a simulated provider and the sender that reaches it.
type provider struct {
	sender   messaging.Sender
	profile  sms.Profile
	server   *httptest.Server
	arrivals func() []providertest.Arrival
	deliver  func() // brings every message to its end
	reply    func(from, text string)
	faults   func(providertest.Faults)
	poll     messaging.Poller // nil where everything is pushed
}

// open starts the simulator of a provider; take gets what it pushes.
func open(name string, seed uint64, now func() time.Time, take func(context.Context, messaging.Feedback) error) (*provider, error) {
	cfg := providertest.Config{Seed: seed, Now: now}
	p := &provider{profile: sms.Profile{Name: "plain", Encodings: []sms.Encoding{sms.GSM7, sms.UCS2}}}
	switch name {
	case "netgsm":
		sim := providertest.NewNetgsm(cfg)
		p.use(sim, sim.Arrivals, sim.Deliver, sim.SetFaults)
		p.reply = func(from, text string) { sim.Reply(from[3:], text) }
		s, err := netgsm.New(netgsm.Config{URL: p.server.URL, Username: sim.Username, Password: sim.Password, Header: "VEFA", Now: now})
		p.sender, p.poll, p.profile = s, s, netgsm.Profile()
		return p, err
	case "twilio":
		sim := providertest.NewTwilio(cfg)
		p.use(sim, sim.Arrivals, sim.Deliver, sim.SetFaults)
		p.reply = sim.Reply
		const at = "https://hooks.example/twilio"
		s, err := twilio.New(twilio.Config{URL: p.server.URL, AccountSID: sim.Username, AuthToken: sim.Password, From: "VEFA", WebhookURL: at, Now: now})
		if err == nil {
			sim.PushTo(s.Webhook(take), at)
		}
		p.sender = s
		return p, err
	}
	sim := providertest.NewVerimor(cfg)
	p.use(sim, sim.Arrivals, func() {
		for range 4 { // pushes that fail come again
			if sim.Deliver() == 0 {
				return
			}
		}
	}, sim.SetFaults)
	p.reply = func(from, text string) { sim.Reply(from[1:], "", text) }
	s, err := verimor.New(verimor.Config{URL: p.server.URL, Username: sim.Username, Password: sim.Password, Header: "VEFA", Now: now})
	p.sender, p.poll, p.profile = s, s, verimor.Profile()
	return p, err
}

func (p *provider) use(h http.Handler, arrivals func() []providertest.Arrival, deliver func(), faults func(providertest.Faults)) {
	p.server = httptest.NewServer(h)
	p.arrivals, p.deliver, p.faults = arrivals, deliver, faults
}
